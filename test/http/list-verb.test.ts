/**
 * LIST and HELP over HTTP/1, which Node's parser does not know. These tests guard internals of Node: they must pass on each release of
 * Node that is taken up.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import { listen, request, type Wire, wire } from './listener.ts';

async function verbs(connection: Wire, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i++) {
    const { status, body } = await connection.reply();
    const { method, verb, path } = JSON.parse(body);
    found.push(status === 200 ? `${method} ${verb} ${path}` : String(status));
  }
  return found;
}

test('this release of Node still does not know LIST and HELP, and knows the verbs we put in their place', () => {
  assert(!METHODS.includes('LIST') && !METHODS.includes('HELP'));
  assert(METHODS.includes('LINK') && METHODS.includes('LOCK'));
});

test('LIST and HELP, again and again on one connection, between other requests', async (t) => {
  const { port } = await listen(t);
  const connection = await wire(port);
  for (let round = 0; round < 3; round++) {
    connection.write(request('GET /v1/a'));
    assert.deepEqual(await verbs(connection, 1), ['GET read a']);
    connection.write(request('LIST /v1/b'));
    assert.deepEqual(await verbs(connection, 1), ['LIST list b/']);
    connection.write(request('LIST /v1/c/'));
    connection.write(request('HELP /v1/d'));
    assert.deepEqual(await verbs(connection, 2), ['LIST list c/', 'HELP help d']);
    connection.write(request('POST /v1/e', {}, '{"k":"LIST /v1/x HTTP/1.1\\r\\n"}'));
    assert.deepEqual(await verbs(connection, 1), ['POST update e']);
  }
});

test('genuine LINK, LOCK and unknown verbs are 405, also after a LIST', async (t) => {
  const { port, seen } = await listen(t);
  const connection = await wire(port);
  connection.write(
    request('LINK /v1/a') + request('LIST /v1/b') + request('LINK /v1/c') + request('LOCK /v1/d'),
  );
  assert.deepEqual(await verbs(connection, 4), ['405', 'LIST list b/', '405', '405']);
  assert.equal(seen.length, 1);
  for (const line of [
    'FOO /v1/a',
    'LISA /v1/a',
    'list /v1/a',
    'LISTEN /v1/a',
    'HELLO /v1/a',
    'SCAN /v1/a',
    'BREW /v1/a',
  ]) {
    const other = await wire(port);
    other.write(request(line));
    const reply = await other.reply();
    assert.equal(reply.status, 405, line);
    assert.equal(reply.body, '{"errors":[]}\n');
    await other.closed();
  }
  assert.equal(seen.length, 1);
});

test('pipelined in one packet behind slow requests: all are answered, in order', async (t) => {
  const { port } = await listen(t, {
    handle: async ({ path, verb, method }) => {
      if (path.text === 'slow') await new Promise((resolve) => setTimeout(resolve, 30));
      return { kind: 'bare', status: 200, value: { method, verb, path: path.text } };
    },
  });
  const connection = await wire(port);
  connection.write(
    ['GET /v1/slow', 'LIST /v1/b', 'LIST /v1/c', 'GET /v1/d', 'HELP /v1/e']
      .map((line) => request(line))
      .join(''),
  );
  assert.deepEqual(await verbs(connection, 5), [
    'GET read slow',
    'LIST list b/',
    'LIST list c/',
    'GET read d',
    'HELP help e',
  ]);
});

test('thousands of pipelined LISTs, over many packets: in order, none lost, no deep stack', async (t) => {
  const { port } = await listen(t);
  const connection = await wire(port);
  const paths = Array.from({ length: 2_500 }, (_, i) => `a${i}`);
  connection.write(paths.map((path) => request(`LIST /v1/${path}`)).join(''));
  assert.deepEqual(
    await verbs(connection, paths.length),
    paths.map((path) => `LIST list ${path}/`),
  );
});

test('heads in pieces', async (t) => {
  const { port } = await listen(t);
  const head = request('LIST /v1/a', { 'X-Vault-Token': 't' });
  // Pieces may end anywhere but inside the first two letters.
  for (const cut of [3, 4, 5, 6, 12, head.length - 2]) {
    const connection = await wire(port);
    for (const piece of [head.slice(0, cut), head.slice(cut)]) {
      connection.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(await verbs(connection, 1), ['LIST list a/'], `cut at ${cut}`);
    for (const char of ['LIST', ...head.slice(4)]) connection.write(char);
    assert.deepEqual(await verbs(connection, 1), ['LIST list a/']);
    connection.socket.destroy();
  }
});

test('a head cut inside its first two letters is refused, not guessed', async (t) => {
  const { port, seen } = await listen(t);
  for (const cut of [1, 2]) {
    const head = request('LIST /v1/a');
    const connection = await wire(port);
    connection.write(head.slice(0, cut));
    await new Promise((resolve) => setTimeout(resolve, 20));
    connection.write(head.slice(cut));
    assert.match(String((await connection.reply()).status), /^40[05]$/);
  }
  assert.equal(seen.length, 0);
});

test('bodies that begin with LIST, whole or in pieces, stay as they are', async (t) => {
  const { port, seen } = await listen(t, {
    handle: ({ body }) => ({ kind: 'bare', status: 200, value: body }),
  });
  const connection = await wire(port);
  connection.write(request('LIST /v1/a'));
  await connection.reply();
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  connection.write(request('POST /v1/a', form, 'LIST =1&LIST =2'));
  assert.equal((await connection.reply()).body, '{"LIST ":"1,2"}\n');
  const [head, body] = [request('POST /v1/a', { ...form, 'Content-Length': '7' }), 'LIST =3'];
  connection.write(head);
  await new Promise((resolve) => setTimeout(resolve, 10));
  connection.write(body);
  assert.equal((await connection.reply()).body, '{"LIST ":"3"}\n');
  connection.write(request('POST /v1/a', form, 'LIST =4') + request('LIST /v1/b'));
  assert.equal((await connection.reply()).body, '{"LIST ":"4"}\n');
  await connection.reply();
  assert.deepEqual(
    seen.map(({ method }) => method),
    ['LIST', 'POST', 'POST', 'POST', 'LIST'],
  );
});

test('a LIST with a body: the body is dropped, the connection lives', async (t) => {
  const { port } = await listen(t);
  const connection = await wire(port);
  connection.write(request('LIST /v1/a', {}, 'LIST /v1/x HTTP/1.1\r\n\r\n') + request('LIST /v1/b'));
  assert.deepEqual(await verbs(connection, 2), ['LIST list a/', 'LIST list b/']);
});

test('a connection that sent LIST still has its time for a head', async (t) => {
  const { port } = await listen(t, { listener: { http_read_header_timeout: 0.2 } });
  const connection = await wire(port);
  connection.write(request('LIST /v1/a'));
  await connection.reply();
  // Longer than the time for a head: between requests it does not run.
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  connection.write(request('LIST /v1/b'));
  assert.deepEqual(await verbs(connection, 1), ['LIST list b/']);
  connection.write('LIST /v1/c HTTP/1.1\r\n');
  assert.equal((await connection.reply()).status, 408);
  await connection.closed();
});
