/**
 * Tokens that are made, in this node's metrics, under Vault's names and labels. Beside the durable write of a token, counting it costs nothing.
 *
 * @module
 */
import type { Tokens } from './auth/token/tokens.ts';
import type { NewToken } from './model/caller.ts';
import type { Mount } from './model/mount.ts';
import { ROOT_NAMESPACE } from './model/namespace.ts';
import type { Metrics } from './observe/metrics.ts';

export interface TokenMetricsParts {
  readonly metrics: Pick<Metrics, 'samples' | 'counter'>;
  mountOf(issuer: string): Pick<Mount, 'path' | 'type'> | undefined;
  /** Ends in `/`. */
  namespacePath(id: string): string | undefined;
  clusterName(): string | undefined;
}

/** `tokens`, each that is made being counted. */
export function countedTokens(tokens: Tokens, parts: TokenMetricsParts): Tokens {
  const created = parts.metrics.samples('token.create', 'Milliseconds it took to make a token.');
  const creation = parts.metrics.counter('token.creation', 'Tokens that were made here.');
  return {
    ...tokens,
    async create(fresh, id, options) {
      const startedMs = performance.now();
      const made = await tokens.create(fresh, id, options);
      created.observe(performance.now() - startedMs);
      creation.with(labelsOf(fresh, options.namespace, parts)).add();
      return made;
    },
  };
}

function labelsOf(fresh: NewToken, namespace: string, parts: TokenMetricsParts): Record<string, string> {
  const mount = fresh.issuer && parts.mountOf(fresh.issuer.mount);
  const path = namespace === ROOT_NAMESPACE.id ? 'root' : (parts.namespacePath(namespace) ?? '');
  return {
    auth_method: mount?.type ?? 'token',
    cluster: parts.clusterName() ?? '',
    creation_ttl: ttlBucket(fresh.ttl),
    mount_point: mount ? `auth/${mount.path}` : 'auth/token/',
    namespace: path.replace(/\/$/, ''),
    token_type: fresh.type,
  };
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BUCKETS: readonly [seconds: number, name: string][] = [
  [MINUTE, '1m'],
  [10 * MINUTE, '10m'],
  [20 * MINUTE, '20m'],
  [HOUR, '1h'],
  [2 * HOUR, '2h'],
  [DAY, '1d'],
  [2 * DAY, '2d'],
  [7 * DAY, '7d'],
  [30 * DAY, '30d'],
];

/** Vault's word for a TTL; of 0, which is without end, it is the shortest, as there. */
function ttlBucket(seconds: number): string {
  return BUCKETS.find(([most]) => seconds <= most)?.[1] ?? '+Inf';
}
