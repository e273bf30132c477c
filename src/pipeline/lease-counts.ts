/**
 * Lease-count quotas: how many leases there may be at a path (contract §2.10). The leases there are so far are tokens that end.
 *
 * One node counts for the whole cluster, for each quota: its actor holds the names of the leases, in memory. Whoever becomes its owner
 * reads them from the store first, so that no count is lost with a node, and a quota that is new begins with what is there. A lease is
 * counted before it is made; one that was not made, and one that ended without our hearing of it, is found out when there is no room.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { CreateOptions, LeaseBounds } from '../auth/token/tokens.ts';
import type { Catalog } from '../cluster/catalog.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type AnyActorOperation,
  type Cluster,
  OWN_CLAIMS,
} from '../model/actor.ts';
import type { TokenState } from '../model/caller.ts';
import { CodedError } from '../model/errors.ts';
import {
  LEASE_IS_NEW_MS,
  LEASES_DOUBTED_AT_ONCE,
  MINUTE_MS,
  QUOTAS_MAX,
  TOKENS_LOOKED_AT_ONCE,
} from '../model/limits.ts';
import { namespaceIdOf, ROOT_NAMESPACE } from '../model/namespace.ts';
import { type Anchored, LEASE_COUNT, type LeaseCount } from '../model/quotas.ts';
import { bySpecificity, holds, type Places, quotaSpelled } from './quota-scopes.ts';

interface Quota extends LeaseCount {
  readonly name: string;
}

/** Of a lease that is counted. Times in ms. */
interface Counted {
  readonly sinceMs: number;
  readonly endsAtMs: number;
}

/** What its actor holds: filled by the first message. */
interface Ledger {
  leases: Map<string, Counted> | undefined;
  /** Of this node's, when it was filled. */
  epoch: number;
}

interface Taking {
  /** Of the quotas by which this node found the one that holds. */
  readonly generation: string;
  readonly quota: string;
  readonly max: number;
  /** '' where only room is asked for. */
  readonly accessor: string;
  readonly endsAtMs: number;
  /** Counted, room or not. */
  readonly always: boolean;
}

export interface LeaseCountsOptions {
  readonly cluster: Pick<Cluster, 'send'>;
  now(): number;
  /** '' or ending in `/`; undefined: there is none of this id. */
  namespacePath(id: string): string | undefined;
  /** Ids of all namespaces. */
  namespaces(): readonly string[];
  /** Of the tokens of a namespace. */
  accessors(namespaceId: string): Promise<readonly string[]>;
  /** Of a token that is good. */
  stateOf(accessor: string): Promise<TokenState | undefined>;
}

export interface LeaseCounts extends LeaseBounds {
  readonly kind: ActorKind<Ledger>;
  readonly sends: readonly AnyActorOperation[];
  /** Obeys the quotas of this catalog from now on. */
  watch(catalog: Pick<Catalog, 'watch' | 'entries'>, places: Places): void;
  /** How many leases a quota holds now; undefined: there is none of this name. */
  count(name: string): Promise<number | undefined>;
}

const OWN = { claims: OWN_CLAIMS };

const sha256 = (text: string) => hash('sha256', text, 'hex');

