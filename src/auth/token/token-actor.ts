/**
 * A token is an actor, named by its accessor. The accessor is a keyed one-way function of the token, so that one record answers for both
 * and the token itself is stored nowhere (protocol §11).
 *
 * A token is good only while each of its ancestors is: revoking one is one commit and kills the tree. Children, cubbyhole and record are
 * swept afterwards, woken by the timer index, so that a crash in between forgets nothing.
 *
 * @module
 */
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type AnyActorOperation,
  type Cluster,
  OWN_CLAIMS,
} from '../../model/actor.ts';
import type { NewToken, TokenState } from '../../model/caller.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import { MINUTE_MS, SWEEP_PAGE, TOKENS_ACTIVE_MAX } from '../../model/limits.ts';
import { namespaceIdOf } from '../../model/namespace.ts';
import { type AncestorReads, ancestorsBear } from './ancestors.ts';
import { bearsChildren, isAlive, isExpired } from './liveness.ts';
import { decodeToken, encodeToken } from './token-record.ts';
import { begunAt, type TtlTerms, ttlOf } from './ttl.ts';

type State = TokenState | undefined;
type TokenOperation<P, R> = ActorOperation<State, P, R>;

/** What a renewal changes. Replies to changes are kept with the token, for who did not hear them: so they are short. */
export type Renewed = Pick<TokenState, 'expiresAtMs'> &
  Required<Pick<TokenState, 'grantedTtl' | 'renewedAtMs'>>;

/** `warnings`: what the caller should know, where there is something. */
export type Renewal = Renewed & { readonly warnings?: readonly string[] };

/** What is asked of a renewal. `increment`: seconds; 0: nothing was asked for. */
export interface Renewing {
  readonly increment: number;
  readonly terms: TtlTerms;
}

export interface TokenActor {
  readonly kind: ActorKind<State>;
  /** Replies the state as it is. */
  readonly read: TokenOperation<undefined, State>;
  /** As `read`, but waits until what was committed of it is known to it. */
  readonly readSettled: TokenOperation<undefined, State>;
  /** It begins now. @throws CodedError where the token exists. */
  readonly create: TokenOperation<NewToken, void>;
  /** Takes one use, before the operation runs; undefined: there is none left, or no such token. */
  readonly use: TokenOperation<undefined, { readonly usesLeft: number | undefined } | undefined>;
  /** Sets a new end. @throws CodedError where it is gone, not renewable, or past its longest life. */
  readonly renew: TokenOperation<Renewing, Renewal>;
  /** `tree`: dead with all below it. `self`: dead, its children become orphans. Replies whether the token was alive. */
  readonly revoke: TokenOperation<'tree' | 'self', boolean>;
  /** Of one that was revoked alone: do its children end with it (`tree`), or are they orphans from now on? Replies what was decided first. */
  readonly decide: TokenOperation<'tree' | 'orphaning', TokenState['dying']>;
  /** Kills a token whose time is over by its owner's clock: what expired stays expired, whatever a clock says next. Replies the state. */
  readonly expire: TokenOperation<undefined, State>;
  /** All that is sent to tokens. */
  readonly sends: readonly AnyActorOperation[];
  /** Ends what was begun: children, cubbyhole, record. Does nothing to a token that is alive. Safe to repeat and to run twice at once. */
  sweep(cluster: Cluster, accessor: string): Promise<void>;
}

/** The record in which a reply lies that a token wraps, where it is too long for the token's own. */
export const WRAPPED_REPLY = 'wrapped';

/** Path of the root token that init makes. */
export const ROOT_PATH = 'auth/token/root';

/** In the place of a mount's uuid: those of a namespace lie together. */
export const TOKEN_MOUNT = 'token';

export function tokenId(accessor: string): ActorId {
  return { kind: 'token', namespace: namespaceIdOf(accessor), mount: TOKEN_MOUNT, name: accessor };
}

function expired(state: TokenState): TokenState {
  return dead(state, 'tree', state.expiresAtMs);
}

