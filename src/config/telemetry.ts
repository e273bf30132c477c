/**
 * `telemetry { … }`.
 *
 * @module
 */
import { type Fields, unused } from './fields.ts';
import { bool, seconds, textThat } from './values.ts';

const noPush = unused('metrics are not pushed; they are served at sys/metrics');
const nothing = unused('there is no such metric');

const PUSHED = [
  'circonus_api_app',
  'circonus_api_token',
  'circonus_api_url',
  'circonus_broker_id',
  'circonus_broker_select_tag',
  'circonus_check_display_name',
  'circonus_check_force_metric_activation',
  'circonus_check_id',
  'circonus_check_instance_id',
  'circonus_check_search_tag',
  'circonus_check_tags',
  'circonus_submission_interval',
  'circonus_submission_url',
  'dogstatsd_addr',
  'dogstatsd_tags',
  'stackdriver_debug_logs',
  'stackdriver_location',
  'stackdriver_namespace',
  'stackdriver_project_id',
  'statsd_address',
  'statsite_address',
] as const;

const pushed = Object.fromEntries(PUSHED.map((key) => [key, noPush])) as Record<
  (typeof PUSHED)[number],
  typeof noPush
>;

export const TELEMETRY = {
  ...pushed,
  prometheus_retention_time: seconds,
  /** As it is in any case: Vault, too, puts the host into names only where metrics are pushed besides. */
  disable_hostname: bool,
  enable_hostname_label: bool,
  metrics_prefix: textThat((text) => /^[A-Za-z_][A-Za-z0-9_.]*$/.test(text), 'letters, digits, _ and dots'),
  add_lease_metrics_namespace_labels: nothing,
  add_mount_point_rollback_metrics: nothing,
  filter_default: nothing,
  lease_metrics_epsilon: nothing,
  maximum_gauge_cardinality: nothing,
  num_lease_metrics_buckets: nothing,
  prefix_filter: nothing,
  rollback_metrics_include_mount_point: nothing,
  usage_gauge_period: nothing,
} as const satisfies Fields;
