/**
 * Rate-limit quotas, obeyed before anything looks at the token. The one that says most about a request holds it. Each client, by its address, has a count of its own; a quota of the whole cluster is counted by one node for each client,
 * in memory: a count that is lost with that node begins anew.
 *
 * @module
 */
import type { Catalog, Entries } from '../cluster/catalog.ts';
import { type ActorKind, type ActorOperation, type Cluster, OWN_CLAIMS } from '../model/actor.ts';
import { QUOTA_CLIENTS_MAX, QUOTA_COUNTERS_MAX, SECOND_MS } from '../model/limits.ts';
import {
  type Anchored,
  QUOTA_CONFIG,
  type QuotaConfig,
  RATE_LIMIT,
  type RateLimit,
  USUAL_QUOTA_CONFIG,
} from '../model/quotas.ts';
import type { Request } from '../model/request.ts';
import { bySpecificity, holds, type Places, quotaSpelled, type Scoped } from './quota-scopes.ts';
import { type LimitRules, makeRateLimiter, type RateLimiter, type Taken } from './rate-limiter.ts';

export interface QuotaAnswer {
  readonly allowed: boolean;
  /** What the client is told of it; empty where that is switched off. */
  readonly headers: Readonly<Record<string, string>>;
  /** Is it told to the audit devices where it is refused? */
  readonly audited: boolean;
}

export interface Quotas {
  /** Are there any? */
  isOn(): boolean;
  /** Undefined: no quota holds it. @param roleOf - asked where that may make a difference. */
  take(
    request: Pick<Request, 'remoteAddress'>,
    asked: Omit<Scoped, 'role'>,
    roleOf?: () => Promise<string | undefined>,
  ): QuotaAnswer | Promise<QuotaAnswer | undefined> | undefined;
  /** May it make a difference as which role a request asks to be let in? */
  needsRole(asked: Omit<Scoped, 'role'>): boolean;
}

type Counting = ActorOperation<undefined, LimitRules, Taken>;

/** Counts of whole clusters: nothing of them is stored. */
export interface ClusterCounts {
  readonly kind: ActorKind<undefined>;
  readonly count: Counting;
  /** What this node has counted for a quota that is gone. */
  forget(quota: string): void;
}

export function makeClusterCounts(): ClusterCounts {
  const limiter = makeRateLimiter(QUOTA_CLIENTS_MAX);
  const kind: ActorKind<undefined> = {
    kind: 'quota',
    activeMax: QUOTA_COUNTERS_MAX,
    idleMs: 10 * SECOND_MS,
    mailboxMax: 1_024,
    decode: () => undefined,
    encode: () => undefined,
  };
  const count: Counting = {
    id: 'quota/count',
    actor: kind,
    mode: 'read',
    run: (_state, rules, ctx) => ({ reply: limiter.take(ctx.id.name, rules, ctx.now()) }),
  };
  return { kind, count, forget: (quota) => limiter.forget(`${quota}/`) };
}

interface Held {
  readonly name: string;
  readonly quota: RateLimit;
  readonly rules: LimitRules;
}

export interface QuotasOptions {
  readonly catalog: Pick<Catalog, 'watch' | 'entries'>;
  readonly places: Places;
  readonly cluster: Pick<Cluster, 'send'>;
  readonly counts: ClusterCounts;
  now(): number;
}

