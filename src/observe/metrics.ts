/**
 * The node's metrics under Vault's names where Vault has them. Written to by everybody for next to nothing.
 *
 * A name is given with dots, as Vault's JSON shows it: `core.handle_request` is `vault.core.handle_request` there and
 * `vault_core_handle_request` in Prometheus' text. Durations are milliseconds, as Vault's.
 *
 * @module
 */
import type { Encodable } from '../model/json.ts';
import type { Labels, Metric, MetricValue, Telemetry } from './metric.ts';
import { makePrometheusText } from './prometheus-text.ts';
import { makeSamples, type Samples } from './samples.ts';
import { vaultSummary } from './vault-summary.ts';

export interface Counter {
  add(count?: number): void;
  /** The count under these labels: ask once, keep it. */
  with(labels: Labels): Counter;
}

type ReadValues = () => number | undefined | readonly MetricValue[];

export interface Metrics {
  /** The samples of that name: ask once, keep it. */
  samples(name: string, help: string): Samples;
  counter(name: string, help: string): Counter;
  /** Read at each scrape. */
  gauge(name: string, help: string, read: ReadValues): void;
  /** As `gauge`, of what somebody else counts and what only grows. */
  total(name: string, help: string, read: ReadValues): void;
  /** Is Prometheus' format served? */
  isPrometheusOn(): boolean;
  /** Prometheus' text format 0.0.4. */
  text(): Promise<{ contentType: string; body: string }>;
  /** Vault's own JSON. */
  summary(): { [key: string]: Encodable };
  /** SIGHUP: from now on names and labels are these. */
  configure(telemetry: Telemetry): void;
}

export interface MetricsOptions {
  /** Wall clock, ms. */
  now?(): number;
  readonly telemetry?: Telemetry;
}

export function makeMetrics({
  now = Date.now,
  telemetry = { prometheus: true },
}: MetricsOptions = {}): Metrics {
  const metrics = new Map<string, Metric>();
  const known = { samples: new Map<string, Samples>(), counters: new Map<string, Counter>() };
  const prometheusText = makePrometheusText(metrics);
  let shown = telemetry;

  function samples(name: string, help: string): Samples {
    const found = known.samples.get(name);
    if (found) return found;
    const made = makeSamples();
    known.samples.set(name, made);
    metrics.set(name, { kind: 'samples', help, samples: made });
    return made;
  }

  function counter(name: string, help: string): Counter {
    const found = known.counters.get(name);
    if (found) return found;
    const counts = new Map<string, { labels: Labels; value: number }>();
    const under = (labels: Labels): Counter => {
      const key = JSON.stringify(labels);
      const one = counts.get(key) ?? { labels, value: 0 };
      const add = (count = 1): void => {
        counts.set(key, one);
        one.value += count;
      };
      return { add, with: under };
    };
    const made = under({});
    known.counters.set(name, made);
    metrics.set(name, { kind: 'counter', help, values: () => [...counts.values()] });
    return made;
  }

  function readAtScrape(kind: 'gauge' | 'counter', name: string, help: string, read: ReadValues): void {
    const values = (): readonly MetricValue[] => {
      const value = read();
      return value === undefined ? [] : typeof value === 'number' ? [{ value }] : value;
    };
    metrics.set(name, { kind, help, values });
  }

  return {
    samples,
    counter,
    gauge: (name, help, read) => readAtScrape('gauge', name, help, read),
    total: (name, help, read) => readAtScrape('counter', name, help, read),
    isPrometheusOn: () => shown.prometheus,
    text: () => prometheusText(shown),
    summary: () => vaultSummary(metrics, shown, now()),
    configure(wanted) {
      shown = wanted;
    },
  };
}
