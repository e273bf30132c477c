/**
 * Ways to write to a store of others, for comparison: single transactions side by side, our storage, and bare grouped ones.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Storage } from '../src/model/storage.ts';
import { openEtcd } from '../src/storage/etcd.ts';
import { type EtcdOperation, etcdBytes, makeEtcdClient } from '../src/storage/etcd-client.ts';
import { systemClock as clock } from '../src/system-clock.ts';
import type { StoreServer } from '../test/support/etcd.ts';

export const WRITERS = 64;
export const VALUE = Buffer.alloc(400, 'v');

/** One writer's next write; resolves with how many writes that were. */
export type Step = () => Promise<number>;

export interface Way {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Store {
  readonly name: string;
  readonly ways: readonly [single: Way, ours: Way, grouped: Way];
  close(): Promise<void>;
}

/** Writes a second, and milliseconds of one step. */
export async function run(
  { steps }: Way,
  seconds: number,
): Promise<{ perSecond: number; p50Ms: number; p99Ms: number }> {
  const took: number[] = [];
  let writes = 0;
  const from = performance.now();
  const until = from + seconds * 1_000;
  await Promise.all(
    steps.map(async (step) => {
      for (let now = performance.now(); now < until; ) {
        const written = await step();
        writes += written;
        const then = performance.now();
        took.push(then - now);
        now = then;
      }
    }),
  );
  const passed = (performance.now() - from) / 1_000;
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? 0;
  return { perSecond: writes / passed, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** As an actor writes: its record at the version it knows, under its shard's fence. */
export async function ourSteps(storage: Storage): Promise<Step[]> {
  const fence = await storage.commit([{ path: 'fence/1', value: VALUE }], []);
  return Array.from({ length: WRITERS }, (_, n): Step => {
    let version = 0;
    const path = `data/kv/ours/${n}`;
    return async () => {
      const conditions = [
        { path: 'fence/1', version: fence },
        { path, version },
      ];
      version = await storage.commit([{ path, value: VALUE }], conditions);
      return 1;
    };
  });
}

export async function etcdWays(server: StoreServer): Promise<Store> {
  const client = makeEtcdClient({ endpoints: [server.address], clock });
  const storage = await openEtcd({ endpoints: [server.address], path: 'coffer/', clock, randomBytes });
  const value = etcdBytes(VALUE);
  const fence = etcdBytes('fence');
  await client.txn({ success: [{ request_put: { key: fence, value } }] });
  const one = (key: string, revision: string): EtcdOperation => ({
    request_txn: {
      compare: [
        { key: fence, result: 'GREATER', target: 'MOD', mod_revision: '0' },
        { key, result: 'EQUAL', target: 'MOD', mod_revision: revision },
      ],
      success: [{ request_put: { key, value } }],
    },
  });
  const single = Array.from({ length: WRITERS }, (_, n): Step => {
    const key = etcdBytes(`single/${n}`);
    let revision = '0';
    return async () => {
      const operation = one(key, revision) as { request_txn: object };
      const reply = await client.txn(operation.request_txn);
      if (!reply.succeeded) throw new Error('a transaction failed');
      revision = reply.header.revision;
      return 1;
    };
  });
  const keys = Array.from({ length: WRITERS }, (_, n) => etcdBytes(`grouped/${n}`));
  let revision = '0';
  const group: Step = async () => {
    const reply = await client.txn({ success: keys.map((key) => one(key, revision)) });
    if (!reply.responses?.every((each) => each.response_txn?.succeeded))
      throw new Error('a transaction failed');
    revision = reply.header.revision;
    return keys.length;
  };
  return {
    name: 'etcd',
    ways: [
      { name: '64 loops, one transaction each', steps: single },
      { name: '64 writers through our storage', steps: await ourSteps(storage) },
      { name: 'bare loop of grouped ones', steps: [group] },
    ],
    async close() {
      client.close();
      await storage.close();
    },
  };
}
