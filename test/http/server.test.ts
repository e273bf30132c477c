/**
 * Requests and replies through real sockets: what reaches the handler, and what a client sees (contract §1.1 to §1.4).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { ListenError } from '../../src/http/listen-error.ts';
import { makeHttpServer } from '../../src/http/server.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import type { Reply, Request } from '../../src/model/request.ts';
import { call } from '../support/http.ts';
import { echo, listen, request, wire } from './listener.ts';

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('verbs, canonical paths and queries reach the handler', async (t) => {
  const { url } = await listen(t);
  const asked = async (method: string, path: string) => {
    const { status, body } = await call(url, method, path);
    return status === 200 ? [body.verb, body.path, body.query] : status;
  };
  assert.deepEqual(await asked('GET', '/v1/secret/a%20b?version=2&x=1&x=2'), [
    'read',
    'secret/a b',
    { version: '2', x: ['1', '2'] },
  ]);
  assert.deepEqual(await asked('GET', '/v1/secret?list=true'), ['list', 'secret/', {}]);
  assert.deepEqual(await asked('GET', '/v1/secret?help=1'), ['help', 'secret', {}]);
  assert.deepEqual(await asked('PUT', '/v1/a'), ['update', 'a', {}]);
  assert.deepEqual(await asked('POST', '/v1/a'), ['update', 'a', {}]);
  assert.deepEqual(await asked('DELETE', '/v1/a/?v=1'), ['delete', 'a/', { v: '1' }]);
  assert.equal(await asked('PUT', '/v1/a/'), 400);
  assert.equal(await asked('GET', '/v1/a//b'), 400);
  assert.equal(await asked('GET', '/v1/a/../b'), 400);
  assert.equal(await asked('GET', '/v1/a?list=perhaps'), 400);
  assert.equal(await asked('OPTIONS', '/v1/a'), 405);
  assert.equal(await asked('TRACE', '/v1/a'), 405);
});

test('X-Vault-Token wins; Authorization counts with exactly "Bearer "', async (t) => {
  const { url } = await listen(t);
  const token = async (headers: Record<string, string>) =>
    (await call(url, 'GET', '/v1/a', { headers })).body.token;
  assert.equal(await token({}), null);
  assert.equal(await token({ 'X-Vault-Token': 'a' }), 'a');
  assert.equal(await token({ Authorization: 'Bearer  b ' }), 'b');
  assert.equal(await token({ 'X-Vault-Token': 'a', Authorization: 'Bearer b' }), 'a');
  assert.equal(await token({ 'X-Vault-Token': '', Authorization: 'Bearer b' }), 'b');
  for (const other of ['bearer b', 'BEARER b', 'Basic b', 'Bearerb', 'b'])
    assert.equal(await token({ Authorization: other }), null);
});

test('credentials are not among the headers the handler sees; others are, in lower case', async (t) => {
  const { url, seen } = await listen(t);
  await call(url, 'GET', '/v1/a', {
    headers: {
      'X-Vault-Token': 'canary',
      Authorization: 'Bearer canary',
      Cookie: 'canary',
      'X-Other': 'yes',
    },
  });
  const { headers } = seen[0]!;
  assert.equal(headers['x-other'], 'yes');
  assert.equal(headers, seen[0]!.headers);
  assert(!JSON.stringify(headers).includes('canary'));
});

test('X-Vault-Namespace: canonical for the handler, echoed as sent', async (t) => {
  const { url } = await listen(t);
  const sent = await call(url, 'GET', '/v1/a', { headers: { 'X-Vault-Namespace': '/ns1/ns2/' } });
  assert.equal(sent.body.namespace, 'ns1/ns2');
  assert.equal(sent.headers['x-vault-namespace'], '/ns1/ns2/');
  const absent = await call(url, 'GET', '/v1/a');
  assert.equal(absent.body.namespace, '');
  assert.equal(absent.headers['x-vault-namespace'], undefined);
  assert.equal((await call(url, 'GET', '/v1/a', { headers: { 'X-Vault-Namespace': 'a/../b' } })).status, 400);
});

test('X-Vault-Wrap-TTL: seconds or Go durations; a bad or negative one is 400 in Vault’s words', async (t) => {
  const { url } = await listen(t);
  const wrap = (ttl: string) => call(url, 'GET', '/v1/a', { headers: { 'X-Vault-Wrap-TTL': ttl } });
  for (const [ttl, seconds] of [
    ['60', 60],
    ['1h30m', 5400],
    ['1500ms', 1],
    ['0', null],
    ['', null],
  ] as const) {
    assert.equal((await wrap(ttl)).body.wrapTtlSeconds, seconds, ttl);
  }
  const bad = await wrap('soon');
  assert.equal(bad.status, 400);
  assert.match(bad.body.errors[0], /^error parsing X-Vault-Wrap-TTL header: /);
  const negative = await wrap('-5s');
  assert.equal(negative.status, 400);
  assert.deepEqual(negative.body.errors, [
    'error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative',
  ]);
});

test('request ids: drawn here, or the client’s where it is a UUID', async (t) => {
  const { url, seen } = await listen(t);
  const own = '0F9619FF-8B86-D011-B42D-00CF4FC964FF';
  for (const id of [undefined, own, 'no-uuid', `${own}0`]) {
    await call(url, 'GET', '/v1/a', { headers: id === undefined ? {} : { 'X-Coffer-Request-Id': id } });
  }
  const ids = seen.map(({ id }) => id);
  assert.equal(ids[1], own.toLowerCase());
  for (const at of [0, 2, 3]) assert.match(ids[at]!, UUID_V4);
  assert.equal(new Set(ids).size, 4);
});

test('where the client is, and when it came', async (t) => {
  const { url, seen } = await listen(t);
  const before = Date.now();
  await call(url, 'GET', '/v1/a');
  const { remoteAddress, remotePort, receivedAtMs } = seen[0]!;
  assert.equal(remoteAddress, '127.0.0.1');
  assert(remotePort > 0);
  assert(receivedAtMs >= before && receivedAtMs <= Date.now());
});

test('every reply: no-store, JSON, its length; custom headers by status', async (t) => {
  const { url } = await listen(t, {
    listener: { custom_response_headers: { default: { 'X-All': ['a'] }, '4xx': { 'X-All': ['b'] } } },
  });
  const good = await call(url, 'GET', '/v1/a');
  const bad = await call(url, 'GET', '/v1/a/./b');
  for (const { headers, text } of [good, bad]) {
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(Number(headers['content-length']), Buffer.byteLength(text));
    assert.equal(headers['strict-transport-security'], undefined);
  }
  assert.equal(good.headers['x-all'], 'a');
  assert.equal(bad.headers['x-all'], 'b');
});

test('HEAD gets the head alone; nothing is 204 with a content type', async (t) => {
  const { port } = await listen(t, {
    handle: (asked) => (asked.verb === 'delete' ? { kind: 'empty', status: 204 } : echo(asked)),
  });
  const connection = await wire(port);
  connection.write(request('HEAD /v1/a') + request('DELETE /v1/a'));
  const all = await (async () => {
    connection.write(request('GET /v1/end', { Connection: 'close' }));
    return await connection.closed();
  })();
  const [head, empty] = all.split(/(?=HTTP\/1\.1 )/);
  assert.match(head!, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: \d{2,}\r\n[\s\S]*\r\n\r\n$/);
  assert.match(
    empty!,
    /^HTTP\/1\.1 204 No Content\r\n[\s\S]*Content-Type: application\/json\r\n[\s\S]*\r\n\r\n$/,
  );
  assert.doesNotMatch(empty!, /Content-Length|Transfer-Encoding/i);
});

test('texts outside ASCII keep their length', async (t) => {
  const { url } = await listen(t, { handle: () => ({ kind: 'bare', status: 200, value: { k: 'é€😀' } }) });
  assert.equal((await call(url, 'GET', '/v1/a')).text, '{"k":"é€😀"}\n');
});

test('bytes and their headers go out as they are', async (t) => {
  const body = Uint8Array.from([0, 255, 10]);
  const { port } = await listen(t, {
    handle: () => ({
      kind: 'raw',
      status: 200,
      contentType: 'application/pkix-crl',
      body,
      headers: { 'cache-control': 'max-age=5', ETag: '"x"' },
    }),
  });
  const connection = await wire(port);
  connection.write(request('GET /v1/pki/crl'));
  const { head } = await connection.reply();
  assert.match(head, /content-type: application\/pkix-crl\r\n/i);
  assert.match(head, /ETag: "x"/);
  assert.equal(head.match(/cache-control/gi)?.length, 1);
  assert.match(head, /cache-control: max-age=5/i);
});

test('served roots without the handler', async (t) => {
  const { url, seen } = await listen(t);
  const root = await call(url, 'GET', '/');
  assert.equal(root.status, 307);
  assert.equal(root.headers.location, '/ui/');
  assert.equal((await call(url, 'GET', '/robots.txt')).text, 'User-agent: *\nDisallow: /\n');
  assert.equal((await call(url, 'GET', '/ui/vault/secrets')).status, 404);
  for (const path of ['/v1', '/v2/sys/health', '/favicon.ico', '//v1/sys/health', '*']) {
    const reply = await call(url, 'GET', path);
    assert.equal(reply.status, 404, path);
    assert.equal(reply.text, '{"errors":[]}\n', path);
  }
  assert.equal((await call(url, 'POST', '/')).status, 404);
  assert.equal(seen.length, 0);
});

test('the absolute form of a target is understood', async (t) => {
  const { port } = await listen(t);
  const connection = await wire(port);
  connection.write(request('GET http://vault.example:8200/v1/a?b=c'));
  assert.match((await connection.reply()).body, /"path":"a".*"query":\{"b":"c"\}/);
});

test('a handler that fails is answered 500, tells nothing, and is logged', async (t) => {
  const { url, logged } = await listen(t, {
    handle: () => {
      throw new TypeError('internal detail');
    },
  });
  const { status, text } = await call(url, 'GET', '/v1/a');
  assert.equal(status, 500);
  assert.equal(text, '{"errors":["1 error occurred:\\n\\t* internal error\\n\\n"]}\n');
  assert(logged.some((line) => line.includes('internal detail')));
});

test('a status that is none (a health code is the client’s to choose) is 400', async (t) => {
  const { url } = await listen(t, {
    handle: ({ query }) => ({ kind: 'bare', status: Number(query.get('code')), value: {} }),
  });
  for (const code of [0, 99, 100, 101, 199, 1000, -1, 1e9]) {
    assert.equal((await call(url, 'GET', `/v1/a?code=${code}`)).status, 400, String(code));
  }
  for (const code of [200, 299, 472, 530, 999])
    assert.equal((await call(url, 'GET', `/v1/a?code=${code}`)).status, code);
});

test('in-flight requests can be listed while they run', async (t) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { url, server, seen } = await listen(t, { handle: (asked) => held.then(() => echo(asked)) });
  const answer = call(url, 'PUT', '/v1/secret/x', { body: { a: 1 } });
  while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const rows = [...server.inFlight()];
  assert.equal(rows.length, 1);
  const [id, row] = rows[0]!;
  assert.equal(id, seen[0]!.id);
  assert.match(row.start_time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal(row.client_remote_address, `127.0.0.1:${seen[0]!.remotePort}`);
  assert.deepEqual([row.request_method, row.request_path], ['PUT', '/v1/secret/x']);
  release();
  await answer;
  assert.equal(server.inFlight().size, 0);
});

/** What a handler does that asks, turn by turn, whether anybody still waits for its answer. */
async function untilOver(asked: Request): Promise<Reply> {
  while (!asked.isOver) await new Promise((resolve) => setImmediate(resolve));
  return { kind: 'empty', status: 204 };
}

