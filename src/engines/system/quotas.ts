/**
 * Rate-limit quotas (contract §2.10). Obeyed by `pipeline/quotas.ts`.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { POLICY_NAME_BYTES_MAX, QUOTAS_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import {
  QUOTA_CONFIG,
  type QuotaConfig,
  RATE_LIMIT,
  type RateLimit,
  USUAL_QUOTA_CONFIG,
} from '../../model/quotas.ts';
import type { SystemCore } from './core.ts';

/** Vault's longest and ours: a day. */
const INTERVAL_MAX_S = 86_400;
const RATE_MAX = 1e9;

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
        run: async () => ({ data: { keys: await settings.names(RATE_LIMIT) } }),
      }),
    },
    'quotas/rate-limit/:name': {
      read: operation({
        summary: 'Shows a rate-limit quota.',
        params: {},
        run: async (_params, { captures }) => {
          const quota = await quotaOf(core, captures.name!);
          return quota ? { data: { name: captures.name!, type: 'rate-limit', role: '', ...quota } } : {};
        },
      }),
      update: operation({
        summary: 'Makes or changes a rate-limit quota.',
        params: {
          path: p.string(
            'What it is for: "" for all, a namespace, a mount, a path, or what begins so: "a/b*".',
          ),
          rate: p.number('Requests of one client in each interval.'),
          interval: p.duration('Interval in which they are counted.'),
          block_interval: p.duration('How long a client that asked too often is refused.'),
          inheritable: p.bool('Also for namespaces below the one it is for.'),
          role: p.string('Of one role only: not supported.', { absent: '' }),
          scope: p.string('Who counts: each "node" for itself, or the "cluster" as one.'),
          type: p.string('Of the quota: rate-limit.', { absent: 'rate-limit' }),
        },
        run: async (params, { captures, claims }) => {
          const name = captures.name!;
          if (Buffer.byteLength(name) > POLICY_NAME_BYTES_MAX)
            throw badRequest(`a quota's name must not be longer than ${POLICY_NAME_BYTES_MAX} bytes`);
          if (params.role !== '') throw badRequest('a quota of one role is not supported');
          const before = await quotaOf(core, name);
          const path = (params.path ?? before?.path ?? '').replace(/^\/+/, '');
          const quota: RateLimit = {
            path,
            rate: inRange("'rate'", params.rate ?? before?.rate ?? 0, Number.MIN_VALUE, RATE_MAX),
            interval: inRange("'interval'", params.interval || (before?.interval ?? 1), 1, INTERVAL_MAX_S),
            block_interval: inRange(
              "'block_interval'",
              params.block_interval ?? before?.block_interval ?? 0,
              0,
              INTERVAL_MAX_S,
            ),
            inheritable: params.inheritable ?? before?.inheritable ?? path === '',
            scope: scopeOf(params.scope ?? before?.scope ?? 'node'),
          };
          await refusePath(core, name, path, before === undefined);
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

async function quotaOf({ settings }: SystemCore, name: string): Promise<RateLimit | undefined> {
  return (await settings.current(RATE_LIMIT + name)) as RateLimit | undefined;
}

function inRange(what: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) throw badRequest(`${what} is invalid`);
  return value;
}

function scopeOf(scope: string): RateLimit['scope'] {
  if (scope !== 'node' && scope !== 'cluster') throw badRequest('scope: expected "node" or "cluster"');
  return scope;
}

/** @throws CodedError where nothing is there, or another quota is for the same. */
async function refusePath(core: SystemCore, name: string, path: string, isNew: boolean): Promise<void> {
  const { settings } = core;
  if (Buffer.byteLength(path) > POLICY_NAME_BYTES_MAX) throw badRequest('path is too long');
  if (path.slice(0, -1).includes('*')) throw badRequest("path: expected no '*' but at its end");
  if (path !== '' && !core.isServed(path.replace(/\*$/, '')))
    throw badRequest('invalid mount or namespace: nothing is there');
  const names = await settings.names(RATE_LIMIT);
  if (isNew && names.length >= QUOTAS_MAX) throw badRequest(`there may be ${QUOTAS_MAX} quotas`);
  for (const other of names) {
    if (other !== name && (await quotaOf(core, other))?.path === path)
      throw badRequest('quota rule with similar properties exists under another name');
  }
}
