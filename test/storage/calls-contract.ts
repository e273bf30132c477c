/**
 * What calls to a store must do, whatever they are made with: `callsContract('gRPC', …)`. The servers are made up, so that they fail on cue.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { makeDevTls } from '../../src/dev-tls.ts';
import type { CallFailed, CallOptions, StoreCallsOptions, StoreTls } from '../../src/storage/store-calls.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { freePort } from '../support/free-port.ts';

/** What a made-up server does with a request that it has received whole. `cut`: ends the connection without an answer. */
export type Behaviour = 'answer' | 'cut' | 'silent';

export interface CallsUnderTest {
  /** Begins to listen on `port` of 127.0.0.1. `seen` is called for each request, and says what to do. */
  serve(port: number, seen: () => Behaviour, tls?: { cert: Buffer; key: Buffer }): Promise<Server>;
  /** Cuts all connections, and listens no more. */
  stop(server: Server): Promise<void>;
  make(options: StoreCallsOptions): { ask(call?: CallOptions): Promise<string>; close(): void };
}

/** How a call failed; asserts that it did. */
async function failure(call: Promise<unknown>): Promise<CallFailed> {
  const error = await call.then(
    () => assert.fail('it was answered'),
    (reason) => reason,
  );
  assert.equal(error.name, 'CallFailed', String(error));
  return error;
}

export function callsContract(name: string, under: CallsUnderTest): void {
  describe(`calls: ${name}`, () => {
    async function server(t: TestContext, behave: (request: number) => Behaviour) {
      const port = await freePort();
      let requests = 0;
      const running = await under.serve(port, () => behave(++requests));
      t.after(() => under.stop(running));
      return { address: `http://127.0.0.1:${port}`, port, requests: () => requests, running };
    }
    function calls(t: TestContext, endpoints: string[], callMs = 5_000, tls?: StoreTls) {
      const made = under.make({ endpoints, clock, callMs, ...(tls === undefined ? {} : { tls }) });
      t.after(() => made.close());
      return made;
    }
    const nowhere = async () => `http://127.0.0.1:${await freePort()}`;

    test('where nobody listens nothing was sent', async (t) => {
      const error = await failure(calls(t, [await nowhere()]).ask());
      assert.equal(error.kind, 'not_sent');
      assert.equal(error.passing, true);
    });

    test('it goes on to the endpoint that is there, and stays with it', async (t) => {
      const there = await server(t, () => 'answer');
      const { ask } = calls(t, [await nowhere(), there.address]);
      for (let call = 0; call < 3; call++) assert.equal(await ask(), 'answer');
      assert.equal(there.requests(), 3);
    });

    test('what was received and not answered is unknown, and not sent again unless it may be', async (t) => {
      const first = await server(t, () => 'cut');
      const second = await server(t, () => 'answer');
      const { ask } = calls(t, [first.address, second.address]);
      assert.equal((await failure(ask())).kind, 'unknown');
      assert.deepEqual([first.requests(), second.requests()], [1, 0]);
      // The next call begins at the other one.
      assert.equal(await ask(), 'answer');
      const again = calls(t, [first.address, second.address]);
      assert.equal(await again.ask({ repeatable: true }), 'answer');
      assert.deepEqual([first.requests(), second.requests()], [2, 2]);
    });

    test('a single endpoint is asked once more for what may be repeated', async (t) => {
      const there = await server(t, (request) => (request === 1 ? 'cut' : 'answer'));
      assert.equal(await calls(t, [there.address]).ask({ repeatable: true }), 'answer');
    });

    test('a silent endpoint: unknown at the deadline; a read has time left for the next', async (t) => {
      const silent = await server(t, () => 'silent');
      const there = await server(t, () => 'answer');
      const error = await failure(calls(t, [silent.address, there.address]).ask({ deadlineMs: 60 }));
      assert.equal(error.kind, 'unknown');
      assert.match(error.message, /no answer within \d+ ms/);
      const { ask } = calls(t, [silent.address, there.address], 400);
      assert.equal(await ask({ repeatable: true }), 'answer');
    });

    test('a signal: its reason, but for a write that was sent, which is unknown', async (t) => {
      let received = () => {};
      const there = await server(t, () => {
        received();
        return 'silent';
      });
      const { ask } = calls(t, [there.address]);
      await assert.rejects(ask({ signal: AbortSignal.abort(new Error('gone')) }), /gone/);
      assert.equal(there.requests(), 0);
      for (const repeatable of [true, false]) {
        const stop = new AbortController();
        received = () => stop.abort(new Error('enough'));
        const call = ask({ signal: stop.signal, repeatable });
        if (repeatable) await assert.rejects(call, /enough/);
        else assert.equal((await failure(call)).kind, 'unknown');
      }
    });

    test('after the server went and came back, calls go on', async (t) => {
      const first = await server(t, () => 'answer');
      const { ask } = calls(t, [first.address]);
      assert.equal(await ask(), 'answer');
      await under.stop(first.running);
      assert.notEqual((await failure(ask())).kind, 'refused');
      const second = await under.serve(first.port, () => 'answer');
      t.after(() => under.stop(second));
      assert.equal(await ask(), 'answer');
    });

    test('addresses that are none are refused', () => {
      for (const endpoints of [[], ['127.0.0.1:2379'], ['ftp://127.0.0.1'], ['']]) {
        assert.throws(() => under.make({ endpoints, clock }), { code: 'bad_request' });
      }
    });

    test('over TLS to who shows a certificate of the given authority, and to nobody else', async (t) => {
      const [ours, theirs] = [0, 1].map(() => makeDevTls(undefined, [], Date.now()));
      const [cert, key] = [ours!.certFile, ours!.keyFile].map((file) => readFileSync(file));
      const port = await freePort();
      const running = await under.serve(port, () => 'answer', { cert: cert!, key: key! });
      t.after(() => under.stop(running));
      const address = `https://127.0.0.1:${port}`;
      const trusting = (file: string) => calls(t, [address], 5_000, { ca: readFileSync(file) });
      assert.equal(await trusting(ours!.caFile).ask(), 'answer');
      assert.equal((await failure(trusting(theirs!.caFile).ask())).kind, 'not_sent');
      assert.equal((await failure(calls(t, [address]).ask())).kind, 'not_sent');
    });
  });
}

/** Resolves when it listens. */
export function listening<S extends Server>(server: S, port: number): Promise<S> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      assert.equal((server.address() as AddressInfo).port, port);
      resolve(server);
    });
  });
}
