/**
 * Response wrapping: laying aside, looking, opening (contract §2.8). That the token wraps something was checked at the front door.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, wrappingTokenInvalid } from '../../model/errors.ts';
import type { JsonMap } from '../../model/json.ts';
import { parseJson } from '../../model/json-parser.ts';
import { JSON_DEPTH_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { AuthBlock, LogicalReply } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import type { WrappedReply } from '../../model/wrapping.ts';
import type { SystemCore } from './core.ts';

/** Of what a reply wraps around the data that was once sent. */
const ENVELOPE_DEPTH = 8;

const TOKEN = { token: p.string("The wrapping token; the caller's own where absent.", { absent: '' }) };

export function wrappingRoutes(core: SystemCore): Record<string, Route> {
  const look = operation({
    summary: 'Shows what a wrapping token was made for, without opening it.',
    params: TOKEN,
    async run({ token }, { request, namespace }) {
      const facts = await core.wrapping.look(token === '' ? (request.token ?? '') : token, namespace.id);
      if (!facts) throw wrappingTokenInvalid();
      const { creationPath, createdAtMs, ttl } = facts;
      return {
        data: { creation_path: creationPath, creation_time: rfc3339(createdAtMs), creation_ttl: ttl },
      };
    },
  });

  return {
    'wrapping/wrap': {
      update: operation({
        summary: 'Lays what is sent aside under a wrapping token.',
        params: {},
        wholeBody: true,
        run(_params, { request, sent }) {
          if (request.wrapTtlSeconds === undefined) {
            throw badRequest('endpoint requires response wrapping to be used');
          }
          return { data: sent };
        },
      }),
    },
    'wrapping/unwrap': {
      update: operation({
        summary: 'Opens what a wrapping token wraps. Works once.',
        params: TOKEN,
        async run({ token }, ctx) {
          const opened = await core.wrapping.take(token, authorityOf(ctx));
          if (!opened) throw wrappingTokenInvalid();
          return asItWas(opened);
        },
      }),
    },
    // Everybody may ask for it, as in Vault, and nothing is there.
    'wrapping/pubkey': { open: true },
    'wrapping/lookup': { open: true, read: look, update: look },
    'wrapping/rewrap': {
      update: operation({
        summary:
          'Lays what a wrapping token wraps under a new one, with the same TTL unless another is asked for.',
        params: TOKEN,
        async run({ token }, ctx) {
          const wrapInfo = await core.wrapping.rewrap(token, authorityOf(ctx));
          if (!wrapInfo) throw wrappingTokenInvalid();
          return { wrapInfo };
        },
      }),
    },
  };
}

function authorityOf({ claims, caller, request, namespace }: RouteContext) {
  return { namespace: namespace.id, claims, caller: caller!, request };
}

/** The reply to the byte; beside it what it says, for the audit log. */
function asItWas({ status, contentType, body }: WrappedReply): LogicalReply {
  const raw = { contentType, body };
  if (contentType !== 'application/json') return { status, raw };
  // It is our own text: only its members are to be had.
  const said = parseJson(body, { depthMax: JSON_DEPTH_MAX + ENVELOPE_DEPTH, valuesMax: Infinity }) as JsonMap;
  const auth = said.get('auth') instanceof Map ? JSON.parse(Buffer.from(body).toString()).auth : undefined;
  return {
    status,
    raw,
    data: (said.get('data') ?? undefined) as LogicalReply['data'],
    auth: auth as AuthBlock | undefined,
    leaseId: (said.get('lease_id') as string) || undefined,
    warnings: (said.get('warnings') as string[] | null) ?? undefined,
  };
}
