/**
 * Tokens that are made, in this node's metrics, under Vault's names and labels. Beside the durable write of a token, counting it costs nothing.
 *
 * @module
 */
import type { Tokens } from './auth/token/tokens.ts';
import type { NewToken } from './model/caller.ts';
import type { Mount } from './model/mount.ts';
import { ROOT_NAMESPACE } from './model/namespace.ts';
import type { Counter, Metrics } from './observe/metrics.ts';

export interface TokenMetricsParts {
  readonly metrics: Pick<Metrics, 'samples' | 'counter'>;
  mountOf(issuer: string): Mount | undefined;
  /** Ends in `/`. */
  namespacePath(id: string): string | undefined;
  clusterName(): string | undefined;
}

/** `tokens`, each that is made being counted. */
export function countedTokens(tokens: Tokens, parts: TokenMetricsParts): Tokens {
  const created = parts.metrics.samples('token.create', 'Milliseconds it took to make a token.');
  const creation = parts.metrics.counter('token.creation', 'Tokens that were made here.');
  /** Of tokens that a mount issues, by what else tells them apart: putting labels together takes longer than counting. */
  const ofMounts = new WeakMap<Mount, Map<string, Counter>>();

  function counterOf({ issuer, ttl, type }: NewToken, namespace: string): Counter {
    const mount = issuer && parts.mountOf(issuer.mount);
    const bucket = ttlBucket(ttl);
    const labelled = () => creation.with(labelsOf(mount, namespace, bucket, type, parts));
    if (!mount || mount.namespace !== namespace || type === 'batch') return labelled();
    const known = ofMounts.get(mount) ?? new Map<string, Counter>();
    const counter = known.get(bucket) ?? labelled();
    ofMounts.set(mount, known.set(bucket, counter));
    return counter;
  }

  return {
    ...tokens,
    async create(fresh, id, options) {
      const startedMs = performance.now();
      const made = await tokens.create(fresh, id, options);
      created.observe(performance.now() - startedMs);
      counterOf(fresh, options.namespace).add();
      return made;
    },
  };
}

function labelsOf(
  mount: Mount | undefined,
  namespace: string,
  bucket: string,
  type: NewToken['type'],
  parts: TokenMetricsParts,
): Record<string, string> {
  const path = namespace === ROOT_NAMESPACE.id ? 'root' : (parts.namespacePath(namespace) ?? '');
  return {
    auth_method: mount?.type ?? 'token',
    cluster: parts.clusterName() ?? '',
    creation_ttl: bucket,
    mount_point: mount ? `auth/${mount.path}` : 'auth/token/',
    namespace: path.replace(/\/$/, ''),
    token_type: type,
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
