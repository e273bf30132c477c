/**
 * `npm run bench:stores`: what grouping makes of etcd and Consul. Each store is asked three ways in turn, in one run: by 64 loops of single
 * transactions, by 64 writers through our storage, and by a bare loop of grouped transactions, which no storage can be faster than by much.
 * Machines differ and are noisy: read the ratios; the median of the rounds counts.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { openConsul } from '../src/storage/consul.ts';
import { makeConsulClient } from '../src/storage/consul-client.ts';
import { systemClock as clock } from '../src/system-clock.ts';
import { findConsul, startConsul } from '../test/support/consul.ts';
import { findEtcd, type StoreServer, startEtcd } from '../test/support/etcd.ts';
import { etcdWays, ourSteps, run, type Step, type Store, VALUE, WRITERS } from './store-ways.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);

async function consul(server: StoreServer): Promise<Store> {
  const client = makeConsulClient({ endpoints: [server.address], clock });
  const storage = await openConsul({ endpoints: [server.address], path: 'coffer/', clock, randomBytes });
  const put = async (keys: string[], versions: Map<string, number>) => {
    const stamp = randomBytes(8);
    const Value = Buffer.concat([stamp, VALUE]).toString('base64');
    const reply = await client.txn(
      keys.map((Key) => ({ Verb: 'cas', Key, Value, Index: versions.get(Key) ?? 0 })),
    );
    if (!reply.done) throw new Error('a transaction failed');
    for (const pair of reply.pairs) versions.set(pair.key, pair.modifyIndex);
    return keys.length;
  };
  const versions = new Map<string, number>();
  const single = Array.from(
    { length: WRITERS },
    (_, n): Step =>
      () =>
        put([`single/${n}`], versions),
  );
  const keys = Array.from({ length: WRITERS }, (_, n) => `grouped/${n}`);
  return {
    name: 'Consul',
    ways: [
      { name: '64 loops, one transaction each', steps: single },
      { name: '64 writers through our storage', steps: await ourSteps(storage) },
      { name: 'bare loop of grouped ones', steps: [() => put(keys, versions)] },
    ],
    async close() {
      client.close();
      await storage.close();
    },
  };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function measure(store: Store): Promise<void> {
  const rates: number[][] = store.ways.map(() => []);
  for (const way of store.ways) for (const step of way.steps) await step();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, way] of store.ways.entries()) {
      const { perSecond, p50Ms, p99Ms } = await run(way, SECONDS);
      rates[index]!.push(perSecond);
      if (round < ROUNDS - 1) continue;
      const rate = Math.round(perSecond).toString().padStart(6);
      console.log(
        `${store.name}: ${way.name.padEnd(32)} ${rate}/s  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms`,
      );
    }
  }
  const ratio = (index: number) =>
    median(rates[1]!.map((rate, round) => rate / rates[index]![round]!)).toFixed(2);
  console.log(
    `${store.name}: ours is ${ratio(0)} × single transactions, ${ratio(2)} × the bare loop of grouped ones`,
  );
}

console.log(
  `${cpus()[0]?.model ?? 'unknown cpu'} × ${cpus().length}, Node ${process.versions.node}, ${WRITERS} writers, ${SECONDS} s × ${ROUNDS}`,
);
const stores = [
  { found: await findEtcd(), start: startEtcd, open: etcdWays },
  { found: await findConsul(), start: startConsul, open: consul },
];
for (const { found, start, open } of stores) {
  if ('missing' in found) {
    console.log(`skipped: ${found.missing}`);
    continue;
  }
  const server = await start(found.path);
  try {
    const store = await open(server);
    await measure(store);
    await store.close();
  } finally {
    await server.remove();
  }
}
