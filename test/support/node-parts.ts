/** @module An unsealed node, as its metrics ask it: three secret mounts and an auth method, two requests under way. */

import type { Mount } from '../../src/model/mount.ts';
import type { NodeMetricsParts } from '../../src/node-metrics.ts';

export function nodeParts(changed: Partial<NodeMetricsParts> = {}): NodeMetricsParts {
  const mounts = ['secret', 'secret', 'secret', 'auth'].map((kind) => ({ class: kind }) as Mount);
  return {
    seal: {
      barrier: { isSealed: () => false },
      keyStatus: () => ({ term: 2, installedAtMs: 0, encryptions: 43 }),
    },
    mounts: { all: () => mounts },
    isSealed: () => false,
    clusterName: () => 'vault-cluster-1',
    inFlight: () => 2,
    ...changed,
  };
}