export function makeQuotas({ catalog, places, cluster, counts, now }: QuotasOptions): Quotas {
  const limiter: RateLimiter = makeRateLimiter(QUOTA_CLIENTS_MAX);
  let held: readonly Held[] = [];
  let config: QuotaConfig = USUAL_QUOTA_CONFIG;
  let counted: readonly string[] = [];

  catalog.watch('settings', (entries) => {
    const counting = [...entries]
      .filter(([key]) => key.startsWith(RATE_LIMIT))
      .map(([key, value]) => countOf(key, value as Anchored<RateLimit>));
    // One that is written anew begins to count anew, also where nothing was heard of a time in between in which it was not.
    for (const name of counted) {
      if (counting.includes(name)) continue;
      limiter.forget(`${name}/`);
      counts.forget(name);
    }
    counted = counting;
    held = heldIn(entries, places);
    config = (entries.get(QUOTA_CONFIG) as QuotaConfig | undefined) ?? USUAL_QUOTA_CONFIG;
  });

  // The mount table and the namespaces watch it too, and did so before.
  catalog.watch('mounts', () => {
    held = heldIn(catalog.entries('settings'), places);
  });

  function isExempt(namespacePath: string, path: string): boolean {
    const starts = (prefix: string, whole: string) => whole.startsWith(prefix.replace(/^\/+|\*$/g, ''));
    return (
      config.rate_limit_exempt_paths.some((prefix) => prefix !== '' && starts(prefix, path)) ||
      config.absolute_rate_limit_exempt_paths.some(
        (prefix) => prefix !== '' && starts(prefix, namespacePath + path),
      )
    );
  }

  function answer({ allowed, limit, left, resetMs }: Taken): QuotaAnswer {
    const seconds = String(Math.max(1, Math.ceil(resetMs / SECOND_MS)));
    const shown = config.enable_rate_limit_response_headers;
    return {
      allowed,
      audited: config.enable_rate_limit_audit_logging,
      headers: {
        ...(shown && {
          'X-Ratelimit-Limit': String(limit),
          'X-Ratelimit-Remaining': String(left),
          'X-Ratelimit-Reset': seconds,
        }),
        ...(!allowed && { 'Retry-After': seconds }),
      },
    };
  }

  function takeOf(remoteAddress: string, asked: Scoped): QuotaAnswer | Promise<QuotaAnswer> | undefined {
    const found = held.find(({ quota }) => holds(quota, asked));
    if (!found) return undefined;
    const key = `${found.name}/${remoteAddress}`;
    const here = () => answer(limiter.take(key, found.rules, now()));
    if (found.quota.scope === 'node') return here();
    const id = { kind: counts.kind.kind, namespace: 'root', mount: 'quota', name: key };
    // Nobody who counts can be asked: a node's own count is better than none, and than no answer.
    return cluster.send(counts.count, id, found.rules, { claims: OWN_CLAIMS }).then(answer, here);
  }

  function needsRole(asked: Omit<Scoped, 'role'>): boolean {
    return held.some(({ quota }) => quota.role !== '' && holds(quota, { ...asked, role: quota.role }));
  }

  return {
    isOn: () => held.length > 0,
    needsRole,
    take({ remoteAddress }, asked, roleOf) {
      if (isExempt(asked.namespacePath, asked.path)) return undefined;
      if (!roleOf || !needsRole(asked)) return takeOf(remoteAddress, asked);
      // Where that cannot be told, it is not let in either; as whom it asks then makes no difference.
      const role = roleOf().catch(() => undefined);
      return role.then((role) => takeOf(remoteAddress, { ...asked, role }));
    },
  };
}

/** What it counts under: of each writing its own, here as at whoever counts for all. */
function countOf(
  key: string,
  { made, scope, rate, interval, block_interval: block }: Anchored<RateLimit>,
): string {
  return `${key.slice(RATE_LIMIT.length)}/${made ?? [scope, rate, interval, block].join('/')}`;
}

function heldIn(entries: Entries, places: Places): Held[] {
  const held: Held[] = [];
  for (const [key, value] of entries) {
    if (!key.startsWith(RATE_LIMIT)) continue;
    const quota = quotaSpelled(value as Anchored<RateLimit>, places);
    if (!quota) continue;
    const { rate, interval, block_interval: block } = quota;
    const rules = { rate, intervalMs: interval * SECOND_MS, blockMs: block * SECOND_MS };
    held.push({ name: countOf(key, value as Anchored<RateLimit>), quota, rules });
  }
  return held.sort((a, b) => bySpecificity(a.quota, b.quota));
}
