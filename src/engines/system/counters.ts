/**
 * Counts of what there is, and the activity log that nobody keeps here: it answers as in a young Vault (contract §2.12).
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import type { Json } from '../../model/json.ts';
import * as p from '../../model/params.ts';
import type { SystemCore } from './core.ts';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

const PERIOD = {
  start_time: p.anything('Begin of the time asked about: RFC 3339, or seconds since 1970.'),
  end_time: p.anything('End of the time asked about.'),
};

export function counterRoutes({ access }: SystemCore): Record<string, Route> {
  const nothingYet = (summary: string, more: p.Params = {}) =>
    operation({
      summary,
      params: { ...PERIOD, ...more },
      run({ start_time, end_time }) {
        const [from, to] = [timeOf('start_time', start_time), timeOf('end_time', end_time)];
        if (from !== undefined && to !== undefined && from > to)
          throw badRequest('start_time is later than end_time');
        return { status: 204 };
      },
    });
  return {
    'internal/counters/entities': {
      read: operation({
        summary: 'Counts the entities.',
        params: {},
        run: () => ({ data: { counters: { entities: { total: 0 } } } }),
      }),
    },
    'internal/counters/tokens': {
      read: operation({
        summary: 'Counts the service tokens.',
        params: {},
        run: async (_params, { namespace }) => ({
          data: { counters: { service_tokens: { total: await access.countTokens(namespace.id) } } },
        }),
      }),
    },
    'internal/counters/requests': {
      read: operation({
        summary: 'Removed from Vault long ago; it says so.',
        params: {},
        run: () => {
          throw new CodedError('not_found', 'The functionality has been removed on this path');
        },
      }),
    },
    'internal/counters/activity': {
      read: nothingYet('Shows how many clients there were: no months are counted.', {
        limit_namespaces: p.int('Of how many namespaces to show counts.'),
        current_billing_period: p.bool('Of the current billing period.'),
      }),
    },
    'internal/counters/activity/monthly': {
      read: operation({
        summary: 'Shows the clients of this month: they are not counted.',
        params: {},
        run: () => ({ status: 204 }),
      }),
    },
    'internal/counters/activity/export': {
      sudo: true,
      read: nothingYet('Exports who the clients were: they are not counted.', {
        format: p.string('"json" or "csv".'),
      }),
    },
  };
}

/** Ms. @throws CodedError where it is no time. */
function timeOf(name: string, given: Json | undefined): number | undefined {
  if (given === undefined || given === null || given === '') return undefined;
  const text = p.toText(given);
  const ms = /^\d{1,12}$/.test(text)
    ? Number(text) * 1_000
    : RFC3339.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (Number.isNaN(ms))
    throw badRequest(`Field validation failed: error converting input for field "${name}": expected a time`);
  return ms;
}
