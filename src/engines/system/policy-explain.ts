/**
 * Why policies let a request pass or not: which rule decides, and what would be needed. Ours, not Vault's: `coffer policy explain` asks for it.
 *
 * Every token may ask about itself, whatever its policies say: who was refused is who has to ask, and `sys/internal/ui/resultant-acl` tells as much.
 * It is told of its own rules and of no other; whether anything is mounted at a path, only where it may pass. About others asks who has sudo.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, denied } from '../../model/errors.ts';
import type { AccessExplained, Explanation, RuleShown } from '../../model/explanation.ts';
import type { Encodable } from '../../model/json.ts';
import { PATH_CHARS_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply, Verb } from '../../model/request.ts';
import { aclOfAnother, aclOfToken } from './capabilities.ts';
import type { Acl, SystemCore } from './core.ts';
import { policyFor, sentenceFor } from './policy-explain-text.ts';

const ASKED = {
  method: p.string('Of the request: GET, LIST, POST, PUT, PATCH, DELETE or HEAD.', { absent: '' }),
  path: p.string('Of the request, after /v1/.', { absent: '' }),
  parameters: p.object('Fields that the request would have, where rules look at them.', {
    absent: new Map(),
  }),
  wrap_ttl: p.duration('TTL of the wrapping that the request would ask for; 0: none.', { absent: 0 }),
};
type Asked = p.Decoded<typeof ASKED>;

const VERBS: Readonly<Record<string, Verb>> = {
  GET: 'read',
  HEAD: 'header',
  LIST: 'list',
  POST: 'update',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export function policyExplainRoutes({ access }: SystemCore): Record<string, Route> {
  return {
    'internal/policy-explain': {
      sudo: true,
      update: operation({
        summary: 'Why would a request of a token be let pass, or not?',
        params: {
          token: p.string('The token asked about.', { absent: '' }),
          accessor: p.string('Accessor of the token asked about.', { absent: '' }),
          ...ASKED,
        },
        async run({ token, accessor, ...asked }, ctx) {
          if ((token === '') === (accessor === ''))
            throw badRequest('one of token and accessor must be given');
          const acl = await (token === ''
            ? aclOfAnother(access, accessor, ctx)
            : aclOfToken(access, token, ctx));
          if (!acl) throw badRequest(token === '' ? 'invalid accessor' : 'invalid token');
          return explained(acl, asked, ctx);
        },
      }),
    },
    'internal/policy-explain-self': {
      open: 'token welcome',
      update: operation({
        summary: 'Why would a request of the calling token be let pass, or not?',
        params: ASKED,
        run(asked, ctx) {
          if (!ctx.caller) throw denied();
          return explained(access.aclOf(ctx.caller, ctx.namespace), asked, ctx);
        },
      }),
    },
  };
}

function explained(acl: Acl, { method, path, parameters, wrap_ttl }: Asked, ctx: RouteContext): LogicalReply {
  const verb = Object.hasOwn(VERBS, method.toUpperCase()) ? VERBS[method.toUpperCase()] : undefined;
  if (!verb) throw badRequest('method must be one of GET, LIST, POST, PUT, PATCH, DELETE, HEAD');
  const found = acl.explain({
    path: pathOf(path, verb),
    verb,
    fields: parameters,
    wrapTtlSeconds: wrap_ttl > 0 ? wrap_ttl : undefined,
  });
  return { data: shown(found, method.toUpperCase(), ctx) };
}

/** As a request would have it. @throws CodedError `bad_request` for one that none could have. */
function pathOf(sent: string, verb: Verb): string {
  const path = sent.replace(/^\/+/, '').replace(/^v1\//, '');
  const isPath = path !== '' && path.length <= PATH_CHARS_MAX && !/\p{Cc}/u.test(path);
  if (!isPath || /(?:^|\/)\.{0,2}(?:\/|$)/.test(path.replace(/\/$/, '')))
    throw badRequest('path is not one of a request');
  return verb === 'list' && !path.endsWith('/') ? `${path}/` : path;
}

function shown(found: AccessExplained, method: string, ctx: RouteContext): { [key: string]: Encodable } {
  const { explanation, isOpen, isServed, namespace, path } = found;
  const allowed = isOpen || explanation?.allowed === true;
  const policy = isOpen ? undefined : explanation && policyFor(explanation);
  return {
    allowed,
    because: sentenceFor(found),
    method,
    path,
    namespace: namespace ?? '',
    asked_in: ctx.namespace.path,
    reason: isOpen ? 'open' : (explanation?.reason ?? 'foreign namespace'),
    served: allowed ? isServed : undefined,
    ...(explanation && !isOpen ? details(explanation) : {}),
    needed_policy: policy,
  };
}

function details({
  wanted,
  wantsSudo,
  granting,
  rule,
  passedOver,
  faults,
  wrapping,
  dropped,
  needed,
}: Explanation): {
  [key: string]: Encodable;
} {
  const { min, max } = wrapping;
  return {
    wanted_capabilities: wanted,
    wanted_sudo: wantsSudo,
    granting_policies: granting,
    rule: rule ? shownRule(rule) : null,
    passed_over: passedOver.map(shownRule),
    parameter_faults: faults.map(({ name, reason }) => ({ name, reason })),
    min_wrapping_ttl: min > 0 ? min : undefined,
    max_wrapping_ttl: max > 0 ? max : undefined,
    dropped_rules: dropped.map(({ policy, path, reason }) => ({ policy, path, reason })),
    needed: needed && { path: needed.path, capabilities: needed.capabilities },
  };
}

function shownRule({ path, capabilities, blocks }: RuleShown): Encodable {
  return {
    path,
    capabilities,
    blocks: blocks.map((block) => ({
      policy: block.policy,
      path: block.path,
      capabilities: block.capabilities,
    })),
  };
}
