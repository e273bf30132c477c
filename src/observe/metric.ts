/**
 * What one metric is, and how all of them are shown.
 *
 * @module
 */
import type { Samples } from './samples.ts';

export type Labels = Readonly<Record<string, string>>;

export interface MetricValue {
  readonly value: number;
  readonly labels?: Labels;
}

/** What it says is read when somebody asks. */
export type Metric =
  | { readonly kind: 'samples'; readonly help: string; readonly samples: Samples }
  | { readonly kind: 'counter' | 'gauge'; readonly help: string; values(): readonly MetricValue[] };

/** How metrics are shown. */
export interface Telemetry {
  /** Is Prometheus' format served? */
  readonly prometheus: boolean;
  /** First word of every name, `vault` where absent. */
  readonly prefix?: string;
  /** The label `host` of each metric of ours. */
  readonly host?: string;
}