/** @param options - asked for when there is something to count: actors are declared before what they are made of. */
export function makeLeaseCounts(options: () => LeaseCountsOptions): LeaseCounts {
  let quotas: readonly Quota[] = [];
  /** Says for which paths and roles there are quotas: with that it changes whose each lease is. */
  let generation = '';
  /** How often that changed here. */
  let epoch = 0;

  const kind: ActorKind<Ledger> = {
    kind: 'lease-count',
    activeMax: QUOTAS_MAX,
    idleMs: 10 * MINUTE_MS,
    mailboxMax: 4_096,
    keepsAbsent: true,
    decode: () => ({ leases: undefined, epoch: 0 }),
    encode: () => undefined,
  };

  /** Undefined: none holds it. */
  function quotaOf(state: TokenState, namespaceId: string): Quota | undefined {
    if (quotas.length === 0 || state.expiresAtMs === undefined || state.wraps) return undefined;
    const namespacePath = options().namespacePath(namespaceId);
    if (namespacePath === undefined) return undefined;
    const lease = { namespacePath, path: state.path, role: state.issuer?.name };
    return quotas.find((quota) => holds(quota, lease));
  }

  function idOf(quota: string): ActorId {
    return {
      kind: kind.kind,
      namespace: ROOT_NAMESPACE.id,
      mount: 'quota',
      name: sha256(quota),
    };
  }

  /** What is there, as whoever begins to count finds it. */
  async function found(quota: string): Promise<Map<string, Counted>> {
    const { accessors, stateOf, namespaces, now } = options();
    const leases = new Map<string, Counted>();
    for (const namespace of namespaces()) {
      const all = await accessors(namespace);
      for (let at = 0; at < all.length; at += TOKENS_LOOKED_AT_ONCE) {
        const some = all.slice(at, at + TOKENS_LOOKED_AT_ONCE);
        const states = await Promise.all(some.map((accessor) => stateOf(accessor)));
        for (const [index, state] of states.entries())
          if (state && quotaOf(state, namespace)?.name === quota)
            leases.set(some[index]!, { sinceMs: now(), endsAtMs: state.expiresAtMs! });
      }
    }
    return leases;
  }

  /** Undefined: who asks knows other quotas than this node, for a moment. By those a lease may be another's. */
  async function leasesIn(ledger: Ledger, asked: Pick<Taking, 'generation' | 'quota'>) {
    if (asked.generation !== generation) return undefined;
    if (!ledger.leases || ledger.epoch !== epoch) {
      ledger.epoch = epoch;
      ledger.leases = await found(asked.quota);
    }
    return ledger.leases;
  }

  /** Looks whether some that are counted are over. Those that it looks at and that are not go to the end of the line. */
  async function drop(leases: Map<string, Counted>): Promise<void> {
    const { now, stateOf } = options();
    const nowMs = now();
    const doubted: string[] = [];
    for (const [accessor, { sinceMs, endsAtMs }] of leases) {
      if (endsAtMs > nowMs && sinceMs > nowMs - LEASE_IS_NEW_MS) continue;
      doubted.push(accessor);
      if (doubted.length === LEASES_DOUBTED_AT_ONCE) break;
    }
    const states = await Promise.all(doubted.map((accessor) => stateOf(accessor)));
    for (const [index, accessor] of doubted.entries()) {
      const { sinceMs } = leases.get(accessor)!;
      leases.delete(accessor);
      const endsAtMs = states[index]?.expiresAtMs;
      if (endsAtMs !== undefined) leases.set(accessor, { sinceMs, endsAtMs });
    }
  }

  /** Replies whether there is room, or was taken. */
  const take: ActorOperation<Ledger, Taking, boolean> = {
    id: 'lease-count/take',
    actor: kind,
    mode: 'change',
    async run(ledger, taking, ctx) {
      const leases = await leasesIn(ledger, taking);
      // It is found in the store, once it can be told whose it is.
      if (!leases) return { reply: true };
      const { accessor, max, always, endsAtMs } = taking;
      if (!always && leases.size >= max) await drop(leases);
      const isThere = always || leases.size < max;
      if (isThere && accessor !== '') leases.set(accessor, { sinceMs: ctx.now(), endsAtMs });
      return { reply: isThere };
    },
  };

  const release: ActorOperation<Ledger, { accessor: string }, void> = {
    id: 'lease-count/release',
    actor: kind,
    mode: 'change',
    run(ledger, { accessor }) {
      ledger.leases?.delete(accessor);
      return { reply: undefined };
    },
  };

  const size: ActorOperation<Ledger, Pick<Taking, 'generation' | 'quota'>, number> = {
    id: 'lease-count/size',
    actor: kind,
    mode: 'change',
    async run(ledger, asked) {
      const leases = await leasesIn(ledger, asked);
      if (!leases) throw new CodedError('stale_claims');
      await drop(leases);
      return { reply: leases.size };
    },
  };

  async function taken(quota: Quota, lease: Omit<Taking, 'generation' | 'quota' | 'max'>): Promise<boolean> {
    const { name, max_leases: max } = quota;
    return options().cluster.send(take, idOf(name), { ...lease, generation, quota: name, max }, OWN);
  }

  return {
    kind,
    sends: [take, release, size],
    watch(catalog, places) {
      const look = () => {
        const all: Quota[] = [];
        for (const [key, value] of catalog.entries('settings')) {
          if (!key.startsWith(LEASE_COUNT)) continue;
          const quota = quotaSpelled(value as Anchored<LeaseCount>, places);
          if (quota) all.push({ ...quota, name: key.slice(LEASE_COUNT.length) });
        }
        quotas = all.sort(bySpecificity);
        const scopes = all.map(({ name, path, role, inheritable }) =>
          JSON.stringify([name, path, role, inheritable]),
        );
        const next = sha256(scopes.sort().join('\n'));
        if (next !== generation) epoch++;
        generation = next;
      };
      catalog.watch('settings', look);
      // The mount table and the namespaces watch it too, and did so before.
      catalog.watch('mounts', look);
    },
    isOn: () => quotas.length > 0,
    async admit(state, accessor, { namespace, caller, request }: CreateOptions) {
      const quota = quotaOf(state, namespace);
      if (!quota) return;
      // What the program makes of itself, and a root token, is held by none: somebody must be able to get in.
      const always = request === undefined || caller?.isRoot === true;
      if (always && accessor === '') return;
      const isThere = await taken(quota, { accessor, endsAtMs: state.expiresAtMs!, always });
      if (!isThere) throw new CodedError('rate_limited', 'lease count quota exceeded');
    },
    async ended(state, accessor) {
      const quota = quotaOf(state, namespaceIdOf(accessor));
      // Not heard, it is found out when there is no room.
      if (quota)
        await options()
          .cluster.send(release, idOf(quota.name), { accessor }, OWN)
          .catch(() => {});
    },
    async count(name) {
      if (!quotas.some((quota) => quota.name === name)) return undefined;
      return options().cluster.send(size, idOf(name), { generation, quota: name }, OWN);
    },
  };
}