test('a request is over when its client goes away, and not when it was answered', async (t) => {
  const { port, seen, server } = await listen(t, {
    handle: (asked) => (asked.path.text === 'quick' ? echo(asked) : untilOver(asked)),
  });
  const quick = await wire(port);
  quick.write(request('GET /v1/quick'));
  await quick.reply();
  quick.socket.destroy();
  const gone = await wire(port);
  gone.write(request('GET /v1/slow'));
  while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(server.inFlight().size, 1);
  gone.socket.destroy();
  while (server.inFlight().size > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(seen[1]!.isOver, true);
  assert.equal(seen[0]!.isOver, false);
});

test('a request is over when its time is; a handler that does not heed it is answered for', async (t) => {
  const { url, server, logged } = await listen(t, {
    listener: { max_request_duration: 0.5 },
    handle: (asked) => (asked.path.text === 'deaf' ? new Promise(() => {}) : untilOver(asked)),
  });
  const [heeding, deaf] = await Promise.all([call(url, 'GET', '/v1/heeding'), call(url, 'GET', '/v1/deaf')]);
  assert.equal(heeding.status, 204);
  assert.equal(deaf.status, 503);
  assert.deepEqual(deaf.body.errors, ['the request took too long']);
  assert.equal(server.inFlight().size, 0);
  assert(logged.some((line) => line.includes('did not end in time')));
});

test('a taken port is one clear error', async (t) => {
  const { port } = await listen(t);
  const address = `127.0.0.1:${port}`;
  const handler = { handle: async () => ({ kind: 'empty', status: 204 }) as const, isOpen: () => false };
  const second = makeHttpServer({
    handler,
    log: SILENT_LOG,
    now: Date.now,
    listener: { address, tls_disable: true },
  });
  await assert.rejects(second.start(), (error) => {
    assert(error instanceof ListenError);
    assert.equal(error.code, 'EADDRINUSE');
    assert.equal(error.message, `cannot listen on ${address}: the address is already in use`);
    return true;
  });
  await second.stop();
});

test('many requests on one connection', async (t) => {
  const { port } = await listen(t);
  const connection = await wire(port);
  for (let i = 0; i < 50; i++) {
    connection.write(request(`GET /v1/a${i}`));
    assert.match((await connection.reply()).body, new RegExp(`"path":"a${i}"`));
  }
  assert.equal(connection.socket.bytesWritten > 0, true);
  connection.write(Array.from({ length: 20 }, (_, i) => request(`GET /v1/b${i}`)).join(''));
  for (let i = 0; i < 20; i++) assert.match((await connection.reply()).body, new RegExp(`"path":"b${i}"`));
});

test('Node’s own client and this server agree on keep-alive', async (t) => {
  const { port } = await listen(t);
  const { Agent } = await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(async () => agent.destroy());
  const ports = new Set<number>();
  for (let i = 0; i < 5; i++) {
    await new Promise<void>((resolve, reject) => {
      const sent = httpRequest(
        { port, host: '127.0.0.1', path: '/v1/a', method: i % 2 ? 'POST' : 'GET', agent },
        (reply) => {
          ports.add(reply.socket.localPort!);
          reply.resume();
          reply.on('end', resolve);
        },
      );
      sent.on('error', reject);
      sent.end(i % 2 ? '{"a":1}' : undefined);
    });
  }
  assert.equal(ports.size, 1);
});
