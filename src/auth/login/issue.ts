/**
 * The token that a login issues, whatever the method (contract §3.1, §4).
 *
 * @module
 */
import type { NewToken, TokenState } from '../../model/caller.ts';
import type { RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import { apiPath, issuerOf, type Mount } from '../../model/mount.ts';
import type { LogicalReply } from '../../model/request.ts';
import { isWithin } from '../token/cidrs.ts';
import { sanitizePolicies } from '../token/policy-names.ts';
import { authBlock } from '../token/token-data.ts';
import type { TokenFields } from '../token/token-fields.ts';
import type { Tokens } from '../token/tokens.ts';
import { type TtlTerms, ttlOf } from '../token/ttl.ts';

export interface LoginParts {
  readonly tokens: Tokens;
  /** Effective TTLs of a mount, seconds. */
  ttlsOf(mount: Mount): { defaultTtl: number; maxTtl: number };
}

export interface Login {
  readonly fields: TokenFields;
  /** Who logged in, as the method's own records call it. */
  readonly name: string;
  /** What of the display name follows the mount's. */
  readonly displayName: string;
  readonly meta: Record<string, string>;
  /** Relative to the mount, `login/bob`. */
  readonly path: string;
  /** The networks of the token bind only its uses: who logs in may be elsewhere. */
  readonly isBoundAtUse?: true;
}

/** @throws CodedError where the caller's address, or what the token would be, is refused. */
export async function issue(login: Login, parts: LoginParts, ctx: RouteContext): Promise<LogicalReply> {
  const { fields } = login;
  if (!login.isBoundAtUse && !isWithin(ctx.request.remoteAddress, fields.token_bound_cidrs))
    throw new CodedError('permission_denied');
  const type = typeOf(fields, ctx.mount);
  const isBatch = type === 'batch';
  if (isBatch && fields.token_num_uses > 0) throw badRequest('batch tokens cannot have "num_uses" set');
  const policies = policiesOf(fields);
  if (policies.includes('root')) throw badRequest('auth methods cannot create root tokens');
  if (policies.includes('response-wrapping')) throw badRequest('cannot assign policy "response-wrapping"');

  const terms = termsBy(fields, ctx.mount, parts);
  const { ttl, warnings } = ttlOf({ increment: 0, ...terms, startMs: 0, nowMs: 0 });
  const fresh: NewToken = {
    parent: undefined,
    policies,
    meta: login.meta,
    displayName: displayNameOf(ctx.mount, login.displayName),
    usesLeft: fields.token_num_uses === 0 ? undefined : fields.token_num_uses,
    numUses: fields.token_num_uses,
    type,
    path: `${apiPath(ctx.mount)}${login.path}`,
    ttl,
    explicitMaxTtl: isBatch ? 0 : terms.explicitMaxTtl,
    period: isBatch ? 0 : terms.period,
    renewable: !isBatch,
    noDefaultPolicy: fields.token_no_default_policy,
    issuer: { mount: issuerOf(ctx.mount), name: login.name },
  };
  if (fields.token_bound_cidrs.length > 0) fresh.boundCidrs = fields.token_bound_cidrs;
  const { token, accessor } = await parts.tokens.create(fresh, undefined, {
    namespace: ctx.namespace.id,
    claims: ctx.claims,
    request: ctx.request,
  });
  return { auth: authBlock(token, accessor, fresh, ttl), warnings };
}

/** Of the lists that roles and users have: nobody changes them, and each login wants them. */
const known = new WeakMap<readonly string[], { readonly isDefaultless: boolean; readonly names: string[] }>();

function policiesOf({ token_policies, token_no_default_policy: isDefaultless }: TokenFields): string[] {
  const found = known.get(token_policies);
  if (found?.isDefaultless === isDefaultless) return found.names;
  const names = sanitizePolicies(token_policies, !isDefaultless);
  known.set(token_policies, { isDefaultless, names });
  return names;
}

function displayNameOf({ path }: Mount, name: string): string {
  const ofMount = path.slice(0, -1).replaceAll('/', '-');
  return name === '' ? ofMount : `${ofMount}-${name}`;
}

/** What the mount is tuned to goes before the fields, or where they say nothing. */
function typeOf({ token_type }: TokenFields, { config }: Mount): TokenState['type'] {
  if (config.token_type === 'batch' || config.token_type === 'service') return config.token_type;
  if (token_type === 'default') return config.token_type === 'default-batch' ? 'batch' : 'service';
  return token_type === 'batch' || token_type === 'default-batch' ? 'batch' : 'service';
}

/** What bounds the life of tokens with these fields, at their making and at each renewal. */
export function termsBy(fields: TokenFields, mount: Mount, { ttlsOf }: Pick<LoginParts, 'ttlsOf'>): TtlTerms {
  const { defaultTtl, maxTtl } = ttlsOf(mount);
  return {
    ttl: fields.token_ttl,
    period: fields.token_period,
    explicitMaxTtl: fields.token_explicit_max_ttl,
    defaultTtl,
    maxTtl: fields.token_max_ttl > 0 ? Math.min(fields.token_max_ttl, maxTtl) : maxTtl,
  };
}

/** For a renewal: as `termsBy`, if the policies are those that the token has. */
export function renewalTerms(
  fields: TokenFields,
  state: TokenState,
  mount: Mount,
  parts: Pick<LoginParts, 'ttlsOf'>,
): TtlTerms {
  const policies = policiesOf(fields);
  if (policies.join() !== state.policies.join()) throw badRequest('policies have changed, not renewing');
  // An explicit end was promised to the token, and nothing changes it.
  return { ...termsBy(fields, mount, parts), explicitMaxTtl: state.explicitMaxTtl };
}
