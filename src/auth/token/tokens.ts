/**
 * Tokens as the rest of the program sees them: who is this, is it still good, make one, end one.
 *
 * @module
 */
import assert from 'node:assert';
import { lowBase62, makeBase62Texts } from '../../crypto/base62.ts';
import { hmacHex } from '../../crypto/hmac.ts';
import { type ActorId, type Cluster, OWN_CLAIMS, type Peeked, type SendOptions } from '../../model/actor.ts';
import type { Caller, NewToken, TokenState } from '../../model/caller.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import {
  BATCH_TOKENS_KNOWN_MAX,
  SWEEP_PAGE,
  TIDIED_AT_ONCE,
  TOKEN_BYTES_MAX,
  TOKEN_DEPTH_MAX,
  TOKENS_KNOWN_MAX,
} from '../../model/limits.ts';
import { namespaceIdOf, namespaceIdOfToken, namespaceSuffix, ROOT_NAMESPACE } from '../../model/namespace.ts';
import { type AncestorReads, ancestorsBear } from './ancestors.ts';
import { BATCH_PREFIX, type BatchTokens } from './batch-tokens.ts';
import { bearsChildren, isAlive } from './liveness.ts';
import { type Renewal, type Renewing, TOKEN_MOUNT, type TokenActor, tokenId } from './token-actor.ts';
import { begunAt } from './ttl.ts';

const SERVICE_PREFIX = 'hvs.';
/** Characters of a token's random part and of an accessor: 142 bits. */
const RANDOM_CHARS = 24;

export interface TokensOptions {
  readonly actor: TokenActor;
  readonly cluster: Cluster;
  /** Does the mount that names itself so as an issuer stand where it stood? What its logins issued is good no longer than that. Absent: all do. */
  isIssuer?(issuer: string): boolean;
  /** Is there a namespace of this id, below the root namespace? Its tokens are good no longer than that. Absent: there is none. */
  isNamespace?(id: string): boolean;
  /** A use of a limited token is asked for. */
  using?(accessor: string, use: Promise<unknown>): void;
  /** Absent: there are none. */
  readonly batch?: BatchTokens;
  /** How many there may be. Absent: any number. */
  readonly leases?: LeaseBounds;
  /** 32 fresh bytes, which are wiped after use. */
  accessorKey(): Uint8Array;
  now(): number;
  randomBytes(bytes: number): Buffer;
}

export interface LeaseBounds {
  /** Before a token is made. @param accessor - '' of a batch token. @throws CodedError `rate_limited` where there are as many as may be. */
  admit(state: TokenState, accessor: string, options: CreateOptions): Promise<void>;
  /** It is over, or was not made after all. Never rejects. */
  ended(state: TokenState, accessor: string): Promise<void>;
  /** Is there any bound? */
  isOn(): boolean;
}

export interface CreateOptions extends SendOptions {
  /** Id of the namespace whose token it is. */
  readonly namespace: string;
}

export interface Tokens {
  accessorOf(token: string): string;
  /** Who `token` is, one use taken where uses are limited; undefined: not a good token. */
  authenticate(token: string, options?: { takeUse: boolean }): Promise<Caller | undefined>;
  /** The same, where that can be told in this turn and takes no use; undefined: only `authenticate` can tell. */
  authenticateNow(token: string): Caller | undefined;
  /** Is it good still, in this turn? False also where it cannot be told without waiting. */
  isGood(caller: Caller): boolean;
  /** As `isGood`, but waits where it has to. A caller whose last use was taken is good while its request runs. */
  isStillGood(caller: Caller): Promise<boolean>;
  /** Its actor and those of its ancestors, as far as they can be told in this turn: all, where `isGood`. */
  chainOf(caller: Caller): ActorId[];
  /** The state of a token that is good; undefined otherwise. Takes no use. */
  stateOf(accessor: string): Promise<TokenState | undefined>;
  /** A new token's text and its accessor, for who makes it otherwise than by `create`. */
  draw(namespaceId: string): { token: string; accessor: string };
  /** Makes a token; a batch token has no accessor to be shown. @param id - its text, only of the root namespace; drawn where absent. */
  create(
    fresh: NewToken,
    id: string | undefined,
    options: CreateOptions,
  ): Promise<{ token: string; accessor: string }>;
  renew(accessor: string, asked: Renewing, options: SendOptions): Promise<TokenState & Renewal>;
  revoke(accessor: string, how: 'tree' | 'self', options?: SendOptions): Promise<boolean>;
  /** Sweeps a revoked token now, rather than soon. */
  sweep(accessor: string): Promise<void>;
  /**
   * Ends all tokens of a namespace, for good. Safe to repeat. @throws the signal's reason when it fires first.
   * @param ended - told how many more are gone, and waited for.
   */
  endAll(namespaceId: string, signal: AbortSignal, ended?: (count: number) => Promise<void>): Promise<void>;
  /** Ends those of a namespace that are over, and sweeps what is dead. Safe to repeat. */
  tidy(namespaceId: string): Promise<void>;
  /** Of the tokens of a namespace. */
  accessors(namespaceId: string): Promise<string[]>;
  /** Forgets which token has which accessor; on seal. */
  clear(): void;
}

