/**
 * Lease-count quotas (contract §2.10; Vault has them in Enterprise). Obeyed by `pipeline/lease-counts.ts`.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { QUOTA_LEASES_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import { type Anchored, LEASE_COUNT, type LeaseCount } from '../../model/quotas.ts';
import type { SystemCore } from './core.ts';
import { SCOPE_PARAMS, scopeOf } from './quota-scope.ts';

export function leaseCountRoutes(core: SystemCore): Record<string, Route> {
  const { settings } = core;
  const quotaOf = async (name: string) =>
    (await core.quotas(LEASE_COUNT)).get(name) as LeaseCount | undefined;
  return {
    'quotas/lease-count': {
      list: operation({
        summary: 'Lists the lease-count quotas.',
        params: {},
        run: async () => ({ data: { keys: [...(await core.quotas(LEASE_COUNT)).keys()] } }),
      }),
    },
    'quotas/lease-count/:name': {
      read: operation({
        summary: 'Shows a lease-count quota, and how many leases it holds.',
        params: {},
        run: async (_params, { captures }) => {
          const name = captures.name!;
          const quota = await quotaOf(name);
          const counter = await core.countLeases(name);
          return quota ? { data: { name, type: 'lease-count', ...quota, counter: counter ?? 0 } } : {};
        },
      }),
      update: operation({
        summary: 'Makes or changes a lease-count quota.',
        params: {
          ...SCOPE_PARAMS,
          max_leases: p.int('How many leases there may be.'),
          type: p.string('Of the quota: lease-count.', { absent: 'lease-count' }),
        },
        run: async (params, { captures, claims }) => {
          const name = captures.name!;
          if (params.type !== 'lease-count') throw badRequest('type: expected "lease-count"');
          const max_leases = params.max_leases ?? (await quotaOf(name))?.max_leases ?? 0;
          if (!(max_leases >= 1 && max_leases <= QUOTA_LEASES_MAX))
            throw badRequest("'max_leases' is invalid");
          const scope = await scopeOf(core, { prefix: LEASE_COUNT, name, given: params });
          const quota: Anchored<LeaseCount> = { ...scope, max_leases };
          await settings.put(LEASE_COUNT + name, quota, claims);
          return {};
        },
      }),
      delete: operation({
        summary: 'Removes a lease-count quota.',
        params: {},
        run: async (_params, { captures, claims }) => {
          await settings.remove(LEASE_COUNT + captures.name!, claims);
          return {};
        },
      }),
    },
  };
}
