/**
 * Counts of what there is, and the activity log that nobody keeps here: it answers as in a young Vault (contract §2.12).
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { CodedError } from '../../model/errors.ts';
import * as p from '../../model/params.ts';
import type { SystemCore } from './core.ts';

const PERIOD = {
  start_time: p.string('Begin of the time asked about.'),
  end_time: p.string('End of the time asked about.'),
};

export function counterRoutes({ access }: SystemCore): Record<string, Route> {
  const nothingYet = (summary: string, params: typeof PERIOD | Record<string, never>) =>
    operation({ summary, params, run: () => ({ status: 204 }) });
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
      read: nothingYet('Shows how many clients there were: no months are counted.', PERIOD),
    },
    'internal/counters/activity/monthly': {
      read: nothingYet('Shows the clients of this month: they are not counted.', {}),
    },
    'internal/counters/activity/export': {
      sudo: true,
      read: nothingYet('Exports who the clients were: they are not counted.', PERIOD),
    },
    'internal/counters/config': {
      read: operation({
        summary: 'Shows how clients are counted: they are not.',
        params: {},
        run: () => ({
          data: {
            billing_start_timestamp: null,
            default_report_months: 12,
            enabled: 'default-disabled',
            minimum_retention_months: 48,
            queries_available: false,
            reporting_enabled: false,
            retention_months: 48,
          },
        }),
      }),
    },
  };
}
