/** Devices that send their lines: what arrives, what is refused, and what becomes of a peer that is gone or does not read. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AuditDevice } from '../../src/audit/device.ts';
import { makeSentDevice, type SentDeviceOptions } from '../../src/audit/sent-device.ts';
import { linkOf } from '../../src/model/audit-chain.ts';
import { CodedError } from '../../src/model/errors.ts';
import { AUDIT_LOGGER_REST_MS } from '../../src/model/limits.ts';
import { entryLine, makeChainWorld } from '../support/audit-chain.ts';
import { freePort } from '../support/free-port.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const folder = testFolder('sent');

type Type = SentDeviceOptions['type'];
function make(
  t: TestContext,
  type: Type,
  options: Record<string, string>,
  more: Partial<SentDeviceOptions> = {},
): AuditDevice {
  const device = makeSentDevice({ type, options, salt: 's', ...more });
  t.after(() => device.close());
  return device;
}

/** A server that keeps what comes, or reads nothing. */
async function listening(t: TestContext, at: number | string = 0, { reads = true } = {}) {
  const state = { text: '', sockets: [] as Socket[], server: undefined as unknown as Server };
  state.server = createServer((socket) => {
    state.sockets.push(socket);
    socket.on('error', () => {});
    if (reads)
      socket.on('data', (bytes) => {
        state.text += bytes;
      });
    else socket.pause();
  });
  if (typeof at === 'number') state.server.listen(at, '127.0.0.1');
  else state.server.listen(at);
  await once(state.server, 'listening');
  t.after(() => {
    for (const socket of state.sockets) socket.destroy();
    state.server.close();
  });
  const address = state.server.address();
  return Object.assign(state, {
    address: typeof address === 'string' ? address : `127.0.0.1:${(address as AddressInfo).port}`,
  });
}

test('socket: lines over TCP and over a Unix socket, each with its place in a chain', async (t) => {
  const world = makeChainWorld();
  for (const at of [0, join(folder, 'sock')]) {
    const server = await listening(t, at);
    const chain = {
      id: 'a'.repeat(16),
      device: 'socket/',
      node: 'n1',
      heads: makeChainWorld().heads,
      signer: world.signer,
      clock: world.clock,
      now: world.clock.wallMs,
      alarm: () => {},
    };
    const options = { address: server.address, ...(at === 0 ? {} : { socket_type: 'unix' }) };
    const device = makeSentDevice({ type: 'socket', options, salt: 's', chain });
    await device.open();
    await Promise.all([1, 2, 3].map((n) => device.write(entryLine(n))));
    await device.close();
    await until('the last checkpoint has come', () => server.text.includes('"event":"stop"'));
    const lines = server.text.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => linkOf(line)?.seq),
      [1, 2, 3, 4, 5],
    );
  }
});

