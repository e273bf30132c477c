/**
 * The walk's step that says who asks, and whether they may.
 *
 * @module
 */
import { isWithin } from '../auth/token/cidrs.ts';
import type { Caller } from '../model/caller.ts';
import { CodedError, denied, invalidToken } from '../model/errors.ts';
import { namespaceIdOfToken, ROOT_NAMESPACE } from '../model/namespace.ts';
import type { Authority } from './authority.ts';
import type { LimitedUses } from './limited-uses.ts';
import { questionOf } from './question.ts';
import type { Resolver } from './resolve.ts';
import { fieldsOf, type Walk } from './walk.ts';

export interface AuthorizeParts {
  readonly authority: Pick<Authority, 'authenticate' | 'authenticateNow' | 'isStillGood' | 'decide'>;
  readonly resolver: Pick<Resolver, 'prefixFrom' | 'below'>;
  readonly uses: Pick<LimitedUses, 'begin'>;
  /** The token to look at. */
  tokenOf(walk: Walk): string | undefined;
}

/** Who took a use of a limited token for this request: it is taken once, however often authority has to be established anew. */
export interface Taken {
  caller?: Caller;
}

/**
 * The refusal is returned, since it is audited before it is answered; in this turn where that can be.
 * @param tokenOptional - a token is only welcome: none keeps anybody out, and its policies are not asked.
 */
export type Authorize = (
  state: Walk,
  taken: Taken,
  tokenOptional: boolean,
) => Promise<CodedError | undefined> | CodedError | undefined;

export function makeAuthorize({ authority, resolver, uses, tokenOf }: AuthorizeParts): Authorize {
  /** Who asks? */
  function identify(state: Walk, taken: Taken): Promise<CodedError | undefined> | CodedError | undefined {
    const token = tokenOf(state);
    if (token === undefined || token === '') return new CodedError('permission_denied');
    // Elsewhere than in its namespace and below it a token is nobody's: not even a use of it is taken.
    const home = namespaceIdOfToken(token);
    const prefix = resolver.prefixFrom(home, state.resolved.namespace ?? ROOT_NAMESPACE);
    // Of a namespace that is not there it is no token at all.
    if (prefix === undefined) return resolver.below(ROOT_NAMESPACE, home) ? denied() : invalidToken();
    const known = taken.caller ? undefined : authority.authenticateNow(token);
    if (known) return recognize(state, known, prefix);
    return authenticate(token, taken).then((caller) =>
      caller ? recognize(state, caller, prefix) : invalidToken(),
    );
  }

  /** Who asks, where that needs the token's owner or takes a use. */
  async function authenticate(token: string, taken: Taken): Promise<Caller | undefined> {
    if (taken.caller) return (await authority.isStillGood(taken.caller)) ? taken.caller : undefined;
    const caller = await authority.authenticate(token);
    if (caller?.state.usesLeft !== undefined) {
      taken.caller = caller;
      uses.begin(caller);
    }
    return caller;
  }

  function recognize(state: Walk, caller: Caller, prefix: string): CodedError | undefined {
    const { request } = state;
    if (!isWithin(request.remoteAddress, caller.state.boundCidrs)) return new CodedError('permission_denied');
    state.caller = caller;
    request.askedBy = caller;
    state.prefix = prefix;
    return undefined;
  }

  /** May they? Of who is identified. */
  function decide(state: Walk): CodedError | undefined {
    const { request, resolved, prefix, operation } = state;
    state.question = questionOf({
      resolved,
      prefix,
      verb: request.verb,
      operation,
      fields: fieldsOf(request),
      wrapTtlSeconds: request.wrapTtlSeconds,
    });
    state.decision = authority.decide(state.caller!, state.question);
    return state.decision.allowed ? undefined : denied();
  }

  return (state, taken, tokenOptional) => {
    const decided = (refusal: CodedError | undefined) =>
      tokenOptional ? undefined : (refusal ?? decide(state));
    const identified = identify(state, taken);
    return identified instanceof Promise ? identified.then(decided) : decided(identified);
  };
}