/** The text of a token may be given anew once it is gone; what was decided under the old one must not run under the new. */
function isSameToken(caller: Caller, state: TokenState): boolean {
  return state.createdAtMs === caller.state.createdAtMs;
}

function callerOf(token: string, accessor: string, known: TokenState): Caller {
  const namespace = namespaceIdOf(accessor);
  // A caller goes from node to node with what is asked for it.
  const state = known.wraps?.reply === undefined ? known : { ...known, wraps: { path: known.wraps.path } };
  return { token, accessor, namespace, state, isRoot: state.policies.includes('root') };
}

const OWN: SendOptions = { claims: OWN_CLAIMS };

export function makeTokens(options: TokensOptions): Tokens {
  const { actor, cluster, accessorKey, now } = options;
  const base62 = makeBase62Texts(options.randomBytes);
  /** Tokens met lately and their accessors, so that a request costs no HMAC. */
  const known = new Map<string, string>();
  /** Batch tokens met lately, by the names that they have here: good or not, they were written by this cluster. */
  const batches = new Map<string, TokenState>();

  function accessorOf(token: string): string {
    const found = known.get(token);
    if (found !== undefined) return found;
    const accessor = nameOf(token);
    const state = options.batch?.open(token);
    if (state) {
      if (batches.size >= BATCH_TOKENS_KNOWN_MAX) batches.delete(batches.keys().next().value!);
      batches.set(accessor, state);
    } else if (token.startsWith(BATCH_PREFIX)) batches.delete(accessor);
    return accessor;
  }

  function nameOf(token: string): string {
    const key = accessorKey();
    const number = hmacHex(key, token);
    key.fill(0);
    return lowBase62(number, RANDOM_CHARS) + namespaceSuffix(namespaceIdOfToken(token));
  }

  /** Only of tokens that were good: guesses must not push out what is in use. */
  function remember(token: string, accessor: string): void {
    // Batch tokens may be long, and are as quickly opened as looked for.
    if (known.has(token) || token.startsWith(BATCH_PREFIX)) return;
    if (known.size >= TOKENS_KNOWN_MAX) known.delete(known.keys().next().value!);
    known.set(token, accessor);
  }

  /** Token actors met lately, by accessor: each request looks at its token three times. */
  const held = new Map<string, Peeked>();

  /** Its state, if it can be told in this turn. Asked for once: whether it may be told takes looks at clocks. */
  function stateNow(accessor: string): TokenState | undefined {
    const met = held.get(accessor);
    const known = met?.state;
    if (known) {
      met!.touched = true;
      return known as TokenState;
    }
    const found = cluster.peek(tokenId(accessor));
    const state = found?.state;
    if (state === undefined) {
      held.delete(accessor);
      return undefined;
    }
    if (held.size >= TOKENS_KNOWN_MAX) held.clear();
    held.set(accessor, found!);
    return state as TokenState;
  }

  const isIssued = ({ issuer }: TokenState) =>
    issuer === undefined || options.isIssuer === undefined || options.isIssuer(issuer.mount);
  const lives = (state: TokenState | undefined, nowMs: number): state is TokenState =>
    isAlive(state, nowMs) && isIssued(state);
  const bears = (state: TokenState | undefined, nowMs: number): state is TokenState =>
    bearsChildren(state, nowMs) && (state.dying !== undefined || isIssued(state));

  /** Above a token is its own namespace or one above that, so that only its own may be gone while it stands. */
  const isHome = (accessor: string) => {
    const id = namespaceIdOf(accessor);
    return id === ROOT_NAMESPACE.id || options.isNamespace?.(id) === true;
  };

  /** By which a state is judged that `stateNow` told: a replica ends when its owner says so. */
  const nowFor = (accessor: string) => (held.get(accessor)?.isReplica ? Number.NEGATIVE_INFINITY : now());

  /** What the token's owner says of it. */
  async function read(accessor: string): Promise<TokenState | undefined> {
    return stateNow(accessor) ?? cluster.send(actor.read, tokenId(accessor), undefined, OWN);
  }

  /**
   * As `read`, if `isGood` holds of it, or would but for the time: whether that is over is its owner's to say, once and for all. Another node's
   * clock may be ahead, and a later owner's behind.
   */
  async function readIf(
    accessor: string,
    isGood: (state: TokenState | undefined, nowMs: number) => state is TokenState,
  ): Promise<{ readonly state: TokenState | undefined; readonly isGood: boolean }> {
    const told = stateNow(accessor);
    const nowMs = told && nowFor(accessor);
    const state = told ?? (await cluster.send(actor.read, tokenId(accessor), undefined, OWN));
    if (isGood(state, nowMs ?? now())) return { state, isGood: true };
    if (!isGood(state, Number.NEGATIVE_INFINITY)) return { state, isGood: false };
    const expired = await cluster.send(actor.expire, tokenId(accessor), undefined, OWN);
    return { state: expired, isGood: isGood(expired, Number.NEGATIVE_INFINITY) };
  }

  const reads: AncestorReads = {
    async read(accessor) {
      const { state, isGood } = await readIf(accessor, bears);
      return { state, bears: isGood };
    },
    settled: (accessor) => cluster.send(actor.readSettled, tokenId(accessor), undefined, OWN),
    fell: (accessor) => cluster.send(actor.decide, tokenId(accessor), 'tree', OWN),
  };

  /** Is the parent of a batch token alive, and all above it? None outlives it, also where a service token would be an orphan. */
  async function parentLives({ parent }: TokenState): Promise<boolean> {
    return parent === undefined || mayBear(parent);
  }

  /** @throws CodedError where a child of `parent` would have more ancestors than may be. */
  async function refuseDepth(parent: string): Promise<void> {
    let depth = 0;
    for (let at: string | undefined = parent; at !== undefined; ) {
      if (++depth > TOKEN_DEPTH_MAX) throw badRequest('too many generations of tokens');
      at = (stateNow(at) ?? (await read(at)))?.parent;
    }
  }

  /** Does a token of this accessor live, below which another may begin? */
  async function mayBear(accessor: string): Promise<boolean> {
    const { state, isGood } = await readIf(accessor, lives);
    return isGood && (await ancestorsBear(accessor, state!.parent, reads));
  }

  async function stateOf(accessor: string): Promise<TokenState | undefined> {
    if (!isHome(accessor)) return undefined;
    const batch = batches.get(accessor);
    if (batch) return lives(batch, now()) && (await parentLives(batch)) ? batch : undefined;
    const { state, isGood } = await readIf(accessor, lives);
    if (!isGood || !state || state.usesLeft === 0) return undefined;
    return (await ancestorsBear(accessor, state.parent, reads)) ? state : undefined;
  }

  function isGoodNow(caller: Caller): boolean {
    if (caller.namespace !== ROOT_NAMESPACE.id && !options.isNamespace?.(caller.namespace)) return false;
    if (caller.state.type === 'batch') return lives(caller.state, now()) && parentLivesNow(caller.state);
    const state = stateNow(caller.accessor);
    return lives(state, nowFor(caller.accessor)) && isSameToken(caller, state) && ancestorsBearNow(state);
  }

  function ancestorsBearNow(child: TokenState): boolean {
    let depth = 0;
    for (let state = child; state.parent !== undefined; ) {
      if (++depth > TOKEN_DEPTH_MAX) return false;
      const above = stateNow(state.parent);
      if (!bears(above, nowFor(state.parent))) return false;
      if (above.dying === 'orphaning') return true;
      state = above;
    }
    return true;
  }

  /** A service token met before, as `authenticate` would find it. What is not certain in this turn is not for here to say. */
  function callerNow(token: string): Caller | undefined {
    const accessor = known.get(token);
    if (accessor === undefined || !isHome(accessor)) return undefined;
    const state = stateNow(accessor);
    if (!lives(state, nowFor(accessor)) || state.usesLeft !== undefined) return undefined;
    if (!ancestorsBearNow(state)) return undefined;
    return callerOf(token, accessor, state);
  }

  function parentLivesNow({ parent }: TokenState): boolean {
    if (parent === undefined) return true;
    const state = stateNow(parent);
    return lives(state, nowFor(parent)) && ancestorsBearNow(state);
  }

  /**
   * Nothing is stored, so that the authority is asked once more, when it is given out. It has no owner: it begins by this node's clock, and each
   * node judges its end by its own.
   */
  async function writeBatch(fresh: NewToken, creation: CreateOptions) {
    const { claims, namespace } = creation;
    const state = begunAt(fresh, now());
    if (!(await parentLives(state)) || !claims.good()) throw new CodedError('stale_claims');
    if (!options.batch) throw badRequest('batch tokens are not supported here');
    await options.leases?.admit(state, '', creation);
    if (!claims.good()) throw new CodedError('stale_claims');
    return { token: options.batch.write(state, namespace), accessor: '' };
  }

  function draw(namespaceId: string): { token: string; accessor: string } {
    const token = SERVICE_PREFIX + base62.text(RANDOM_CHARS) + namespaceSuffix(namespaceId);
    // Nobody has met it.
    return { token, accessor: nameOf(token) };
  }

  return {
    accessorOf,
    draw,
    async authenticate(token, { takeUse } = { takeUse: true }) {
      if (token.length > TOKEN_BYTES_MAX) return undefined;
      const accessor = accessorOf(token);
      let state = await stateOf(accessor);
      if (state?.usesLeft !== undefined && takeUse) {
        const use = cluster.send(actor.use, tokenId(accessor), undefined, { claims: OWN_CLAIMS });
        options.using?.(accessor, use);
        const used = await use;
        state = used && { ...state, ...used };
      }
      if (!state) {
        known.delete(token);
        return undefined;
      }
      remember(token, accessor);
      return callerOf(token, accessor, state);
    },
    authenticateNow: callerNow,
    isGood: isGoodNow,
    async isStillGood(caller) {
      if (isGoodNow(caller)) return true;
      if (!isHome(caller.accessor)) return false;
      if (caller.state.type === 'batch') return lives(caller.state, now()) && parentLives(caller.state);
      const { state, isGood } = await readIf(caller.accessor, lives);
      if (!isGood || !isSameToken(caller, state!)) return false;
      return ancestorsBear(caller.accessor, state!.parent, reads);
    },
    chainOf(caller) {
      const chain: ActorId[] = [];
      const isBatch = caller.state.type === 'batch';
      let at = isBatch ? caller.state.parent : caller.accessor;
      while (at !== undefined) {
        chain.push(tokenId(at));
        const state = stateNow(at);
        // What is above it counts for those below no more.
        at = state?.dying === 'orphaning' ? undefined : state?.parent;
      }
      return chain;
    },
    stateOf,
    async create(fresh, id, creation) {
      assert(id === undefined || creation.namespace === ROOT_NAMESPACE.id);
      if (fresh.type === 'batch') return writeBatch(fresh, creation);
      const { token, accessor } =
        id === undefined ? draw(creation.namespace) : { token: id, accessor: accessorOf(id) };
      const { parent } = fresh;
      if (parent !== undefined) await refuseDepth(parent);
      if (options.leases?.isOn()) await options.leases.admit(begunAt(fresh, now()), accessor, creation);
      await cluster.send(actor.create, tokenId(accessor), fresh, creation);
      // Revoked while this was written, its sweep may be past already: nobody else would ever end this child.
      if (parent !== undefined && !(await mayBear(parent))) {
        await cluster.send(actor.revoke, tokenId(accessor), 'tree', { claims: OWN_CLAIMS });
        throw new CodedError('stale_claims');
      }
      return { token, accessor };
    },
    async renew(accessor, asked, options) {
      const renewed = await cluster.send(actor.renew, tokenId(accessor), asked, options);
      const state = await read(accessor);
      if (!state) throw badRequest('token not found');
      return { ...state, ...renewed };
    },
    async revoke(accessor, how, sending = { claims: OWN_CLAIMS }) {
      const { leases } = options;
      const state = leases?.isOn() ? await read(accessor) : undefined;
      const lived = await cluster.send(actor.revoke, tokenId(accessor), how, sending);
      // Its sweep tells it too, but later.
      if (state) await leases!.ended(state, accessor);
      return lived;
    },
    sweep: (accessor) => actor.sweep(cluster, accessor),
    async endAll(namespaceId, signal, ended) {
      const left = await cluster.list(actor.kind.kind, namespaceId, TOKEN_MOUNT, '');
      for (let at = 0; at < left.length; at += SWEEP_PAGE) {
        signal.throwIfAborted();
        const some = left.slice(at, at + SWEEP_PAGE);
        await Promise.all(some.map((accessor) => cluster.send(actor.revoke, tokenId(accessor), 'tree', OWN)));
        await Promise.all(some.map((accessor) => actor.sweep(cluster, accessor)));
        await ended?.(some.length);
      }
    },
    async tidy(namespaceId) {
      const all = await cluster.list(actor.kind.kind, namespaceId, TOKEN_MOUNT, '');
      for (let at = 0; at < all.length; at += TIDIED_AT_ONCE) {
        const some = all.slice(at, at + TIDIED_AT_ONCE);
        await Promise.all(
          some.map(async (accessor) => {
            const state = await cluster.send(actor.expire, tokenId(accessor), undefined, OWN);
            if (state?.dying) await actor.sweep(cluster, accessor);
          }),
        );
      }
    },
    accessors: (namespaceId) => cluster.list(actor.kind.kind, namespaceId, TOKEN_MOUNT, ''),
    clear() {
      known.clear();
      batches.clear();
      held.clear();
      base62.clear();
    },
  };
}
