/**
 * What three nodes answer otherwise than OpenBao's one node in memory does, and why. As `diff/expectations.ts`, for `--against=cluster` alone.
 *
 * @module
 */
import type { Covered, Expectation } from '../diff/expectations.ts';

const REASONS: Record<string, Covered[]> = {
  'nodes that share a store do not keep it in memory': [
    { asks: / sys\/(seal-status|unseal)/, where: /^\/storage_type$/, bao: /^"inmem"$/, ours: /^"file"$/ },
  ],
  "several nodes are HA, and a sealed node of those answers sys/leader with 503, as Vault's does": [
    { asks: /^GET sys\/leader /, where: /^\/ha_enabled$/, bao: /^false$/, ours: /^true$/ },
    { asks: /^GET sys\/leader /, where: /^(status|body)$/, ours: /^503$|Vault is sealed/ },
  ],
  'nodes reserve encryptions of a term by the slice; what others have reserved counts as used': [
    { asks: /^GET sys\/key-status$/, where: /\/encryptions$/, bao: /^"<some>"$/ },
  ],
};

export const CLUSTER_EXPECTATIONS: readonly Expectation[] = Object.entries(REASONS).flatMap(
  ([reason, covered]) => covered.map((each) => ({ ...each, reason })),
);
