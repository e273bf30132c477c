/**
 * Metrics in Prometheus' text format. prom-client, which writes it, is loaded when somebody first asks: it would take more memory and time than
 * all else here.
 *
 * @module
 */
import type { Labels, Metric, Telemetry } from './metric.ts';

export type PrometheusText = (telemetry: Telemetry) => Promise<{ contentType: string; body: string }>;

/** The part of prom-client's registry that is used. */
interface Registry {
  readonly contentType: string;
  removeSingleMetric(name: string): void;
  registerMetric(metric: Exposed): void;
  metrics(): Promise<string>;
}

/** As prom-client's registry wants it; it knows no summary that somebody else has counted. */
interface Exposed extends ExposedFacts {
  get(): Promise<ExposedFacts & { values: ExposedValue[] }>;
  reset(): void;
}
interface ExposedFacts {
  readonly name: string;
  readonly help: string;
  readonly type: 'summary' | 'counter' | 'gauge';
  readonly aggregator: 'sum';
}
interface ExposedValue {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
}

const QUANTILES = [0.5, 0.9, 0.99];

/** @param metrics - by name, with dots; more may come at any time. */
export function makePrometheusText(metrics: ReadonlyMap<string, Metric>): PrometheusText {
  /** Names of those that are registered. Two of ours that become one name here show one of them. */
  const registered = new Set<string>();
  let registry: Promise<Registry> | undefined;
  let host: string | undefined;

  return async (telemetry) => {
    registry ??= openRegistry();
    const opened = await registry;
    ({ host } = telemetry);
    const named = new Map([...metrics].map(([name, metric]) => [promName(name, telemetry.prefix), metric]));
    for (const name of registered) {
      if (named.has(name)) continue;
      opened.removeSingleMetric(name);
      registered.delete(name);
    }
    for (const [name, metric] of named) {
      if (registered.has(name)) continue;
      registered.add(name);
      opened.registerMetric(expose(name, metric, () => host));
    }
    return { contentType: opened.contentType, body: await opened.metrics() };
  };
}

async function openRegistry(): Promise<Registry> {
  const prom = await import('prom-client');
  const made = new prom.Registry();
  prom.collectDefaultMetrics({ register: made });
  return made as unknown as Registry;
}

/** Vault's way of making a name of a path: `audit.file/.log_request` is `vault_audit_file__log_request`. */
export function promName(name: string, prefix = 'vault'): string {
  return `${prefix}.${name}`.replaceAll(/[^a-zA-Z0-9]/g, '_');
}

function expose(name: string, metric: Metric, host: () => string | undefined): Exposed {
  const { help, kind } = metric;
  const facts = { name, help, type: kind === 'samples' ? 'summary' : kind, aggregator: 'sum' } as const;
  const values = () => {
    const label = host();
    const own: Labels = label === undefined ? {} : { host: label };
    return valuesOf(name, metric).map((value) => ({ ...value, labels: { ...value.labels, ...own } }));
  };
  return { ...facts, get: async () => ({ ...facts, values: values() }), reset: () => {} };
}

function valuesOf(name: string, metric: Metric): (Omit<ExposedValue, 'labels'> & Partial<ExposedValue>)[] {
  if (metric.kind !== 'samples') return [...metric.values()];
  const { samples } = metric;
  return [
    ...QUANTILES.map((quantile) => ({ value: samples.quantile(quantile), labels: { quantile } })),
    { value: samples.total.sum, metricName: `${name}_sum` },
    { value: samples.total.count, metricName: `${name}_count` },
  ];
}
