/**
 * How clients would be counted (contract §2.12): kept as it is written, and shown. Nothing is counted here.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import * as p from '../../model/params.ts';
import { COUNTERS_CONFIG, type CountersConfig } from '../../model/settings.ts';
import type { SystemCore } from './core.ts';

const USUAL: CountersConfig = { default_report_months: 12, enabled: 'default', retention_months: 48 };
const MONTHS_MAX = 60;
/** Vault's bound: months that its licence reports speak of. */
const MONTHS_MIN = 48;

export function countersConfigRoutes({ settings }: SystemCore): Record<string, Route> {
  const now = async () => ((await settings.current(COUNTERS_CONFIG)) as CountersConfig | undefined) ?? USUAL;
  return {
    'internal/counters/config': {
      read: operation({
        summary: 'Shows how clients would be counted: they are not.',
        params: {},
        run: async () => {
          const { enabled, ...months } = await now();
          return {
            data: {
              billing_start_timestamp: null,
              ...months,
              enabled: enabled === 'default' ? 'default-disabled' : enabled,
              minimum_retention_months: MONTHS_MIN,
              queries_available: false,
              reporting_enabled: false,
            },
          };
        },
      }),
      update: operation({
        summary: 'Says how clients would be counted.',
        params: {
          default_report_months: p.int('Months of a report that does not say which. Of old; it is kept.'),
          retention_months: p.int('Months for which counts are kept.'),
          enabled: p.string('"enable", "disable" or "default".'),
        },
        run: async ({ default_report_months, retention_months, enabled }, { claims }) => {
          const before = await now();
          const warnings: string[] = [];
          if (default_report_months !== undefined) {
            if (default_report_months <= 0) throw badRequest('default_report_months must be greater than 0');
            warnings.push('default_report_months is deprecated: defaulting to billing start time');
          }
          if (retention_months !== undefined && retention_months < 0)
            throw badRequest('retention_months must be greater than or equal to 0');
          if (retention_months !== undefined && retention_months > MONTHS_MAX)
            warnings.push(`retention_months cannot be greater than ${MONTHS_MAX}; capped to ${MONTHS_MAX}.`);
          const wanted: CountersConfig = {
            default_report_months: Math.min(
              default_report_months ?? before.default_report_months,
              MONTHS_MAX,
            ),
            enabled: stateOf(enabled ?? before.enabled),
            retention_months: Math.min(retention_months ?? before.retention_months, MONTHS_MAX),
          };
          if (wanted.enabled === 'enable' && wanted.retention_months === 0)
            throw badRequest('retention_months cannot be 0 while enabled');
          if (before.enabled === 'enable' && wanted.enabled !== 'enable')
            warnings.push(
              'the current monthly segment will be deleted because the activity log was disabled',
            );
          await settings.put(COUNTERS_CONFIG, wanted, claims);
          return warnings.length > 0 ? { warnings } : {};
        },
      }),
    },
  };
}

function stateOf(enabled: string): CountersConfig['enabled'] {
  if (enabled === 'enable' || enabled === 'disable' || enabled === 'default') return enabled;
  throw badRequest('enabled must be one of "default", "enable", "disable"');
}
