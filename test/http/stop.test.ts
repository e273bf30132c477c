/**
 * A stop finishes what runs, closes what idles, and cuts what does not end.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { makeDevTls } from '../../src/dev-tls.ts';
import { makeHttpServer } from '../../src/http/server.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { closing } from '../support/closing.ts';
import { testFolder } from '../support/test-folder.ts';
import { echo, type Listening, listen, request, type Settings, wire } from './listener.ts';

interface Held extends Listening {
  /** Lets the handler answer. */
  release(): void;
  /** Resolves when the handler has a request. */
  reached(): Promise<void>;
}

async function held(t: Parameters<typeof listen>[0], settings: Settings = {}): Promise<Held> {
  const gate = Promise.withResolvers<void>();
  const listening = await listen(t, {
    ...settings,
    handle: (asked) => (asked.path.text === 'quick' ? echo(asked) : gate.promise.then(() => echo(asked))),
  });
  const reached = async () => {
    while (!listening.seen.some(({ path }) => path.text !== 'quick')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { ...listening, release: gate.resolve, reached };
}

test('what runs is answered and its connection closed; what idles or was never used goes at once', {
  timeout: 30_000,
}, async (t) => {
  const { server, port, release, reached } = await held(t, { stopGraceMs: 60_000 });
  const [running, idle, unused] = await Promise.all([wire(port), wire(port), wire(port)]);
  idle.write(request('GET /v1/quick'));
  await idle.reply();
  running.write(request('GET /v1/slow'));
  await reached();
  let stopped = false;
  const stop = server.stop().then(() => {
    stopped = true;
  });
  await Promise.all([idle.closed(), unused.closed()]);
  const late = connect(port, '127.0.0.1');
  const [error] = await once(late, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  assert.equal(stopped, false);
  release();
  const { status, head } = await running.reply();
  assert.equal(status, 200);
  assert.match(head, /^Connection: close$/m);
  await Promise.all([running.closed(), stop, server.stop()]);
});

test('what does not end is cut after the grace', async (t) => {
  const { server, port, reached, logged } = await held(t, { stopGraceMs: 50 });
  const [running, sending] = await Promise.all([wire(port), wire(port)]);
  sending.write(request('POST /v1/a', { 'Content-Length': '100' }));
  running.write(request('GET /v1/slow'));
  await reached();
  await server.stop();
  assert.equal(await running.closed(), '');
  assert.equal(await sending.closed(), '');
  assert(logged.some((line) => line.includes('did not end in time')));
});

/** TLS settings of a listener, and what its clients trust. */
function tls() {
  const folder = testFolder('stop');
  const files = makeDevTls(folder, [], Date.now());
  const listener = { tls_disable: false, tls_cert_file: files.certFile, tls_key_file: files.keyFile };
  return { listener, trust: { ca: readFileSync(files.caFile), servername: 'localhost' } };
}

test('TLS: streams are finished; idle sessions and connections without a handshake go at once', {
  timeout: 30_000,
}, async (t) => {
  const { listener, trust } = tls();
  const { server, port, release, reached } = await held(t, { stopGraceMs: 60_000, listener });
  const [running, idle] = [0, 1].map(() => connectHttp2(`https://localhost:${port}`, trust));
  const [silent] = await Promise.all([wire(port), once(running!, 'connect'), once(idle!, 'connect')]);
  const stream = running!.request({ ':path': '/v1/slow' });
  stream.resume();
  await reached();
  const stop = server.stop();
  await Promise.all([closing(idle!), silent.closed()]);
  release();
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  await stop;
  running!.destroy();
});

test('TLS: what does not end is cut after the grace', async (t) => {
  const { listener, trust } = tls();
  const { server, port, reached } = await held(t, { stopGraceMs: 50, listener });
  const session = connectHttp2(`https://localhost:${port}`, trust);
  session.request({ ':path': '/v1/slow' }).on('error', () => {});
  const connection = await wire(port, trust);
  connection.write(request('GET /v1/slow'));
  await reached();
  const closed = Promise.all([session.destroyed ? undefined : closing(session), connection.closed()]);
  await server.stop();
  await closed;
});

test('stopping before the start, and twice, is fine', async (t) => {
  const { server } = await listen(t);
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
  const handler = { handle: async () => ({ kind: 'empty', status: 204 }) as const, isOpen: () => false };
  const listener = { address: '127.0.0.1:0', tls_disable: true };
  await makeHttpServer({ handler, log: SILENT_LOG, now: Date.now, listener }).stop();
});
