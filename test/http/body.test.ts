/**
 * Request bodies: what is taken, and that every bound holds before the handler, and so the token, is looked at (contract §1.2).
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type BodyBudget, checkPatchType, mediaType, parseBody, readBody } from '../../src/http/body.ts';
import { CodedError } from '../../src/model/errors.ts';
import { type JsonMap, JsonNumber } from '../../src/model/json.ts';
import { closing } from '../support/closing.ts';
import { call } from '../support/http.ts';
import { listen, request, wire } from './listener.ts';

const MIB = 1024 * 1024;
const LIMITS = { depthMax: 500, valuesMax: 1_000_000 };
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

function parse(text: string, contentType?: string): JsonMap | undefined {
  return parseBody(Buffer.from(text), contentType, LIMITS).data;
}

test('JSON whatever the Content-Type says; a form only where it does not begin like JSON', () => {
  const json = new Map([['a', new JsonNumber('1.0')]]);
  for (const type of [undefined, '', 'text/plain', 'application/json', FORM['Content-Type'], 'garbage;;']) {
    assert.deepEqual(parse(' \r\n{"a":1.0}', type), json);
  }
  const form = new Map([
    ['a', '1,2'],
    ['b', ' '],
  ]);
  assert.deepEqual(parse('a=1&b=+&a=2', 'Application/X-WWW-Form-URLencoded; charset=utf-8'), form);
  assert.throws(() => parse('a=1&b=+&a=2', 'application/json'), CodedError);
});

test('no bytes, blanks and null are no body', () => {
  for (const text of ['', ' \r\n\t', 'null', ' null ']) assert.equal(parse(text), undefined);
  assert.equal(parse(' ', FORM['Content-Type']), undefined);
});

test('a body that is JSON but no object is refused', () => {
  for (const text of ['[1]', '"a"', '1', 'true']) {
    assert.throws(() => parse(text), { message: 'failed to parse JSON input: the body must be an object' });
  }
});

test('media types as Go’s mime package reads them', () => {
  assert.equal(mediaType(' Application/Merge-Patch+JSON ; charset=utf-8'), 'application/merge-patch+json');
  assert.equal(mediaType('text'), 'text');
  for (const header of [undefined, '', ' ', '/', 'a/', '/b', 'a b', 'a/b c', ';a=b'])
    assert.equal(mediaType(header), undefined, String(header));
});

test('PATCH: 415 for another type, 400 for none, in Vault’s words', () => {
  assert.doesNotThrow(() => checkPatchType('application/merge-patch+json; charset=utf-8'));
  assert.throws(() => checkPatchType('application/json'), {
    status: 415,
    messages: ['PATCH requires Content-Type of application/merge-patch+json, provided application/json'],
  });
  for (const none of [undefined, '', '/'])
    assert.throws(() => checkPatchType(none), { status: 400, messages: ['mime: no media type'] });
});

test('bodies reach the handler, with numbers as written and their size', async (t) => {
  const { url, seen } = await listen(t);
  const reply = await call(url, 'POST', '/v1/a', { body: '{"n":1.50,"10":"x","__proto__":{}}' });
  assert.match(reply.text, /"body":\{"n":1\.50,"10":"x","__proto__":\{\}\},"bodyBytes":34/);
  const patch = { 'Content-Type': 'application/merge-patch+json' };
  assert.match(
    (await call(url, 'PATCH', '/v1/a', { body: '{"a":null}', headers: patch })).text,
    /"verb":"patch".*"body":\{"a":null\}/,
  );
  assert.equal((await call(url, 'PATCH', '/v1/a', { body: '{}', headers: FORM })).status, 415);
  assert.equal((await call(url, 'PATCH', '/v1/a')).status, 400);
  assert.match(
    (await call(url, 'PUT', '/v1/a', { body: 'a=1&a=2', headers: FORM })).text,
    /"body":\{"a":"1,2"\}/,
  );
  assert.match((await call(url, 'PUT', '/v1/a', { body: '' })).text, /"body":null,"bodyBytes":0/);
  assert.equal(seen.length, 4);
});

test('malformed JSON is 400 and never echoed, in the reply or the log', async (t) => {
  const { url, seen, logged } = await listen(t);
  for (const body of [
    '{"k":"canary"',
    '{"canary":',
    'canary',
    '["canary"]',
    '{"k":"canary"}x',
    '{"k":"\\qcanary"}',
  ]) {
    const { status, text } = await call(url, 'POST', '/v1/a', { body });
    assert.equal(status, 400, body);
    assert.match(text, /^\{"errors":\["failed to parse JSON input: /);
    assert(!text.includes('canary'));
  }
  assert.equal(seen.length, 0);
  assert(!logged.join().includes('canary'));
});

test('too long by Content-Length: 413 at once, with no byte of it sent', async (t) => {
  const { port, seen } = await listen(t);
  const connection = await wire(port);
  connection.write(request('POST /v1/a', { 'Content-Length': String(32 * MIB + 1) }));
  const { status, body, head } = await connection.reply();
  assert.equal(status, 413);
  assert.equal(body, '{"errors":["request body too large"]}\n');
  assert.match(head, /^Connection: close$/m);
  assert.equal(seen.length, 0);
});

test('too long in fact: 413 when the bound is passed, which the client gets to read though it is still sending', async (t) => {
  const { port, seen } = await listen(t, { listener: { max_request_size: 100_000 } });
  const connection = await wire(port);
  connection.write(request('POST /v1/a', { 'Transfer-Encoding': 'chunked' }));
  const chunk = `${(0x4000).toString(16)}\r\n${'x'.repeat(0x4000)}\r\n`;
  for (let i = 0; i < 20; i++) connection.write(chunk);
  assert.equal((await connection.reply()).status, 413);
  for (let i = 0; i < 20; i++) connection.write(chunk);
  connection.write('0\r\n\r\n');
  await connection.closed();
  assert.equal(seen.length, 0);
});

test('a client that reads only after all is sent still finds its 413', async (t) => {
  const { port } = await listen(t, { listener: { max_request_size: 100_000 } });
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  const body = Buffer.alloc(8 * MIB, 'x');
  socket.write(request('POST /v1/a', { 'Content-Length': String(body.length) }));
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.write(body, () => resolve());
  });
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  socket.resume();
  await closing(socket);
  assert.match(received, /^HTTP\/1\.1 413 [\s\S]*request body too large/);
});

test('what a refused client goes on sending is dropped up to a bound, then it is cut off', async (t) => {
  const { port } = await listen(t, { listener: { max_request_size: 1_000 } });
  const connection = await wire(port);
  connection.write(request('POST /v1/a', { 'Content-Length': String(1024 * MIB) }));
  assert.equal((await connection.reply()).status, 413);
  const block = Buffer.alloc(MIB);
  const sending = setInterval(() => connection.write(block), 1);
  await connection.closed();
  clearInterval(sending);
  assert(connection.socket.bytesWritten < 512 * MIB);
});

test('open paths take 1 MiB, others max_request_size, exactly', async (t) => {
  const { url } = await listen(t, {
    listener: { max_request_size: 2 * MIB },
    isOpen: (path) => path === 'auth/x/login',
    handle: ({ bodyBytes }) => ({ kind: 'bare', status: 200, value: { bodyBytes } }),
  });
  const send = async (path: string, bytes: number) => {
    const body = `{"a":"${'x'.repeat(bytes - 8)}"}`;
    return (await call(url, 'PUT', path, { body })).status;
  };
  assert.equal(await send('/v1/auth/x/login', MIB), 200);
  assert.equal(await send('/v1/auth/x/login', MIB + 1), 413);
  assert.equal(await send('/v1/auth%2Fx/login', MIB + 1), 413);
  assert.equal(await send('/v1/secret', 2 * MIB), 200);
  assert.equal(await send('/v1/secret', 2 * MIB + 1), 413);
});

test('a client that waits for 100 Continue gets it, or its refusal instead', async (t) => {
  const { port } = await listen(t, { listener: { max_request_size: 100 } });
  const expecting = { Expect: '100-continue' };
  const good = await wire(port);
  good.write(request('POST /v1/a', { ...expecting, 'Content-Length': '7' }));
  assert.equal((await good.reply()).status, 100);
  good.write('{"a":1}');
  assert.equal((await good.reply()).status, 200);
  const large = await wire(port);
  large.write(request('POST /v1/a', { ...expecting, 'Content-Length': '101' }));
  assert.equal((await large.reply()).status, 413);
  const wrong = await wire(port);
  wrong.write(request('PATCH /v1/a', { ...expecting, 'Content-Length': '7' }));
  assert.equal((await wrong.reply()).status, 400);
});

test('500 levels and a million values, not one more; max_json_depth sets the levels', async (t) => {
  const handle = () => ({ kind: 'empty', status: 204 }) as const;
  const { url, seen } = await listen(t, { handle });
  const put = async (address: string, body: string) => {
    const { status, text } = await call(address, 'PUT', '/v1/a', { body });
    return status === 204 ? status : text;
  };
  const deep = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const wide = (values: number) =>
    `{"a":[${Array(values - 2)
      .fill('1')
      .join()}]}`;
  assert.equal(await put(url, deep(500)), 204);
  assert.match(String(await put(url, deep(501))), /nested deeper than 500/);
  assert.match(String(await put(url, `{"a":${'['.repeat(MIB)}`)), /nested deeper than 500/);
  assert.equal(await put(url, wide(1_000_000)), 204);
  assert.match(String(await put(url, wide(1_000_001))), /more than 1000000 values/);
  assert.equal(seen.length, 2);
  const shallow = await listen(t, { handle, listener: { max_json_depth: 3 } });
  assert.equal(await put(shallow.url, deep(3)), 204);
  assert.match(String(await put(shallow.url, deep(4))), /nested deeper than 3/);
});

test('bodies of verbs that take none are dropped within the bound, and the connection lives', async (t) => {
  const { port } = await listen(t, { listener: { max_request_size: 1_000 } });
  const connection = await wire(port);
  for (const verb of ['GET', 'DELETE', 'LIST', 'HEAD'] as const) {
    connection.write(request(`${verb} /v1/a`, {}, '{"not":"looked at'));
    if (verb === 'HEAD') break;
    assert.match((await connection.reply()).body, /"body":null/);
  }
  const chunked = await wire(port);
  chunked.write(request('GET /v1/a', { 'Transfer-Encoding': 'chunked' }));
  chunked.write('5\r\nhello\r\n0\r\n\r\n');
  assert.equal((await chunked.reply()).status, 200);
  chunked.write(request('GET /v1/b'));
  assert.equal((await chunked.reply()).status, 200);
  for (const verb of ['GET', 'DELETE']) {
    const long = await wire(port);
    long.write(request(`${verb} /v1/a`, { 'Content-Length': '1001' }));
    assert.match((await long.reply()).head, /^Connection: close$/m);
    const endless = await wire(port);
    endless.write(request(`${verb} /v1/a`, { 'Transfer-Encoding': 'chunked' }));
    for (let i = 0; i < 3; i++) endless.write(`200\r\n${'x'.repeat(512)}\r\n`);
    await endless.closed();
  }
});

test('slow clients: 408 for a head or a body that does not come in time', async (t) => {
  const { port, seen } = await listen(t, {
    listener: { http_read_header_timeout: 0.2, http_read_timeout: 0.4 },
  });
  const [silent, head, body] = await Promise.all([wire(port), wire(port), wire(port)]);
  head.write('GET /v1/a HTTP/1.1\r\nHost: te');
  body.write(request('POST /v1/a', { 'Content-Length': '100' }));
  body.write('{"a":');
  const replies = await Promise.all([silent.reply(), head.reply(), body.reply()]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    [408, 408, 408],
  );
  await Promise.all([silent.closed(), head.closed(), body.closed()]);
  assert.equal(seen.length, 0);
});

function chunks(...sizes: number[]): IncomingMessage {
  const stream = new PassThrough();
  for (const size of sizes) stream.write(Buffer.alloc(size));
  stream.end();
  return stream as unknown as IncomingMessage;
}

function read(request: IncomingMessage, budget: BodyBudget): Promise<{ bytes: Buffer; held: number }> {
  return new Promise((resolve, reject) => {
    readBody(request, MIB, budget, 0, { whole: (bytes, held) => resolve({ bytes, held }), failed: reject });
  });
}

test('large bodies share a budget; what is over it is refused, and small ones never are', async () => {
  const budget: BodyBudget = { left: 100_000 };
  const first = await read(chunks(64 * 1024, 90_000), budget);
  assert.equal(first.bytes.length, 64 * 1024 + 90_000);
  assert.equal(first.held, 90_000);
  assert.equal(budget.left, 10_000);
  await assert.rejects(read(chunks(64 * 1024, 5_000, 5_001), budget), { code: 'overloaded' });
  assert.equal(budget.left, 10_000);
  assert.equal((await read(chunks(64 * 1024), budget)).held, 0);
});

test('the budget is given back when the request is done, whatever became of it', {
  timeout: 30_000,
}, async (t) => {
  const bodyBudget: BodyBudget = { left: 2 * MIB };
  const left: number[] = [];
  const handle = () => {
    left.push(bodyBudget.left);
    return { kind: 'empty', status: 204 } as const;
  };
  const { url, port } = await listen(t, { handle, bodyBudget });
  const body = Buffer.alloc(MIB, ' ');
  for (const [begin, status] of [
    ['{}', 204],
    ['{]', 400],
  ] as const) {
    body.write(begin);
    assert.equal((await call(url, 'PUT', '/v1/a', { body })).status, status);
    assert.equal(bodyBudget.left, 2 * MIB);
  }
  assert.deepEqual(left, [MIB + 64 * 1024]);
  const overloaded = await call(url, 'PUT', '/v1/a', { body: Buffer.alloc(3 * MIB) });
  assert.equal(overloaded.status, 503);
  assert.equal(overloaded.headers['retry-after'], '1');
  const gone = await wire(port);
  gone.write(request('PUT /v1/a', { 'Content-Length': String(MIB) }));
  gone.write(body.subarray(0, 512 * 1024));
  while (bodyBudget.left === 2 * MIB) await new Promise((resolve) => setImmediate(resolve));
  gone.socket.destroy();
  while (bodyBudget.left < 2 * MIB) await new Promise((resolve) => setImmediate(resolve));
});

test('a body that is larger in memory than on the wire takes its memory of the budget', async (t) => {
  const bodyBudget: BodyBudget = { left: 10 * MIB };
  const held: number[] = [];
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const handle = async () => {
    held.push(10 * MIB - bodyBudget.left);
    await release;
    return { kind: 'empty', status: 204 } as const;
  };
  const { url } = await listen(t, { handle, bodyBudget });
  // 80 kB that become some six megabytes.
  const body = `{"a":[${'[[]],'.repeat(16_000)}1]}`;
  const first = call(url, 'PUT', '/v1/a', { body });
  while (held.length === 0) await new Promise((next) => setImmediate(next));
  assert(held[0]! > 4 * MIB, String(held[0]));
  const second = await call(url, 'PUT', '/v1/a', { body });
  assert.deepEqual([second.status, second.headers['retry-after']], [503, '1']);
  const small = call(url, 'PUT', '/v1/a', { body: `{"a":[${'[[]],'.repeat(100)}1]}` });
  while (held.length === 1) await new Promise((next) => setImmediate(next));
  resolve();
  assert.deepEqual([(await first).status, (await small).status], [204, 204]);
  assert.equal(bodyBudget.left, 10 * MIB);
});
