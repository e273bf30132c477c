/**
 * What the parts of this node tell its metrics when asked.
 *
 * @module
 */
import type { NodeGauges } from './observe/metrics.ts';
import type { MountTable } from './pipeline/mount-table.ts';
import type { Seal } from './seal/seal.ts';

export interface NodeGaugeParts {
  readonly seal: Seal;
  readonly mounts: MountTable;
  isSealed(): boolean;
  clusterName(): string | undefined;
  inFlight(): number;
  /** Absent: it serves while it is unsealed. */
  readonly isActive?: () => boolean;
}

export function makeNodeGauges(parts: NodeGaugeParts): NodeGauges {
  const { seal, mounts, isSealed } = parts;
  return {
    unsealed: () => !isSealed(),
    active: parts.isActive,
    clusterName: parts.clusterName,
    inFlightRequests: parts.inFlight,
    mounts() {
      if (isSealed()) return undefined;
      const secret = mounts.all().filter((mount) => mount.class === 'secret').length;
      return { secret, auth: mounts.all().length - secret };
    },
    barrierEncryptions() {
      if (isSealed() || seal.barrier.isSealed()) return undefined;
      const { term, encryptions } = seal.keyStatus();
      return { term, count: encryptions };
    },
  };
}
