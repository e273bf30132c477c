/**
 * A node that leaves its cluster takes leave of its clients first, and none of them sees an error.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'node:test';
import { makeDevTls } from '../../src/dev-tls.ts';
import { makeDrain } from '../../src/http/drain.ts';
import { DRAIN_FAREWELL_MS, DRAIN_HEALTH_MS } from '../../src/model/limits.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { testFolder } from '../support/test-folder.ts';
import { echo, listen, request, wire } from './listener.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('first health says so, then each reply, then the listeners close', async () => {
  const clock = makeManualClock();
  const told: string[] = [];
  const server = {
    farewell: () => void told.push('farewell'),
    stop: async () => void told.push('stop'),
  };
  const drain = makeDrain({ servers: () => [server], after: clock.after });
  assert.equal(drain.isDraining(), false);
  const drained = drain.drain();
  assert.equal(drain.drain(), drained);
  assert.equal(drain.isDraining(), true);
  clock.advance(DRAIN_HEALTH_MS - 1);
  await turn();
  assert.deepEqual(told, []);
  clock.advance(1);
  await turn();
  assert.deepEqual(told, ['farewell']);
  clock.advance(DRAIN_FAREWELL_MS);
  await drained;
  assert.deepEqual(told, ['farewell', 'stop']);
});

test('after the farewell everything is answered, and each reply ends its connection', async (t) => {
  const { server, port } = await listen(t);
  const known = await wire(port);
  known.write(request('GET /v1/a'));
  assert.doesNotMatch((await known.reply()).head, /^Connection: close$/m);
  server.farewell();
  known.write(request('GET /v1/b'));
  const { status, head } = await known.reply();
  assert.equal(status, 200);
  assert.match(head, /^Connection: close$/m);
  await known.closed();
  const fresh = await wire(port);
  fresh.write(request('GET /v1/c'));
  assert.equal((await fresh.reply()).status, 200);
  await fresh.closed();
});

test('HTTP/2: the session is said to end, what runs over it is finished, and a new one is served', async (t) => {
  const folder = testFolder('drain');
  const files = makeDevTls(folder, [], Date.now());
  const gate = Promise.withResolvers<void>();
  const { server, port, seen } = await listen(t, {
    listener: { tls_disable: false, tls_cert_file: files.certFile, tls_key_file: files.keyFile },
    handle: (asked) => (asked.path.text === 'slow' ? gate.promise.then(() => echo(asked)) : echo(asked)),
  });
  const trust = { ca: readFileSync(files.caFile), servername: 'localhost' };
  const session = connectHttp2(`https://localhost:${port}`, trust);
  const stream = session.request({ ':path': '/v1/slow' });
  stream.resume();
  while (seen.length === 0) await turn();
  const goodbye = once(session, 'goaway');
  server.farewell();
  const [code] = await goodbye;
  assert.equal(code, 0);
  const fresh = connectHttp2(`https://localhost:${port}`, trust);
  const other = fresh.request({ ':path': '/v1/quick' });
  other.resume();
  assert.equal((await once(other, 'response'))[0][':status'], 200);
  fresh.destroy();
  gate.resolve();
  assert.equal((await once(stream, 'response'))[0][':status'], 200);
  if (!session.closed) await once(session, 'close');
});
