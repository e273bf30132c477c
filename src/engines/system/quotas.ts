/**
 * Rate-limit quotas (contract §2.10). Obeyed by `pipeline/quotas.ts`.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import * as p from '../../model/params.ts';
import {
  type Anchored,
  QUOTA_CONFIG,
  type QuotaConfig,
  RATE_LIMIT,
  type RateLimit,
  USUAL_QUOTA_CONFIG,
} from '../../model/quotas.ts';
import type { SystemCore } from './core.ts';
import { SCOPE_PARAMS, scopeOf } from './quota-scope.ts';

/** Vault's longest and ours: a day. */
const INTERVAL_MAX_S = 86_400;
const RATE_MAX = 1e9;
/** Of what tells one writing of a quota from the next. */
const MADE_BYTES = 8;

export function quotaRoutes(core: SystemCore): Record<string, Route> {
  const { settings } = core;
  return {
    'quotas/config': {
      read: operation({
        summary: 'Shows how quotas are applied.',
        params: {},
        run: async () => ({ data: { ...(await configOf(core)) } }),
      }),
      update: operation({
        summary: 'Changes how quotas are applied.',
        params: {
          enable_rate_limit_audit_logging: p.bool(
            'Are requests that were refused told to the audit devices?',
          ),
          enable_rate_limit_response_headers: p.bool('Are clients told what is left to them?'),
          rate_limit_exempt_paths: p.commaStrings('Paths that no quota holds, in each namespace.'),
          absolute_rate_limit_exempt_paths: p.commaStrings('The same, from the root namespace.'),
        },
        run: async (params, { claims }) => {
          const given = Object.entries(params).filter(([, value]) => value !== undefined);
          const config = { ...(await configOf(core)), ...Object.fromEntries(given) };
          await settings.put(QUOTA_CONFIG, config, claims);
          return {};
        },
      }),
    },
    'quotas/rate-limit': {
      list: operation({
        summary: 'Lists the rate-limit quotas.',
        params: {},
        run: async () => ({ data: { keys: [...(await core.quotas(RATE_LIMIT)).keys()] } }),
      }),
    },
    'quotas/rate-limit/:name': {
      read: operation({
        summary: 'Shows a rate-limit quota.',
        params: {},
        run: async (_params, { captures }) => {
          const quota = await quotaOf(core, captures.name!);
          return quota ? { data: { name: captures.name!, type: 'rate-limit', ...quota } } : {};
        },
      }),
      update: operation({
        summary: 'Makes or changes a rate-limit quota.',
        params: {
          ...SCOPE_PARAMS,
          rate: p.number('Requests of one client in each interval.'),
          interval: p.duration('Interval in which they are counted.'),
          block_interval: p.duration('How long a client that asked too often is refused.'),
          scope: p.string('Who counts: each "node" for itself, or the "cluster" as one.'),
          type: p.string('Of the quota: rate-limit.', { absent: 'rate-limit' }),
        },
        run: async (params, { captures, claims, randomBytes }) => {
          const name = captures.name!;
          if (params.type !== 'rate-limit') throw badRequest('type: expected "rate-limit"');
          const before = await quotaOf(core, name);
          // First what it says itself, then what others say.
          const rate = inRange("'rate'", params.rate ?? before?.rate ?? 0, Number.MIN_VALUE, RATE_MAX);
          const quota: Anchored<RateLimit> = {
            ...(await scopeOf(core, { prefix: RATE_LIMIT, name, given: params })),
            rate,
            interval: inRange("'interval'", params.interval || (before?.interval ?? 1), 1, INTERVAL_MAX_S),
            block_interval: inRange(
              "'block_interval'",
              params.block_interval ?? before?.block_interval ?? 0,
              0,
              INTERVAL_MAX_S,
            ),
            scope: counterOf(params.scope ?? before?.scope ?? 'node'),
            made: randomBytes(MADE_BYTES).toString('hex'),
          };
          await settings.put(RATE_LIMIT + name, quota, claims);
          return {};
        },
      }),
      delete: operation({
        summary: 'Removes a rate-limit quota.',
        params: {},
        run: async (_params, { captures, claims }) => {
          await settings.remove(RATE_LIMIT + captures.name!, claims);
          return {};
        },
      }),
    },
  };
}

async function configOf({ settings }: SystemCore): Promise<QuotaConfig> {
  return ((await settings.current(QUOTA_CONFIG)) as QuotaConfig | undefined) ?? USUAL_QUOTA_CONFIG;
}

async function quotaOf(core: SystemCore, name: string): Promise<RateLimit | undefined> {
  return (await core.quotas(RATE_LIMIT)).get(name) as RateLimit | undefined;
}

function inRange(what: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) throw badRequest(`${what} is invalid`);
  return value;
}

function counterOf(scope: string): RateLimit['scope'] {
  if (scope !== 'node' && scope !== 'cluster') throw badRequest('scope: expected "node" or "cluster"');
  return scope;
}
