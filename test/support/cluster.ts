/**
 * A cluster of one over any storage, for tests below the pipeline.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Names } from '../../src/actors/places.ts';
import { type LocalCluster, makeLocalCluster } from '../../src/cluster/local.ts';
import type { ActorKind } from '../../src/model/actor.ts';
import type { Storage } from '../../src/model/storage.ts';

/** Not sealing: what names look like is the barrier's business. */
export const PLAIN_NAMES: Names = {
  sealName: (_context, segment) => Buffer.from(segment).toString('base64url'),
  openName: (_context, sealed) => Buffer.from(sealed, 'base64url').toString(),
};

export interface TestCluster extends LocalCluster {
  readonly faults: unknown[];
}

/** Started, its timers not. */
export function startCluster(
  storage: Storage,
  kinds: readonly unknown[],
  now: () => number = Date.now,
): TestCluster {
  const faults: unknown[] = [];
  const cluster = makeLocalCluster({
    storage,
    names: PLAIN_NAMES,
    kinds: kinds as ActorKind<never>[],
    now,
    randomBytes,
    setInterval: (run, ms) => {
      const timer = setInterval(run, ms).unref();
      return { clear: () => clearInterval(timer) };
    },
    after: (run, ms) => {
      const timer = setTimeout(run, ms).unref();
      return { clear: () => clearTimeout(timer) };
    },
    fault: (_what, error) => faults.push(error),
  });
  cluster.start();
  return Object.assign(cluster, { faults });
}
