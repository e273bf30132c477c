/**
 * What a store behind the network must do when its real server is killed, frozen, or comes back: `storeOutages('etcd', …)`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Conflict, type Storage, StorageFailed } from '../../src/model/storage.ts';
import type { StoreServer } from '../support/etcd.ts';
import { until } from '../support/until.ts';

const WRITERS = 16;
const PATIENCE_MS = 30_000;

export interface OutagesOptions {
  server(): StoreServer;
  /** @param callMs - deadline of a call, in ms. */
  open(callMs?: number): Promise<Storage>;
}

/** Tries until the store is there again. */
async function eventually<T>(act: () => Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof StorageFailed) || performance.now() > end) throw error;
      await pause(20);
    }
  }
}

/** One actor's writes: counts up its record, and after a failure looks at what is stored. */
interface Writer {
  acknowledged: number;
  failures: number;
  unknown: number;
}

export function storeOutages(name: string, options: OutagesOptions): void {
  async function opened(t: TestContext, callMs?: number): Promise<Storage> {
    const storage = await options.open(callMs);
    t.after(() => storage.close());
    return storage;
  }
  const number = async (storage: Storage, path: string) => {
    const stored = await storage.get(path);
    const value = stored === undefined ? 0 : Number(Buffer.from(stored.value).toString());
    return { value, version: stored?.version ?? 0 };
  };

  async function write(
    storage: Storage,
    path: string,
    writer: Writer,
    stopped: () => boolean,
  ): Promise<void> {
    let { value, version } = await eventually(() => number(storage, path));
    while (!stopped()) {
      const next = value + 1;
      try {
        version = await storage.commit([{ path, value: Buffer.from(`${next}`) }], [{ path, version }]);
        value = next;
        writer.acknowledged = next;
      } catch (error) {
        assert(error instanceof StorageFailed || error instanceof Conflict, String(error));
        writer.failures++;
        const found = await eventually(() => number(storage, path));
        if (error instanceof StorageFailed && !error.outcomeKnown) {
          writer.unknown++;
          assert(
            [value, next].includes(found.value),
            `${path}: ${found.value} after ${value}, unknown ${next}`,
          );
        } else if (error instanceof StorageFailed) {
          assert.equal(found.value, value, `${path}: said not to be written`);
        }
        ({ value, version } = found);
      }
    }
  }

  describe(`outages: ${name}`, () => {
    test('killed amid writes and started again: nothing acknowledged is lost, and writing goes on', async (t) => {
      const server = options.server();
      const storage = await opened(t);
      const writers = Array.from({ length: WRITERS }, () => ({ acknowledged: 0, failures: 0, unknown: 0 }));
      let stop = false;
      const all = writers.map((writer, i) => write(storage, `outage/${i}`, writer, () => stop));
      const writing = Promise.all(all);
      // It is awaited at the end; until then nobody may be there to hear of a failure.
      writing.catch(() => {});
      const each = (more: number) => {
        const goals = writers.map(({ acknowledged }) => acknowledged + more);
        return () => writers.every(({ acknowledged }, i) => acknowledged >= goals[i]!);
      };
      try {
        await until('writes', each(10));
        await server.kill();
        await server.start();
        await until('writes after the start', each(10));
      } finally {
        stop = true;
      }
      await writing;
      for (const [i, { acknowledged }] of writers.entries()) {
        const { value } = await number(storage, `outage/${i}`);
        assert.equal(value, acknowledged);
      }
      const failures = writers.reduce((sum, writer) => sum + writer.failures, 0);
      t.diagnostic(`${failures} failed, ${writers.reduce((sum, writer) => sum + writer.unknown, 0)} unknown`);
    });

    test('gone: what was not sent is known not to be written; back: it answers by itself', async (t) => {
      const server = options.server();
      const storage = await opened(t);
      const path = 'outage/gone';
      const before = await storage.commit([{ path, value: Buffer.from('1') }], []);
      await server.kill();
      try {
        // A first call may find out only by a cut connection; later ones find nobody there.
        await storage.get(path).catch(() => {});
        const commit = storage.commit([{ path, value: Buffer.from('2') }], []);
        await assert.rejects(commit, { name: 'StorageFailed', outcomeKnown: true });
        await assert.rejects(storage.get(path), { name: 'StorageFailed' });
        await assert.rejects(storage.list('', '', 1), { name: 'StorageFailed' });
        await assert.rejects(options.open(), { name: 'StorageFailed', outcomeKnown: true });
      } finally {
        await server.start();
      }
      assert.deepEqual(await eventually(() => number(storage, path)), { value: 1, version: before });
      await storage.commit([{ path, value: Buffer.from('3') }], [{ path, version: before }]);
    });

    test('frozen: an unanswered commit is unknown, and happens once or never', async (t) => {
      const server = options.server();
      const storage = await opened(t, 500);
      const path = 'outage/frozen';
      const before = await eventually(() => storage.commit([{ path, value: Buffer.from('1') }], []));
      process.kill(server.pid(), 'SIGSTOP');
      try {
        const commit = storage.commit([{ path, value: Buffer.from('2') }], [{ path, version: before }]);
        await assert.rejects(commit, { name: 'StorageFailed', outcomeKnown: false });
        await assert.rejects(storage.get(path), { name: 'StorageFailed' });
      } finally {
        process.kill(server.pid(), 'SIGCONT');
      }
      // What came late may still land: whoever writes next compares, so one of the two is refused.
      await until('a write after it', async () => {
        const { value, version } = await eventually(() => number(storage, path));
        assert([1, 2].includes(value));
        try {
          await storage.commit([{ path, value: Buffer.from('3') }], [{ path, version }]);
          return true;
        } catch (error) {
          assert(error instanceof Conflict || error instanceof StorageFailed);
          return (await eventually(() => number(storage, path))).value === 3;
        }
      });
      assert.equal((await eventually(() => number(storage, path))).value, 3);
    });
  });
}
