/**
 * Tokens as the rest of the program sees them: who is this, is it still good (`standing.ts`), make one, end one.
 *
 * @module
 */
import assert from 'node:assert';
import { type Cluster, OWN_CLAIMS, type SendOptions } from '../../model/actor.ts';
import type { Caller, NewToken, TokenState } from '../../model/caller.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import { TOKEN_BYTES_MAX, TOKEN_DEPTH_MAX } from '../../model/limits.ts';
import { namespaceIdOf, ROOT_NAMESPACE } from '../../model/namespace.ts';
import { makeNamespaceTokens, type NamespaceTokens } from './namespace-tokens.ts';
import { type Goodness, type Grounds, makeStanding } from './standing.ts';
import { type Renewal, type Renewing, type TokenActor, tokenId } from './token-actor.ts';
import { makeTokenNames, type TokenNames, type TokenNamesOptions } from './token-names.ts';
import { begunAt } from './ttl.ts';

export interface TokensOptions extends Grounds, TokenNamesOptions {
  readonly actor: TokenActor;
  readonly cluster: Cluster;
  /** A use of a limited token is asked for. */
  using?(accessor: string, use: Promise<unknown>): void;
  /** How many there may be. Absent: any number. */
  readonly leases?: LeaseBounds;
  now(): number;
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

export interface Tokens extends Goodness, NamespaceTokens, Pick<TokenNames, 'accessorOf' | 'draw'> {
  /** Who `token` is, one use taken where uses are limited; undefined: not a good token. */
  authenticate(token: string, options?: { takeUse: boolean }): Promise<Caller | undefined>;
  /** The same, where that can be told in this turn and takes no use; undefined: only `authenticate` can tell. */
  authenticateNow(token: string): Caller | undefined;
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
  /** Forgets which token has which accessor; on seal. */
  clear(): void;
}

function callerOf(token: string, accessor: string, known: TokenState): Caller {
  const namespace = namespaceIdOf(accessor);
  // A caller goes from node to node with what is asked for it.
  const state = known.wraps?.reply === undefined ? known : { ...known, wraps: { path: known.wraps.path } };
  return { token, accessor, namespace, state, isRoot: state.policies.includes('root') };
}

const OWN: SendOptions = { claims: OWN_CLAIMS };

export function makeTokens(options: TokensOptions): Tokens {
  const { actor, cluster, now } = options;
  const names = makeTokenNames(options);
  const standing = makeStanding({ actor, cluster, grounds: options, now, batchState: names.batchState });
  const { isGood, isStillGood, chainOf, stateOf } = standing;

  /** @throws CodedError where a child of `parent` would have more ancestors than may be. */
  async function refuseDepth(parent: string): Promise<void> {
    let depth = 0;
    for (let at: string | undefined = parent; at !== undefined; ) {
      if (++depth > TOKEN_DEPTH_MAX) throw badRequest('too many generations of tokens');
      at = (standing.stateNow(at) ?? (await standing.read(at)))?.parent;
    }
  }

  /**
   * Nothing is stored, so that the authority is asked once more, when it is given out. It has no owner: it begins by this node's clock, and each
   * node judges its end by its own.
   */
  async function writeBatch(fresh: NewToken, creation: CreateOptions) {
    const { claims, namespace } = creation;
    const state = begunAt(fresh, now());
    if (!(await standing.parentLives(state)) || !claims.good()) throw new CodedError('stale_claims');
    if (!options.batch) throw badRequest('batch tokens are not supported here');
    await options.leases?.admit(state, '', creation);
    if (!claims.good()) throw new CodedError('stale_claims');
    return { token: options.batch.write(state, namespace), accessor: '' };
  }

  return {
    ...makeNamespaceTokens(actor, cluster),
    isGood,
    isStillGood,
    chainOf,
    stateOf,
    accessorOf: names.accessorOf,
    draw: names.draw,
    async authenticate(token, { takeUse } = { takeUse: true }) {
      if (token.length > TOKEN_BYTES_MAX) return undefined;
      const accessor = names.accessorOf(token);
      let state = await stateOf(accessor);
      if (state?.usesLeft !== undefined && takeUse) {
        const use = cluster.send(actor.use, tokenId(accessor), undefined, OWN);
        options.using?.(accessor, use);
        const used = await use;
        state = used && { ...state, ...used };
      }
      if (!state) {
        names.forget(token);
        return undefined;
      }
      names.remember(token, accessor);
      return callerOf(token, accessor, state);
    },
    authenticateNow(token) {
      // Of a service token met before. What is not certain in this turn is not for here to say.
      const accessor = names.known(token);
      const state = accessor === undefined ? undefined : standing.goodNow(accessor);
      return state && callerOf(token, accessor!, state);
    },
    async create(fresh, id, creation) {
      assert(id === undefined || creation.namespace === ROOT_NAMESPACE.id);
      if (fresh.type === 'batch') return writeBatch(fresh, creation);
      const { token, accessor } =
        id === undefined ? names.draw(creation.namespace) : { token: id, accessor: names.accessorOf(id) };
      const { parent } = fresh;
      if (parent !== undefined) await refuseDepth(parent);
      if (options.leases?.isOn()) await options.leases.admit(begunAt(fresh, now()), accessor, creation);
      await cluster.send(actor.create, tokenId(accessor), fresh, creation);
      // Revoked while this was written, its sweep may be past already: nobody else would ever end this child.
      if (parent !== undefined && !(await standing.mayBear(parent))) {
        await cluster.send(actor.revoke, tokenId(accessor), 'tree', OWN);
        throw new CodedError('stale_claims');
      }
      return { token, accessor };
    },
    async renew(accessor, asked, options) {
      const renewed = await cluster.send(actor.renew, tokenId(accessor), asked, options);
      const state = await standing.read(accessor);
      if (!state) throw badRequest('token not found');
      return { ...state, ...renewed };
    },
    async revoke(accessor, how, sending = OWN) {
      const { leases } = options;
      const state = leases?.isOn() ? await standing.read(accessor) : undefined;
      const lived = await cluster.send(actor.revoke, tokenId(accessor), how, sending);
      // Its sweep tells it too, but later.
      if (state) await leases!.ended(state, accessor);
      return lived;
    },
    sweep: (accessor) => actor.sweep(cluster, accessor),
    clear() {
      names.clear();
      standing.clear();
    },
  };
}
