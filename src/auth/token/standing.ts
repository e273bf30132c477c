/**
 * Is a token good? Its own state says so, and those of its ancestors, the mount that issued it and its namespace. What the actors of these have in
 * memory here, or a replica, tells it in one turn; where they do not, their owners are asked.
 *
 * @module
 */
import { type ActorId, type Cluster, OWN_CLAIMS, type Peeked, type SendOptions } from '../../model/actor.ts';
import type { Caller, TokenState } from '../../model/caller.ts';
import { TOKEN_DEPTH_MAX, TOKENS_KNOWN_MAX } from '../../model/limits.ts';
import { namespaceIdOf, ROOT_NAMESPACE } from '../../model/namespace.ts';
import { type AncestorReads, ancestorsBear } from './ancestors.ts';
import { bearsChildren, isAlive } from './liveness.ts';
import { type TokenActor, tokenId } from './token-actor.ts';

/** What tokens depend on besides their own states. */
export interface Grounds {
  /** Does the mount that names itself so as an issuer stand where it stood? What its logins issued is good no longer than that. Absent: all do. */
  isIssuer?(issuer: string): boolean;
  /** Is there a namespace of this id, below the root namespace? Its tokens are good no longer than that. Absent: there is none. */
  isNamespace?(id: string): boolean;
}

export interface StandingOptions {
  readonly actor: TokenActor;
  readonly cluster: Cluster;
  readonly grounds: Grounds;
  now(): number;
  /** What a batch token of this name said of itself; undefined: none of it was met. */
  batchState(accessor: string): TokenState | undefined;
}

/** What others than tokens may ask too. */
export interface Goodness {
  /** Is it good still, in this turn? False also where it cannot be told without waiting. */
  isGood(caller: Caller): boolean;
  /** As `isGood`, but waits where it has to. A caller whose last use was taken is good while its request runs. */
  isStillGood(caller: Caller): Promise<boolean>;
  /** Its actor and those of its ancestors, as far as they can be told in this turn: all, where `isGood`. */
  chainOf(caller: Caller): ActorId[];
  /** The state of a token that is good; undefined otherwise. Takes no use. */
  stateOf(accessor: string): Promise<TokenState | undefined>;
}

export interface Standing extends Goodness {
  /** As `stateOf`, of a service token without limited uses, where it can be told in this turn; undefined: only `stateOf` can tell. */
  goodNow(accessor: string): TokenState | undefined;
  /** A token's state, good or not, where it can be told in this turn. */
  stateNow(accessor: string): TokenState | undefined;
  /** What the token's owner says of it, good or not. */
  read(accessor: string): Promise<TokenState | undefined>;
  /** Does a token of this accessor live, below which another may begin? */
  mayBear(accessor: string): Promise<boolean>;
  /** Is the parent of a batch token alive, and all above it? None outlives it, also where a service token would be an orphan. */
  parentLives(state: TokenState): Promise<boolean>;
  /** Lets go of what it holds. */
  clear(): void;
}

const OWN: SendOptions = { claims: OWN_CLAIMS };

export function makeStanding({ actor, cluster, grounds, now, batchState }: StandingOptions): Standing {
  /** Token actors met lately, by accessor: each request looks at its token three times. */
  const held = new Map<string, Peeked>();

  /** Asked for once: whether it may be told takes looks at clocks. */
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
    issuer === undefined || grounds.isIssuer === undefined || grounds.isIssuer(issuer.mount);
  const lives = (state: TokenState | undefined, nowMs: number): state is TokenState =>
    isAlive(state, nowMs) && isIssued(state);
  const bears = (state: TokenState | undefined, nowMs: number): state is TokenState =>
    bearsChildren(state, nowMs) && (state.dying !== undefined || isIssued(state));

  /** Above a token is its own namespace or one above that, so that only its own may be gone while it stands. */
  const isNamespace = (id: string) => id === ROOT_NAMESPACE.id || grounds.isNamespace?.(id) === true;
  const isHome = (accessor: string) => isNamespace(namespaceIdOf(accessor));

  /** By which a state is judged that `stateNow` told: a replica ends when its owner says so. */
  const nowFor = (accessor: string) => (held.get(accessor)?.isReplica ? Number.NEGATIVE_INFINITY : now());

  const askOwner = (accessor: string) => cluster.send(actor.read, tokenId(accessor), undefined, OWN);

  /**
   * What the token's owner says of it, and whether `isGood` holds of that. Where it would but for the time, that is its owner's to say, once and
   * for all: another node's clock may be ahead, and a later owner's behind.
   */
  async function readIf(
    accessor: string,
    isGood: (state: TokenState | undefined, nowMs: number) => state is TokenState,
  ): Promise<{ readonly state: TokenState | undefined; readonly isGood: boolean }> {
    const told = stateNow(accessor);
    const nowMs = told && nowFor(accessor);
    const state = told ?? (await askOwner(accessor));
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

  async function mayBear(accessor: string): Promise<boolean> {
    const { state, isGood } = await readIf(accessor, lives);
    return isGood && (await ancestorsBear(accessor, state!.parent, reads));
  }

  async function parentLives({ parent }: TokenState): Promise<boolean> {
    return parent === undefined || mayBear(parent);
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

  function parentLivesNow({ parent }: TokenState): boolean {
    if (parent === undefined) return true;
    const state = stateNow(parent);
    return lives(state, nowFor(parent)) && ancestorsBearNow(state);
  }

  function isGoodNow(caller: Caller): boolean {
    if (!isNamespace(caller.namespace)) return false;
    if (caller.state.type === 'batch') return lives(caller.state, now()) && parentLivesNow(caller.state);
    const state = stateNow(caller.accessor);
    return lives(state, nowFor(caller.accessor)) && isSameToken(caller, state) && ancestorsBearNow(state);
  }

  return {
    stateNow,
    read: async (accessor) => stateNow(accessor) ?? askOwner(accessor),
    mayBear,
    parentLives,
    goodNow(accessor) {
      if (!isHome(accessor)) return undefined;
      const state = stateNow(accessor);
      if (!lives(state, nowFor(accessor)) || state.usesLeft !== undefined) return undefined;
      return ancestorsBearNow(state) ? state : undefined;
    },
    async stateOf(accessor) {
      if (!isHome(accessor)) return undefined;
      const batch = batchState(accessor);
      if (batch) return lives(batch, now()) && (await parentLives(batch)) ? batch : undefined;
      const { state, isGood } = await readIf(accessor, lives);
      if (!isGood || !state || state.usesLeft === 0) return undefined;
      return (await ancestorsBear(accessor, state.parent, reads)) ? state : undefined;
    },
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
    clear: () => held.clear(),
  };
}

/** The text of a token may be given anew once it is gone; what was decided under the old one must not run under the new. */
function isSameToken(caller: Caller, state: TokenState): boolean {
  return state.createdAtMs === caller.state.createdAtMs;
}
