/**
 * What is sent to tokens that wrap a reply. The reply lies in the token's record, or, where it is long, in another one beside it; opening it takes
 * it away and ends the token, in one commit (protocol §11).
 *
 * @module
 */
import type { ActorKind, ActorOperation, AnyActorOperation } from '../../model/actor.ts';
import { RecordGone } from '../../model/actor.ts';
import type { NewToken, TokenState } from '../../model/caller.ts';
import { badRequest } from '../../model/errors.ts';
import { WRAPPED_INLINE_BYTES_MAX } from '../../model/limits.ts';
import { isAlive } from './liveness.ts';
import { dead, WRAPPED_REPLY } from './token-actor.ts';
import { begunAt } from './ttl.ts';

type State = TokenState | undefined;
type TokenOperation<P, R> = ActorOperation<State, P, R>;

export interface WrappingOperations {
  /** Makes the token, and lays the reply, a character for each byte, into it or beside it. Replies when it began, ms. @throws CodedError where the token exists. */
  readonly wrap: TokenOperation<{ readonly token: NewToken; readonly reply: string }, number>;
  /** The reply; undefined: it is no token that wraps one, or it is dead. Whoever reads it must not show it before `unwrap` or a use says so. */
  readonly read: TokenOperation<undefined, Uint8Array | undefined>;
  /**
   * Ends the token and takes its reply away. True: nobody else has had that reply, nor ever will. Short, so that it is told once more
   * to who did not hear it: the reply itself was read before.
   */
  readonly unwrap: TokenOperation<undefined, boolean>;
  readonly sends: readonly AnyActorOperation[];
}

export function makeWrappingOperations(actor: ActorKind<State>): WrappingOperations {
  const wrap: WrappingOperations['wrap'] = {
    id: 'token/wrap',
    actor,
    mode: 'change',
    creates: true,
    // Who opens it comes once, mostly later and by another way; until then it would keep the reply in memory.
    leaves: true,
    run(state, fresh, ctx) {
      if (state !== undefined) throw badRequest('cannot create a token with a duplicate ID');
      const nowMs = ctx.now();
      const begun = begunAt(fresh.token, nowMs);
      const { wraps } = begun;
      if (wraps && fresh.reply.length <= WRAPPED_INLINE_BYTES_MAX) {
        return { reply: nowMs, next: { state: { ...begun, wraps: { ...wraps, reply: fresh.reply } } } };
      }
      const records = [{ name: WRAPPED_REPLY, value: Buffer.from(fresh.reply, 'latin1') }];
      return { reply: nowMs, next: { state: begun, records } };
    },
  };

  const read: WrappingOperations['read'] = {
    id: 'token/wrapped',
    actor,
    mode: 'read',
    async run(state, _params, ctx) {
      if (!isAlive(state, ctx.now()) || !state.wraps) return { reply: undefined };
      if (state.wraps.reply !== undefined) return { reply: Buffer.from(state.wraps.reply, 'latin1') };
      const reply = await ctx.record(WRAPPED_REPLY);
      if (!reply) throw new RecordGone(WRAPPED_REPLY);
      return { reply };
    },
  };

  const unwrap: WrappingOperations['unwrap'] = {
    id: 'token/unwrap',
    actor,
    mode: 'change',
    isUse: true,
    run(state, _params, ctx) {
      if (!state?.wraps || state.dying) return { reply: false };
      // Its only use was taken: that request has the reply.
      if (state.usesLeft === 0) return { reply: false };
      const records = state.wraps.reply === undefined ? [{ name: WRAPPED_REPLY, value: undefined }] : [];
      const ended = dead(state, 'tree', ctx.now());
      return { reply: isAlive(state, ctx.now()), next: { state: ended, records } };
    },
  };

  return { wrap, read, unwrap, sends: [wrap, read, unwrap] };
}
