/**
 * What the parts of this node tell its metrics when asked, under Vault's names. All is read at a scrape, so each must be cheap.
 *
 * @module
 */
import type { Metrics } from './observe/metrics.ts';
import type { MountTable } from './pipeline/mount-table.ts';
import type { Seal } from './seal/seal.ts';

export interface NodeMetricsParts {
  readonly seal: { readonly barrier: Pick<Seal['barrier'], 'isSealed'>; keyStatus: Seal['keyStatus'] };
  readonly mounts: Pick<MountTable, 'all'>;
  isSealed(): boolean;
  clusterName(): string | undefined;
  inFlight(): number;
  /** Absent: it serves while it is unsealed. */
  readonly isActive?: () => boolean;
}

export function watchNode({ gauge }: Pick<Metrics, 'gauge'>, parts: NodeMetricsParts): void {
  const { seal, mounts, isSealed } = parts;
  const cluster = () => ({ cluster: parts.clusterName() ?? '' });
  gauge('core.unsealed', '1 while this node is unsealed.', () => [
    { value: isSealed() ? 0 : 1, labels: cluster() },
  ]);
  gauge('core.active', '1 while this node serves requests itself.', () => [
    { value: (parts.isActive?.() ?? !isSealed()) ? 1 : 0, labels: cluster() },
  ]);
  gauge('core.in_flight_requests', 'Requests being served.', () => [
    { value: parts.inFlight(), labels: cluster() },
  ]);
  gauge('core.mount_table.num_entries', 'Mounts.', () => {
    if (isSealed()) return undefined;
    const secret = mounts.all().filter((mount) => mount.class === 'secret').length;
    return [
      { value: secret, labels: { ...cluster(), type: 'logical', local: 'false' } },
      { value: mounts.all().length - secret, labels: { ...cluster(), type: 'auth', local: 'false' } },
    ];
  });
  gauge('barrier.estimated_encryptions', 'Encryptions under the current key of the barrier.', () => {
    if (isSealed() || seal.barrier.isSealed()) return undefined;
    const { term, encryptions } = seal.keyStatus();
    return [{ value: encryptions, labels: { term: String(term) } }];
  });
  gauge('runtime.alloc_bytes', "Bytes in use on JavaScript's heap.", () => process.memoryUsage().heapUsed);
  gauge('runtime.sys_bytes', 'Bytes of memory the process holds.', () => process.memoryUsage.rss());
}
