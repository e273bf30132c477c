/**
 * Metrics as Vault's own JSON shows them.
 *
 * @module
 */
import type { Encodable } from '../model/json.ts';
import type { Metric, Telemetry } from './metric.ts';
import { type Samples, WINDOW_MS } from './samples.ts';

interface Row {
  readonly [key: string]: Encodable;
  readonly Name: string;
}

/** @param metrics - by name, with dots. */
export function vaultSummary(
  metrics: ReadonlyMap<string, Metric>,
  { prefix = 'vault', host }: Telemetry,
  nowMs: number,
): { [key: string]: Encodable } {
  const rows: Record<Metric['kind'], Row[]> = { gauge: [], counter: [], samples: [] };
  const own = host === undefined ? {} : { host };
  for (const [name, metric] of metrics) {
    const Name = `${prefix}.${name}`;
    if (metric.kind === 'samples') {
      rows.samples.push({ Name, ...windowOf(metric.samples), Labels: own });
      continue;
    }
    for (const { value, labels } of metric.values()) {
      const shown = metric.kind === 'gauge' ? { Value: value } : { Count: value, Sum: value };
      rows[metric.kind].push({ Name, ...shown, Labels: { ...labels, ...own } });
    }
  }
  for (const section of Object.values(rows)) section.sort((a, b) => (a.Name < b.Name ? -1 : 1));
  const { gauge, counter, samples } = rows;
  return {
    Timestamp: windowStart(nowMs),
    Gauges: gauge,
    Points: [],
    Counters: counter,
    Samples: samples,
  };
}

function windowOf(samples: Samples): { readonly [key: string]: Encodable } {
  const { count, sum, min, max, mean, stddev } = samples.summary();
  return {
    Count: count,
    Rate: sum / (WINDOW_MS / 1_000),
    Sum: sum,
    Min: min,
    Max: max,
    Mean: mean,
    Stddev: stddev,
  };
}

/** `2026-11-22 03:44:30 +0000 UTC`: when the interval began that the numbers are of. */
function windowStart(nowMs: number): string {
  const start = new Date(Math.floor(nowMs / WINDOW_MS) * WINDOW_MS).toISOString();
  return `${start.slice(0, 10)} ${start.slice(11, 19)} +0000 UTC`;
}