test('socket: UDP, a line in each datagram; one that is too long takes no other with it', async (t) => {
  const server = createSocket('udp4');
  const got: string[] = [];
  server.on('message', (bytes) => void got.push(bytes.toString()));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const device = make(t, 'socket', { address: `127.0.0.1:${server.address().port}`, socket_type: 'udp' });
  const results = await Promise.allSettled([
    device.write('{"a":1}'),
    device.write('x'.repeat(70_000)),
    device.write('{"b":2}'),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  await until('both lines', () => got.length === 2);
  assert.deepEqual(got, ['{"a":1}', '{"b":2}']);
});

test('socket: where nobody listens it is refused at once; a peer that comes back is connected to again', async (t) => {
  const port = await freePort();
  const device = make(t, 'socket', { address: `127.0.0.1:${port}` });
  await assert.rejects(device.open(), { status: 400 });
  await assert.rejects(device.write('{}'));
  const first = await listening(t, port);
  await device.write('{"n":1}');
  await until('a line', () => first.text !== '');
  for (const socket of first.sockets) socket.destroy();
  first.server.close();
  await once(first.server, 'close');
  // What is written before the close is known may be lost without a word, as with every socket.
  await until('a refusal', () =>
    device.write('{"n":2}').then(
      () => false,
      () => true,
    ),
  );
  const second = await listening(t, port);
  await device.write('{"n":3}');
  await until('the line after it', () => second.text === '{"n":3}\n');
});

test('socket: a peer that does not read is given up after write_timeout', async (t) => {
  const server = await listening(t, 0, { reads: false });
  const device = make(t, 'socket', { address: server.address, write_timeout: '1s' });
  await device.open();
  const line = `{"x":"${'x'.repeat(8 * 1024 * 1024)}"}`;
  await assert.rejects(device.write(line), /not taken within 1000 ms/);
  // And the next lines are tried on a connection of their own.
  await device.write('{}');
  assert.equal(server.sockets.length, 2);
});

test('syslog: RFC 5424 over UDP, counted over TCP', async (t) => {
  const udp = createSocket('udp4');
  const got: string[] = [];
  udp.on('message', (bytes) => void got.push(bytes.toString()));
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  t.after(() => udp.close());
  const device = make(t, 'syslog', {
    address: `udp://127.0.0.1:${udp.address().port}`,
    facility: 'LOCAL3',
    tag: 'coffer',
  });
  await device.write('{"a":1}');
  await until('the line', () => got.length === 1);
  assert.match(got[0]!, /^<158>1 \d{4}-\d\d-\d\dT\S+Z \S+ coffer \d+ - - \{"a":1\}$/);
  const server = await listening(t);
  const counted = make(t, 'syslog', { address: `tcp://${server.address}` });
  await Promise.all([counted.write('{"a":1}'), counted.write('{"b":2}')]);
  await until('the line over TCP', () => server.text.includes('"b"'));
  const [, length, rest] = /^(\d+) (.*)$/s.exec(server.text)!;
  assert.match(rest!.slice(0, Number(length)), /^<38>1 .* vault \d+ - - \{"a":1\}$/);
  assert.match(rest!.slice(Number(length)), /^\d+ <38>1 .*\{"b":2\}$/);
});

let programs = 0;
/** In place of `logger`. */
function script(lines: string): string {
  const program = join(folder, `logger${++programs}`);
  writeFileSync(program, `#!/bin/sh\n${lines}\n`);
  chmodSync(program, 0o755);
  return program;
}

test('syslog of this machine: by a program that is started once, with no environment, and again when it ended', async (t) => {
  const out = join(folder, 'logged');
  const program = script(
    `echo "args $* env $(env | grep -c CANARY)" >> ${out}
while IFS= read -r line; do echo "$line" >> ${out}; echo "<30>x: $line" >&2; done`,
  );
  process.env.CANARY = 'x';
  const device = make(t, 'syslog', { facility: 'daemon', tag: 'v' }, { loggerProgram: program });
  await device.write('{"n":1}');
  await device.write('{"n":2}');
  await device.reopen();
  await device.write('{"n":3}');
  await device.close();
  const args = 'args --priority daemon.info --tag v --size 120000 --stderr --socket-errors=on env 0';
  assert.deepEqual(readFileSync(out, 'utf8').trimEnd().split('\n'), [
    args,
    '{"n":1}',
    '{"n":2}',
    args,
    '{"n":3}',
  ]);
  const none = make(t, 'syslog', {}, { loggerProgram: join(folder, 'none') });
  await assert.rejects(none.open(), { status: 400 });
  await assert.rejects(none.write('{}'));
});

test('syslog of this machine: a line counts once syslog has taken it', async (t) => {
  const complaining = script('echo "logger: socket /dev/log: No such file or directory" >&2; exit 1');
  const none = make(t, 'syslog', {}, { loggerProgram: complaining });
  await assert.rejects(none.write('{}'), /No such file or directory/);
  const ending = make(t, 'syslog', {}, { loggerProgram: script('exit 0') });
  await assert.rejects(ending.write('{}'), /ended/);
  const silent = make(t, 'syslog', { write_timeout: '1s' }, { loggerProgram: script('exec /bin/cat') });
  await assert.rejects(silent.write('{}'), /nothing within 1000 ms/);
  // It takes one line, and then no more.
  const first = script(
    'read -r line; echo "<30>x: $line" >&2; read -r line; echo "logger: no room" >&2; cat',
  );
  const one = make(t, 'syslog', {}, { loggerProgram: first });
  await one.write('{"n":1}');
  await assert.rejects(Promise.all([one.write('{"n":2}'), one.write('{"n":3}')]), /no room/);
});

test('syslog of this machine: a program that failed is not started anew for each line', async (t) => {
  const out = join(folder, 'starts');
  const device = make(t, 'syslog', {}, { loggerProgram: script(`echo x >> ${out}; exit 1`) });
  for (let line = 0; line < 10; line++) await assert.rejects(device.write('{}'));
  assert(readFileSync(out, 'utf8').length < 20);
});

const LOGGER = '/usr/bin/logger';
test('syslog of this machine, by the program itself: none, one, gone, and there again', {
  skip: !existsSync(LOGGER),
}, async (t) => {
  const at = join(folder, 'syslog');
  const loggerProgram = script(`exec ${LOGGER} --socket ${at} "$@"`);
  const device = make(t, 'syslog', {}, { loggerProgram });
  await assert.rejects(device.write('{"n":0}'), /syslog did not take it: .*No such file or directory/);
  const rested = () => new Promise((resolve) => setTimeout(resolve, AUDIT_LOGGER_REST_MS + 1));
  await rested();
  const first = await listening(t, at);
  const long = `{"n":"${'x'.repeat(50_000)}"}`;
  await Promise.all([device.write('{"n":1}'), device.write(long)]);
  await until('the long line', () => first.text.includes('x"}'));
  assert.match(first.text, /^<38>.* vault: \{"n":1\}/);
  for (const socket of first.sockets) socket.destroy();
  first.server.close();
  await once(first.server, 'close');
  await assert.rejects(device.write('{"n":2}'));
  await rested();
  const second = await listening(t, at);
  await device.write('{"n":3}');
  await until('the line after it', () => second.text.includes('{"n":3}'));
});

test('http: one POST for each line, with its headers; another status than 2xx is a failure', async (t) => {
  const got: { body: string; key: unknown; type: unknown; method: unknown }[] = [];
  let status = 204;
  const server = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => {
      body += bytes;
    });
    request.on('end', () => {
      got.push({
        body,
        key: request.headers['x-key'],
        type: request.headers['content-type'],
        method: request.method,
      });
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ingress`;
  const device = make(t, 'http', { uri, headers: '{"X-Key":["k"]}' });
  await Promise.all([device.write('{"a":1}'), device.write('{"b":2}')]);
  assert.deepEqual(got.map(({ body }) => body).sort(), ['{"a":1}', '{"b":2}']);
  assert.deepEqual(got[0], { body: got[0]!.body, key: 'k', type: 'application/json', method: 'POST' });
  for (status of [500, 302]) await assert.rejects(device.write('{}'), new RegExp(`answered ${status}`));
  assert.equal(got.length, 4);
  status = 200;
  await device.write('{}');
});

test('http: an answer that never comes is given up', async (t) => {
  const server = await listening(t, 0, { reads: false });
  const device = make(t, 'http', { uri: `http://${server.address}/`, write_timeout: '50ms' });
  await assert.rejects(device.write('{}'));
});

const REFUSED: [Type, Record<string, string>, RegExp][] = [
  ['socket', {}, /address is required/],
  ['socket', { address: 'x' }, /host:port/],
  ['socket', { address: 'x:0' }, /host:port/],
  ['socket', { address: 'x:65536' }, /host:port/],
  ['socket', { address: 'a b:1' }, /host:port|reach/],
  ['socket', { address: 'x:1', socket_type: 'sctp' }, /socket_type/],
  ['socket', { address: 'x:1', write_timeout: 'soon' }, /write_timeout/],
  ['socket', { address: 'x:1', write_timeout: '0' }, /write_timeout/],
  ['socket', { address: 'x:1', write_timeout: '2h' }, /write_timeout/],
  ['socket', { address: 'x:1', prefix: '#!' }, /prefix/],
  ['socket', { address: 'x:1', format: 'jsonx' }, /unknown format type: only json/],
  ['socket', { address: 'a\nb', socket_type: 'unix' }, /control/],
  ['syslog', { facility: 'x' }, /facility/],
  ['syslog', { facility: '' }, /facility/],
  ['syslog', { tag: '--server' }, /tag/],
  ['syslog', { tag: 'a b' }, /tag/],
  ['syslog', { address: 'localhost:514' }, /udp:\/\/host:port/],
  ['http', {}, /uri is required/],
  ['http', { uri: 'x' }, /uri is not valid/],
  ['http', { uri: 'file:///etc/passwd' }, /https:/],
  ['http', { uri: 'http://x/', headers: 'x' }, /JSON object/],
  ['http', { uri: 'http://x/', headers: '{"a b":"x"}' }, /cannot be set/],
  ['http', { uri: 'http://x/', headers: '{"Transfer-Encoding":"x"}' }, /cannot be set/],
  ['http', { uri: 'http://x/', headers: '{"a":"x\\r\\ny: z"}' }, /is not valid/],
];
for (const [type, options, text] of REFUSED) {
  test(`${type} refused: ${JSON.stringify(options)}`, () => {
    assert.throws(
      () => makeSentDevice({ type, options, salt: 's' }),
      (error) => error instanceof CodedError && error.status === 400 && text.test(error.message),
    );
  });
}
