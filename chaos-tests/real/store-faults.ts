/**
 * Faults of the stores that nodes share, etcd or Consul: members killed, stopped, the leader among them, or all away for long.
 *
 * @module
 */
import type { StoreServer } from '../../test/support/etcd.ts';
import { call } from '../../test/support/http.ts';
import { allActive, type Fault, sleep } from './fault-context.ts';

const killOne: Fault = async ({ cluster, random, say }) => {
  const store = random.pick(cluster.stores);
  say('kill -9 of a store');
  await store.kill();
  await sleep(random.between(0, 3_000));
  await store.start();
  await allActive(cluster);
};

const stopOne: Fault = async ({ cluster, random, say }) => {
  const store = random.pick(cluster.stores);
  const ms = random.between(500, 8_000);
  say(`SIGSTOP of a store for ${ms.toFixed(0)} ms`);
  process.kill(store.pid(), 'SIGSTOP');
  await sleep(ms);
  process.kill(store.pid(), 'SIGCONT');
  await allActive(cluster);
};

/** The others have to find a new one. */
const killLeader: Fault = async ({ cluster, random, say }) => {
  const leader = await leaderOf(cluster.stores);
  if (leader === undefined) return;
  say(`kill -9 of etcd's leader ${leader.address}`);
  await leader.kill();
  await sleep(random.between(2_000, 6_000));
  await leader.start();
  await allActive(cluster);
};

export const AWAY_MS = 30_000;

/** All of them, for so long that every node is held, and that no client's patience helps. */
const away: Fault = async ({ cluster, say }) => {
  say(`the store is away for ${AWAY_MS} ms`);
  for (const store of cluster.stores) await store.kill();
  await sleep(AWAY_MS);
  await Promise.all(cluster.stores.map((store) => store.start()));
  await allActive(cluster);
};

/** etcd's own word for it; undefined: there is none at the moment. */
async function leaderOf(stores: readonly StoreServer[]): Promise<StoreServer | undefined> {
  for (const store of stores) {
    const reply = await call(store.address, 'POST', '/v3/maintenance/status', { body: {} });
    if (reply.status === 200 && reply.body.leader === reply.body.header.member_id) return store;
  }
  return undefined;
}

export const STORE_FAULTS: Readonly<Record<string, Fault>> = {
  'store-kill': killOne,
  'store-stop': stopOne,
  'store-leader': killLeader,
  'store-away': away,
};