/** What it wrapped is opened to nobody any more. */
export function dead(
  state: TokenState,
  dying: NonNullable<TokenState['dying']>,
  dyingSinceMs: number | undefined,
): TokenState {
  const ended: TokenState = { ...state, dying };
  if (dyingSinceMs !== undefined) ended.dyingSinceMs = dyingSinceMs;
  if (state.wraps) ended.wraps = { path: state.wraps.path };
  return ended;
}

/** @param wipe - removes what else hangs on a token: its cubbyhole. Safe to repeat. */
export function makeTokenActor(
  wipe: (cluster: Cluster, accessor: string, state: TokenState) => Promise<void>,
): TokenActor {
  const kind: ActorKind<State> = {
    kind: 'token',
    replicas: 'always',
    activeMax: TOKENS_ACTIVE_MAX,
    idleMs: 10 * MINUTE_MS,
    mailboxMax: 1_024,
    decode: (head) => head && decodeToken(head),
    encode: (state) => state && encodeToken(state),
    goodUntilMs: (state) => (state?.dying ? undefined : state?.expiresAtMs),
    dueAt: (state) => (state?.dying ? state.dyingSinceMs : state?.expiresAtMs),
    indexes: (state, id) =>
      // One that was revoked alone stays listed until it is decided what becomes of its children: should its own parent end first, they end with it.
      state?.parent === undefined || state.dying === 'tree' || state.dying === 'orphaning'
        ? []
        : [{ index: 'parent', group: state.parent, entry: id.name }],
    async onDue(state, id, cluster) {
      // What expired stays expired, whatever the clock says next.
      const ended = state?.dying ? state : await cluster.send(expire, id, undefined, { claims: OWN_CLAIMS });
      if (ended?.dying) await sweepOf(cluster, ended, id);
    },
  };

  const read: TokenActor['read'] = {
    id: 'token/read',
    actor: kind,
    mode: 'read',
    run: (state) => ({ reply: state }),
  };

  /** Through the mailbox, which stands still until a commit is answered. */
  const readSettled: TokenActor['readSettled'] = {
    id: 'token/read-settled',
    actor: kind,
    mode: 'change',
    run: (state) => ({ reply: state }),
  };

  const create: TokenActor['create'] = {
    id: 'token/create',
    actor: kind,
    mode: 'change',
    creates: true,
    run(state, fresh, ctx) {
      if (state !== undefined) throw badRequest('cannot create a token with a duplicate ID');
      return { reply: undefined, next: { state: begunAt(fresh, ctx.now()) } };
    },
  };

  const use: TokenActor['use'] = {
    id: 'token/use',
    actor: kind,
    mode: 'change',
    isUse: true,
    run(state, _params, ctx) {
      if (state !== undefined && !state.dying && isExpired(state, ctx.now()))
        return { reply: undefined, next: { state: expired(state) } };
      if (!isAlive(state, ctx.now()) || state.usesLeft === 0) return { reply: undefined };
      if (state.usesLeft === undefined) return { reply: { usesLeft: undefined } };
      const usesLeft = state.usesLeft - 1;
      return { reply: { usesLeft }, next: { state: { ...state, usesLeft } } };
    },
  };

  const renew: TokenActor['renew'] = {
    id: 'token/renew',
    actor: kind,
    mode: 'change',
    run(state, { increment, terms }, ctx) {
      const renewedAtMs = ctx.now();
      if (!isAlive(state, renewedAtMs)) throw badRequest('token not found');
      if (!state.renewable) throw badRequest('lease is not renewable');
      const { ttl, warnings } = ttlOf({
        ...terms,
        increment,
        startMs: state.createdAtMs,
        nowMs: renewedAtMs,
      });
      const renewed: Renewed = { grantedTtl: ttl, expiresAtMs: renewedAtMs + ttl * 1_000, renewedAtMs };
      const reply = warnings.length > 0 ? { ...renewed, warnings } : renewed;
      return { reply, next: { state: { ...state, ...renewed } } };
    },
  };

  const revoke: TokenActor['revoke'] = {
    id: 'token/revoke',
    actor: kind,
    mode: 'change',
    run(state, how, ctx) {
      if (state === undefined) return { reply: false };
      // To who asks, a dead one is gone, swept or not.
      const reply = isAlive(state, ctx.now());
      // Until it is decided what becomes of its children, one that was revoked alone may still be felled with them; never the other way round.
      if (state.dying !== undefined && (state.dying !== 'self' || how === 'self')) return { reply };
      return { reply, next: { state: dead(state, how, ctx.now()) } };
    },
  };

  const expire: TokenActor['expire'] = {
    id: 'token/expire',
    actor: kind,
    mode: 'change',
    run(state, _params, ctx) {
      if (state === undefined || state.dying || !isExpired(state, ctx.now())) return { reply: state };
      const ended = expired(state);
      return { reply: ended, next: { state: ended } };
    },
  };

  /** What becomes of the children of one that was revoked alone: said once. Replies what was said first; undefined: it is not dying, or gone. */
  const decide: TokenActor['decide'] = {
    id: 'token/decide',
    actor: kind,
    mode: 'change',
    run(state, fate) {
      if (state?.dying !== 'self') return { reply: state?.dying };
      return { reply: fate, next: { state: { ...state, dying: fate } } };
    },
  };

  /** Makes a child an orphan, if it still has this parent. */
  const orphan: TokenOperation<string, void> = {
    id: 'token/orphan',
    actor: kind,
    mode: 'change',
    run(state, parent) {
      if (state?.parent !== parent) return { reply: undefined };
      return { reply: undefined, next: { state: { ...state, parent: undefined } } };
    },
  };

  /** The last step: nothing hangs on it any more. */
  const forget: TokenOperation<undefined, void> = {
    id: 'token/forget',
    actor: kind,
    mode: 'change',
    run(state) {
      if (!state?.dying) return { reply: undefined };
      const records = state.wraps ? [{ name: WRAPPED_REPLY, value: undefined }] : [];
      return { reply: undefined, next: { state: undefined, records } };
    },
  };

  /** As they are settled: what is decided by them stays so. */
  const settledReads = (cluster: Cluster): AncestorReads => {
    const options = { claims: OWN_CLAIMS };
    const settled = (accessor: string) => cluster.send(expire, tokenId(accessor), undefined, options);
    return {
      settled,
      async read(accessor) {
        const state = await settled(accessor);
        return { state, bears: bearsChildren(state, Number.NEGATIVE_INFINITY) };
      },
      fell: (accessor) => cluster.send(decide, tokenId(accessor), 'tree', options),
    };
  };

  /** Orphans, if all above it live: those that are dead already, by one of these, must not come back. */
  async function decided(cluster: Cluster, id: ActorId): Promise<TokenState['dying']> {
    const reads = settledReads(cluster);
    const state = await reads.settled(id.name);
    const bear = state !== undefined && (await ancestorsBear(id.name, state.parent, reads));
    return cluster.send(decide, id, bear ? 'orphaning' : 'tree', { claims: OWN_CLAIMS });
  }

  async function sweepOf(cluster: Cluster, first: TokenState, id: ActorId): Promise<void> {
    const options = { claims: OWN_CLAIMS };
    const dying = first.dying === 'self' ? await decided(cluster, id) : first.dying;
    if (dying === undefined) return;
    for (let before = ''; ; ) {
      const children = await cluster.index('parent', id.name, SWEEP_PAGE);
      if (children.length === 0) break;
      // Each child takes its own entry away; one that stays would keep us here for ever.
      if (children[0] === before) throw new CodedError('internal', 'a child token could not be swept');
      before = children[0]!;
      await Promise.all(
        children.map((child) =>
          dying === 'orphaning'
            ? cluster.send(orphan, tokenId(child), id.name, options)
            : cluster.send(revoke, tokenId(child), 'tree', options),
        ),
      );
    }
    await wipe(cluster, id.name, first);
    await cluster.send(forget, id, undefined, options);
  }

  async function sweep(cluster: Cluster, accessor: string): Promise<void> {
    const id = tokenId(accessor);
    const state = await cluster.send(read, id, undefined, { claims: OWN_CLAIMS });
    if (state?.dying) await sweepOf(cluster, state, id);
  }

  const sends = [read, readSettled, create, use, renew, revoke, expire, decide, orphan, forget];
  return { kind, read, readSettled, create, use, renew, revoke, expire, decide, sends, sweep };
}
