/**
 * Leases: looked up, listed, ended (contract §2.7). Those there are so far are of tokens.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError, denied } from '../../model/errors.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import type { LeaseControl, SystemCore } from './core.ts';

const LEASE_ID = p.string('The lease.', { absent: '' });
/** As the operations take it: the first that is given. */
const LEASE = ['lease_id', 'url_lease_id'];
const SYNC = p.bool('Answer only once it is done: it always is.', { absent: true });

export function leaseRoutes({ leases }: SystemCore): Record<string, Route> {
  const lookup = operation({
    summary: 'Shows a lease.',
    params: { lease_id: LEASE_ID },
    run: ({ lease_id }, ctx) => lookUp(leases, given(lease_id), ctx),
  });
  const list = operation({
    summary: 'Lists the leases below a path.',
    params: {},
    run: async (_params, ctx) => ({ data: { keys: await listed(leases, ctx) } }),
  });
  const renew = operation({
    summary: 'Renews a lease. Tokens are renewed where they are made.',
    params: {
      lease_id: LEASE_ID,
      url_lease_id: p.string('The lease.', { absent: '' }),
      increment: p.duration('For how long to ask.', { absent: 0 }),
    },
    run: async ({ lease_id, url_lease_id }, ctx) => {
      const lease = await leases.find(given(lease_id || url_lease_id), ctx.namespace.id);
      if (!lease) throw badRequest('lease not found');
      if (!lease.renewable) throw badRequest('lease is not renewable');
      throw badRequest('tokens cannot be renewed through this endpoint');
    },
  });
  const revoke = operation({
    summary: 'Ends a lease, and with it what it is of.',
    params: { lease_id: LEASE_ID, url_lease_id: p.string('The lease.', { absent: '' }), sync: SYNC },
    run: async ({ lease_id, url_lease_id, sync }, ctx) => {
      await leases.revoke(given(lease_id || url_lease_id), ctx.namespace.id, ctx);
      return done(sync);
    },
  });
  const revokeBelow = (summary: string) =>
    operation({
      summary,
      params: { sync: SYNC },
      run: async ({ sync }, ctx) => {
        await leases.revokeBelow(prefixOf(ctx), ctx.namespace.id, ctx);
        return done(sync);
      },
    });
  const revokePrefix: Route = { sudo: true, update: revokeBelow('Ends all leases below a path.') };
  const revokeForce: Route = {
    sudo: true,
    update: revokeBelow('Ends all leases below a path, whatever what they are of says to it.'),
  };
  return {
    leases: {
      sudo: true,
      read: operation({
        summary: 'Lists the leases that could not be ended: none.',
        params: { type: TYPE, include_child_namespaces: CHILDREN, limit: LIMIT },
        run: ({ type, limit }) => irrevocable(type, limit, { leases: [] }),
      }),
    },
    'leases/count': {
      read: operation({
        summary: 'Counts the leases that could not be ended: none.',
        params: { type: TYPE, include_child_namespaces: CHILDREN },
        run: ({ type }) => irrevocable(type, '', { counts: {} }),
      }),
    },
    'leases/lookup': {
      homeOf: ['lease_id'],
      update: lookup,
      list: operation({
        summary: 'Lists the leases.',
        params: {},
        run: async (_params, ctx) => {
          if (!ctx.isSudo()) throw denied();
          return { data: { keys: await listed(leases, ctx) } };
        },
      }),
    },
    'leases/lookup/:prefix*': { sudo: true, list },
    'leases/renew': { homeOf: LEASE, update: renew },
    'leases/renew/:url_lease_id*': { homeOf: LEASE, update: renew },
    'leases/revoke': { homeOf: LEASE, update: revoke },
    'leases/revoke/:url_lease_id*': { homeOf: LEASE, update: revoke },
    'leases/revoke-prefix/:prefix+': revokePrefix,
    'leases/revoke-force/:prefix+': revokeForce,
    'leases/tidy': {
      update: operation({
        summary: 'Puts leases in order. There is nothing to do: a lease is a record of what it is of.',
        params: {},
        run: () => ({
          status: 202,
          warnings: ['A lease is a record of what it is of and ends with it: there was nothing to tidy.'],
        }),
      }),
    },
    renew: { homeOf: LEASE, update: renew },
    'renew/:url_lease_id*': { homeOf: LEASE, update: renew },
    revoke: { homeOf: LEASE, update: revoke },
    'revoke/:url_lease_id*': { homeOf: LEASE, update: revoke },
    'revoke-prefix/:prefix+': revokePrefix,
    'revoke-force/:prefix+': revokeForce,
  };
}

const TYPE = p.string('Kind of leases: irrevocable.', { absent: '' });
const CHILDREN = p.bool('Count those of namespaces below this one too.', { absent: false });
const LIMIT = p.string('How many to show at most, or "none".', { absent: '' });

function irrevocable(
  type: string,
  limit: string,
  more: { leases: [] } | { counts: Record<string, number> },
): LogicalReply {
  if (type !== 'irrevocable') throw new CodedError('not_found', []);
  if (!/^(?:none|\d{0,9})$/.test(limit))
    throw badRequest('invalid \'limit\' provided: expected a number or "none"');
  return { data: { lease_count: 0, ...more } };
}

function given(id: string): string {
  if (id === '') throw badRequest('lease_id must be specified');
  return id;
}

async function lookUp(leases: LeaseControl, id: string, ctx: RouteContext): Promise<LogicalReply> {
  const lease = await leases.find(id, ctx.namespace.id);
  if (!lease) throw badRequest('invalid lease');
  const { issuedAtMs, expiresAtMs, renewedAtMs, renewable } = lease;
  return {
    data: {
      id,
      path: id.slice(0, id.lastIndexOf('/')),
      ...(ctx.namespace.path !== '' && { namespace_path: ctx.namespace.path }),
      issue_time: rfc3339(issuedAtMs),
      expire_time: rfc3339(expiresAtMs),
      last_renewal: renewedAtMs === undefined ? null : rfc3339(renewedAtMs),
      renewable,
      ttl: Math.max(0, Math.floor((expiresAtMs - ctx.now()) / 1_000)),
    },
  };
}

/** One level, as lists of paths are. */
async function listed(leases: LeaseControl, ctx: RouteContext): Promise<string[]> {
  const below = await leases.below(prefixOf(ctx), ctx.namespace.id);
  return [...new Set(below.map((rest) => /^[^/]+\/?/.exec(rest)?.[0] ?? rest))].sort();
}

function prefixOf({ captures }: RouteContext): string {
  const prefix = captures.prefix ?? '';
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

/** What Vault does later is done already; who asked not to wait is answered as there. */
function done(sync: boolean): LogicalReply {
  return sync ? {} : { status: 202 };
}
