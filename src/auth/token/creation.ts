/**
 * How a token is made that somebody asks for: what it may be, by the caller's own token and by the role (contract §3.1).
 *
 * @module
 */

import type { NewToken, TokenState } from '../../model/caller.ts';
import type { RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { TOKEN_BYTES_MAX, TOKEN_RECORD_BYTES_MAX } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import { type Namespace, ROOT_NAMESPACE } from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { isSubset, sanitizePolicies } from './policy-names.ts';
import { policiesByRole, rulesPolicies } from './role-policies.ts';
import type { TokenRole } from './roles.ts';
import { authBlock } from './token-data.ts';
import type { Tokens } from './tokens.ts';
import { leastOf, ttlOf } from './ttl.ts';

export interface CreationOptions {
  readonly tokens: Tokens;
  /** Effective TTLs of a mount, seconds. */
  ttlsOf(mount: Mount): { defaultTtl: number; maxTtl: number };
  policyExists(namespaceId: string, name: string): boolean;
}

export const CREATE_PARAMS = {
  id: p.string('The token itself; needs sudo.', { absent: '' }),
  display_name: p.string('A name for the token; shown as token-NAME.', { absent: '' }),
  policies: p.strings('Policies of the token; those of the caller where none are given.', { absent: [] }),
  meta: p.kvPairs('Metadata that goes into the audit log.'),
  no_parent: p.bool('Makes an orphan; needs sudo.', { absent: false }),
  no_default_policy: p.bool('Leaves out the policy "default".', { absent: false }),
  renewable: p.bool('May the token be renewed?', { absent: true }),
  ttl: p.signedDuration('How long it lives.'),
  lease: p.signedDuration('Older name of ttl.'),
  explicit_max_ttl: p.signedDuration('Longest life, whatever the renewals.'),
  period: p.signedDuration('Each renewal gives this TTL, without end; needs sudo.'),
  num_uses: p.int('How often it may be used; 0: not limited.', { absent: 0 }),
  type: p.string('"service" or "batch".', { absent: '' }),
  entity_alias: p.string('Only with a role.', { absent: '' }),
};

export type CreateToken = (
  params: p.Decoded<typeof CREATE_PARAMS>,
  ctx: RouteContext,
  orphan: boolean,
  role?: TokenRole,
) => Promise<LogicalReply>;

export function makeCreation(options: CreationOptions): CreateToken {
  const { tokens } = options;

  return async function createToken(
    params: p.Decoded<typeof CREATE_PARAMS>,
    ctx: RouteContext,
    orphan: boolean,
    role?: TokenRole,
  ): Promise<LogicalReply> {
    const caller = ctx.caller!;
    const parent = caller.state;
    const isSudo = ctx.isSudo();
    if (parent.type === 'batch') throw badRequest('batch tokens cannot create more tokens');
    if (parent.numUses > 0) throw badRequest('restricted use token cannot generate child tokens');
    const type = typeAsked(params.type, role);
    const isBatch = type === 'batch';
    if (isBatch) refuseOfBatch(params, role);
    if (params.num_uses < 0) throw badRequest('number of uses cannot be negative');
    if (params.entity_alias !== '')
      throw badRequest(
        role
          ? 'entity aliases are not supported yet'
          : "'entity_alias' is only allowed in combination with token role",
      );
    checkId(params.id, isSudo, ctx.namespace);

    const isOfAbove = caller.namespace !== ctx.namespace.id;
    if (isOfAbove && !isSudo)
      throw badRequest('root or sudo privileges required to directly generate a token in a child namespace');
    const policies = policiesOf(params, parent, isSudo, role, isOfAbove);
    if (isBatch && policies.includes('root')) throw badRequest('batch tokens cannot be root tokens');
    if (!role && params.no_parent && !isSudo)
      throw badRequest('root or sudo privileges required to create orphan token');
    const askedPeriod = notNegative(params.period, 'period');
    if (askedPeriod > 0 && !isSudo)
      throw badRequest('root or sudo privileges required to create periodic token');
    const asked = notNegative(params.ttl, 'ttl') || notNegative(params.lease, 'lease');

    const lesser: string[] = [];
    const explicitMaxTtl = lesserOf(
      notNegative(params.explicit_max_ttl, 'explicit_max_ttl'),
      role?.token_explicit_max_ttl ?? 0,
      'Explicit max TTL',
      lesser,
    );
    // A role that makes both kinds says of batch tokens only how long they live at most.
    const period = isBatch ? 0 : lesserOf(askedPeriod, role?.token_period ?? 0, 'Period', lesser);
    const usesOfRole = role?.token_num_uses ?? 0;
    const numUses = usesOfRole > 0 ? Math.min(params.num_uses || usesOfRole, usesOfRole) : params.num_uses;
    const boundCidrs = role?.token_bound_cidrs.length ? role.token_bound_cidrs : parent.boundCidrs;

    let warnings: string[] = [];
    let ttl = asked;
    if (period > 0 || asked > 0 || !policies.includes('root')) {
      ({ ttl, warnings } = ttlOf({
        increment: 0,
        ttl: asked,
        period,
        explicitMaxTtl,
        ...options.ttlsOf(ctx.mount),
        startMs: 0,
        nowMs: 0,
      }));
    }
    if (ttl === 0 && explicitMaxTtl > 0) ttl = explicitMaxTtl;
    if (ttl === 0 && parent.ttl !== 0) {
      throw badRequest('expiring root tokens cannot create non-expiring root tokens');
    }
    warnings = [...lesser, ...warnings];
    for (const name of policies) {
      if (!options.policyExists(ctx.namespace.id, name))
        warnings.push(`Policy ${JSON.stringify(name)} does not exist`);
    }

    const fresh: NewToken = {
      parent: orphan || (!role && params.no_parent) ? undefined : caller.accessor,
      policies,
      meta: params.meta === undefined ? null : Object.fromEntries(params.meta),
      displayName: displayName(params.display_name),
      usesLeft: numUses === 0 ? undefined : numUses,
      numUses,
      type,
      path: role?.path_suffix ? `${ctx.path}/${role.path_suffix}` : ctx.path,
      ttl,
      explicitMaxTtl: isBatch ? 0 : explicitMaxTtl,
      period,
      renewable: !isBatch && ttl !== 0 && params.renewable && role?.renewable !== false,
      noDefaultPolicy: params.no_default_policy || role?.token_no_default_policy === true,
    };
    if (role) fresh.role = ctx.captures.role_name!;
    if (boundCidrs) fresh.boundCidrs = boundCidrs;
    if (Buffer.byteLength(JSON.stringify(fresh)) > TOKEN_RECORD_BYTES_MAX) {
      throw badRequest(`the settings of a token must not exceed ${TOKEN_RECORD_BYTES_MAX} bytes`);
    }
    const made = await tokens.create(fresh, params.id === '' ? undefined : params.id, {
      namespace: ctx.namespace.id,
      claims: ctx.claims,
      caller,
      request: ctx.request,
    });
    return { auth: authBlock(made.token, made.accessor, fresh, ttl), warnings };
  };
}

/** @throws CodedError for what is none. */
function typeAsked(asked: string, role: TokenRole | undefined): TokenState['type'] {
  const ofRole = role?.token_type;
  if (ofRole === 'service' || ofRole === 'batch') return ofRole;
  if (asked === '') return ofRole === 'default-batch' ? 'batch' : 'service';
  if (asked !== 'service' && asked !== 'batch') throw badRequest("invalid 'token_type' value");
  return asked;
}

/** @throws CodedError for what a batch token cannot have. */
function refuseOfBatch(params: p.Decoded<typeof CREATE_PARAMS>, role: TokenRole | undefined): void {
  const asked = {
    explicit_max_ttl: params.explicit_max_ttl,
    num_uses: params.num_uses || role?.token_num_uses,
    period: params.period,
    id: params.id,
  };
  for (const [name, value] of Object.entries(asked))
    if (value) throw badRequest(`batch tokens cannot have "${name}" set`);
}

/** As `leastOf`, and says so. */
function lesserOf(asked: number, ofRole: number, what: string, warnings: string[]): number {
  const least = leastOf(asked, ofRole);
  if (asked > 0 && ofRole > 0)
    warnings.push(
      `${what} specified both during creation call and in role; using the lesser value of ${least} seconds`,
    );
  return least;
}

function checkId(id: string, isSudo: boolean, namespace: Namespace): void {
  if (id === '') return;
  if (!isSudo) throw badRequest('root or sudo privileges required to specify token id');
  if (namespace !== ROOT_NAMESPACE)
    throw badRequest('token IDs can only be manually specified in the root namespace');
  if (id.length > TOKEN_BYTES_MAX) throw badRequest(`a token must not be longer than ${TOKEN_BYTES_MAX}`);
  if (id.includes('.')) throw badRequest("custom token ID cannot have a '.' in the value");
}

function notNegative(seconds: number | undefined, name: string): number {
  if (seconds !== undefined && seconds < 0) throw badRequest(`${name} must be positive`);
  return seconds ?? 0;
}

function displayName(asked: string): string {
  return asked === '' ? 'token' : `token-${asked}`.replace(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '');
}

/**
 * Which policies the new token gets.
 * @param isOfAbove - the caller is of a namespace above: its own policies are not those of here, so they neither bound nor are given.
 * @throws CodedError where the caller may not give them.
 */
function policiesOf(
  params: { policies: string[]; no_default_policy: boolean },
  parent: TokenState,
  isSudo: boolean,
  role: TokenRole | undefined,
  isOfAbove: boolean,
): string[] {
  const asked = sanitizePolicies(params.policies, false);
  let policies: string[];
  // Only a list that is not there, or empty, stands for the parent's: names that come to nothing must not.
  const noDefault = params.no_default_policy || role?.token_no_default_policy === true;
  if (role && rulesPolicies(role)) {
    const ofCaller = isOfAbove ? [] : parent.policies;
    policies = policiesByRole(role, params.policies, ofCaller, params.no_default_policy);
  } else if (isOfAbove) {
    policies = sanitizePolicies(asked, !noDefault);
  } else if (params.policies.length === 0) {
    policies = sanitizePolicies(parent.policies, false);
  } else if (isSudo) {
    policies = sanitizePolicies(asked, !noDefault);
  } else {
    if (!isSubset(asked, parent.policies)) throw badRequest('child policies must be subset of parent');
    policies = sanitizePolicies(asked, !noDefault && parent.policies.includes('default'));
  }
  if (noDefault && !(role && rulesPolicies(role))) policies = policies.filter((name) => name !== 'default');
  if (policies.includes('response-wrapping')) throw badRequest('cannot assign policy "response-wrapping"');
  // However it was spelled, and also where a role gives it.
  if (isOfAbove && policies.includes('root'))
    throw badRequest('root tokens may not be created from a parent namespace');
  if (policies.includes('root') && !parent.policies.includes('root')) {
    throw badRequest('root tokens may not be created without parent token being root');
  }
  return policies;
}
