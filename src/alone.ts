/**
 * A node that is alone on its embedded store: every actor is here, nothing is asked of anybody.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { makeCatalog } from './cluster/catalog.ts';
import { type LocalCluster, makeLocalCluster } from './cluster/local.ts';
import type { ActorKind } from './model/actor.ts';
import type { Node, NodeParts } from './node.ts';
import { activationTrace } from './node-trace.ts';
import { makeLifecycle } from './pipeline/lifecycle.ts';
import { makeMountSweeps } from './pipeline/mount-sweeps.ts';
import { makeSealedStorage } from './seal/sealed-storage.ts';

export function makeAlone(parts: NodeParts): Node {
  const { storage, seal, clock, fault } = parts;
  const sealed = { storage: makeSealedStorage(storage, seal.barrier), names: seal.barrier };
  const catalog = makeCatalog({ ...sealed, cluster: () => cluster });
  const cluster: LocalCluster = makeLocalCluster({
    ...sealed,
    kinds: [catalog.kind as unknown as ActorKind<never>, ...parts.kinds],
    now: clock.wallMs,
    randomBytes,
    setInterval(run, ms) {
      const timer = setInterval(run, ms);
      timer.unref();
      return { clear: () => clearInterval(timer) };
    },
    after: clock.after,
    fault,
    activated: activationTrace(parts.log),
  });
  const sweeps = makeMountSweeps({
    catalog,
    isOurs: () => true,
    now: clock.wallMs,
    sweep: ({ namespace, uuid }, signal, removed) => cluster.sweepMount(namespace, uuid, signal, removed),
    sweepNamespace: parts.sweepNamespace,
    after: clock.after,
    fault,
  });
  const lifecycle = makeLifecycle({ ...parts, cluster, catalog, sweeps });
  return {
    cluster,
    catalog,
    lifecycle,
    now: clock.wallMs,
    unusedElsewhere: async () => {},
    start: async () => {},
    stopping: [{ name: 'seal', run: () => lifecycle.seal() }],
  };
}
