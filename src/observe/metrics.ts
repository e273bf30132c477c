/**
 * The node's metrics under Vault's names where Vault has them. Written to by everybody for next to nothing; prom-client, which puts
 * them into text, is loaded when somebody first asks: it would take more memory and time than all else here.
 *
 * A name is given with dots, as Vault's JSON shows it: `core.handle_request` is `vault.core.handle_request` there and
 * `vault_core_handle_request` in Prometheus' text. Durations are milliseconds, as Vault's.
 *
 * @module
 */
import type { Encodable } from '../model/json.ts';
import { makeSamples, type Samples, WINDOW_MS } from './samples.ts';

export type Labels = Readonly<Record<string, string>>;

export interface GaugeValue {
  readonly value: number;
  readonly labels?: Labels;
}

export interface Counter {
  add(count?: number): void;
  /** The count under these labels: ask once, keep it. */
  with(labels: Labels): Counter;
}

/** What the node tells of itself when asked. Each is called at each scrape, so each must be cheap. */
export interface NodeGauges {
  unsealed(): boolean;
  /** Is this node serving? Each node of a cluster is. */
  active?(): boolean;
  clusterName?(): string | undefined;
  inFlightRequests?(): number;
  /** Tokens that are alive, where that is known without counting them. */
  tokens?(): number | undefined;
  leases?(): number | undefined;
  mounts?(): { readonly secret: number; readonly auth: number } | undefined;
  /** Encryptions under the current term of the barrier's keyring. */
  barrierEncryptions?(): { readonly term: number; readonly count: number } | undefined;
}

type ReadValues = () => number | undefined | readonly GaugeValue[];

export interface Metrics {
  /** The samples of that name: ask once, keep it. */
  samples(name: string, help: string): Samples;
  counter(name: string, help: string): Counter;
  /** Read at each scrape. */
  gauge(name: string, help: string, read: () => number | undefined | readonly GaugeValue[]): void;
  /** As `gauge`, of what somebody else counts and what only grows. */
  total(name: string, help: string, read: () => number | undefined | readonly GaugeValue[]): void;
  /** Registers Vault's gauges of a node. */
  watch(node: NodeGauges): void;
  /** One request, at its end. @param startedMs - `performance.now()` at its start */
  request(operation: string, mountType: string, startedMs: number): void;
  /** For `makeAudit`. */
  audit(
    what: 'log_request' | 'log_response',
    device: string | undefined,
    tookMs: number,
    failed: boolean,
  ): void;
  /** Is Prometheus' format served? */
  isPrometheusOn(): boolean;
  /** Prometheus' text format 0.0.4. */
  text(): Promise<{ contentType: string; body: string }>;
  /** Vault's own JSON. */
  summary(): { [key: string]: Encodable };
  /** SIGHUP: from now on names and labels are these. */
  configure(telemetry: Telemetry): void;
}

/** How metrics are shown. */
export interface Telemetry {
  /** Is Prometheus' format served? */
  readonly prometheus: boolean;
  /** First word of every name, `vault` where absent. */
  readonly prefix?: string;
  /** The label `host` of each metric of ours. */
  readonly host?: string;
}

type Kind = 'summary' | 'counter' | 'gauge';

/** As prom-client's registry wants it; it knows no summary that somebody else has counted. */
interface Exposed {
  readonly name: string;
  readonly help: string;
  readonly type: Kind;
  readonly aggregator: 'sum';
  get(): Promise<{ name: string; help: string; type: Kind; aggregator: 'sum'; values: ExposedValue[] }>;
  reset(): void;
}
interface ExposedValue {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
}

interface Entry {
  readonly help: string;
  readonly kind: Kind;
  readonly exposed: (name: string) => ExposedValue[];
  readonly summary: () => {
    section: 'Gauges' | 'Counters' | 'Samples';
    values: { [key: string]: Encodable }[];
  };
}

const QUANTILES = [0.5, 0.9, 0.99];

export interface MetricsOptions {
  /** Wall clock, ms. */
  now?(): number;
  readonly telemetry?: Telemetry;
}

export function makeMetrics({
  now = Date.now,
  telemetry = { prometheus: true },
}: MetricsOptions = {}): Metrics {
  const entries = new Map<string, Entry>();
  let shown = telemetry;
  /** Names in Prometheus' text of those that are registered. Two of ours that become one name there show one of them. */
  const registered = new Set<string>();
  const known = { samples: new Map<string, Samples>(), counters: new Map<string, Counter>() };
  let registry: Promise<Registry> | undefined;

  function samples(name: string, help: string): Samples {
    const found = known.samples.get(name);
    if (found) return found;
    const made = makeSamples();
    known.samples.set(name, made);
    entries.set(name, {
      help,
      kind: 'summary',
      exposed: (exposedName) => exposeSamples(exposedName, made),
      summary: () => ({
        section: 'Samples',
        values: [{ Name: name, ...windowOf(made), Labels: {} }],
      }),
    });
    return made;
  }

  function counter(name: string, help: string): Counter {
    const found = known.counters.get(name);
    if (found) return found;
    const counts = new Map<string, { labels: Labels; count: number }>();
    const under = (labels: Labels): Counter => {
      const key = JSON.stringify(labels);
      const one = counts.get(key) ?? { labels, count: 0 };
      const add = (count = 1): void => {
        counts.set(key, one);
        one.count += count;
      };
      return { add, with: under };
    };
    const made = under({});
    known.counters.set(name, made);
    entries.set(name, {
      help,
      kind: 'counter',
      exposed: () =>
        [...counts.values()].map(({ labels, count }) => ({ value: count, labels: { ...labels } })),
      summary: () => ({
        section: 'Counters',
        values: [...counts.values()].map(({ labels, count }) => ({
          Name: name,
          Count: count,
          Sum: count,
          Labels: labels,
        })),
      }),
    });
    return made;
  }

  function readAtScrape(kind: 'gauge' | 'counter', name: string, help: string, read: ReadValues): void {
    const values = (): readonly GaugeValue[] => {
      const value = read();
      return value === undefined ? [] : typeof value === 'number' ? [{ value }] : value;
    };
    entries.set(name, {
      help,
      kind,
      exposed: () => values().map(({ value, labels }) => ({ value, labels: { ...labels } })),
      summary: () => ({
        section: kind === 'gauge' ? 'Gauges' : 'Counters',
        values: values().map(({ value, labels }) => ({
          Name: name,
          ...(kind === 'gauge' ? { Value: value } : { Count: value, Sum: value }),
          Labels: labels ?? {},
        })),
      }),
    });
  }
  const gauge: Metrics['gauge'] = (name, help, read) => readAtScrape('gauge', name, help, read);

  const handled = samples('core.handle_request', 'Milliseconds a request took.');
  const requests = counter('core.requests', 'Requests, by operation and type of mount.');
  const auditFailures = {
    log_request: counter('audit.log_request_failure', 'Requests that no audit device took.'),
    log_response: counter('audit.log_response_failure', 'Replies that no audit device took.'),
  };
  const auditSamples = {
    log_request: samples('audit.log_request', 'Milliseconds until a request was in an audit log.'),
    log_response: samples('audit.log_response', 'Milliseconds until a reply was in an audit log.'),
  };
  /** By device, so that no name has to be put together for each entry. */
  const deviceSamples = new Map<string, typeof auditSamples>();
  function samplesOf(device: string): typeof auditSamples {
    let found = deviceSamples.get(device);
    if (!found) {
      const of = (what: string) => samples(`audit.${device}.${what}`, `Milliseconds device ${device} took.`);
      found = { log_request: of('log_request'), log_response: of('log_response') };
      deviceSamples.set(device, found);
    }
    return found;
  }
  // Vault shows these from the start.
  auditFailures.log_request.add(0);
  auditFailures.log_response.add(0);
  const requestCounters = new Map<string, Counter>();
  watchRuntime(gauge);

  async function openRegistry(): Promise<Registry> {
    const prom = await import('prom-client');
    const made = new prom.Registry();
    prom.collectDefaultMetrics({ register: made });
    return made as unknown as Registry;
  }

  async function text(): Promise<{ contentType: string; body: string }> {
    registry ??= openRegistry();
    const opened = await registry;
    const names = new Map([...entries].map(([name, entry]) => [promName(name, shown.prefix), entry]));
    for (const name of registered) {
      if (names.has(name)) continue;
      opened.removeSingleMetric(name);
      registered.delete(name);
    }
    for (const [name, entry] of names) {
      if (registered.has(name)) continue;
      registered.add(name);
      opened.registerMetric(expose(name, entry, () => shown.host));
    }
    return { contentType: opened.contentType, body: await opened.metrics() };
  }

  return {
    samples,
    counter,
    gauge,
    total: (name, help, read) => readAtScrape('counter', name, help, read),
    watch: (node) => watchNode(gauge, node),
    request(operation, mountType, startedMs) {
      handled.observe(performance.now() - startedMs);
      const key = `${operation} ${mountType}`;
      let count = requestCounters.get(key);
      if (!count) {
        count = requests.with({ operation, mount_type: mountType });
        requestCounters.set(key, count);
      }
      count.add();
    },
    audit(what, device, tookMs, failed) {
      if (device !== undefined) {
        samplesOf(device)[what].observe(tookMs);
        return;
      }
      auditSamples[what].observe(tookMs);
      if (failed) auditFailures[what].add();
    },
    isPrometheusOn: () => shown.prometheus,
    text,
    summary() {
      const sections: { [key: string]: { [key: string]: Encodable }[] } = {
        Gauges: [],
        Counters: [],
        Samples: [],
      };
      for (const entry of entries.values()) {
        const { section, values } = entry.summary();
        sections[section]!.push(...values);
      }
      const { prefix = 'vault', host } = shown;
      for (const section of Object.values(sections)) {
        for (const value of section) {
          value.Name = `${prefix}.${value.Name}`;
          if (host !== undefined) value.Labels = { ...(value.Labels as Labels), host };
        }
        section.sort((a, b) => (String(a.Name) < String(b.Name) ? -1 : 1));
      }
      const { Gauges, Counters, Samples } = sections as Record<string, Encodable>;
      return { Timestamp: windowStart(now()), Gauges, Points: [], Counters, Samples };
    },
    configure(wanted) {
      shown = wanted;
    },
  };
}

/** The part of prom-client's registry that is used. */
interface Registry {
  readonly contentType: string;
  removeSingleMetric(name: string): void;
  registerMetric(metric: Exposed): void;
  metrics(): Promise<string>;
}

/** Vault's way of making a name of a path: `audit.file/.log_request` is `vault_audit_file__log_request`. */
export function promName(name: string, prefix = 'vault'): string {
  return `${prefix}.${name}`.replaceAll(/[^a-zA-Z0-9]/g, '_');
}

function expose(name: string, { help, kind, exposed }: Entry, host: () => string | undefined): Exposed {
  const facts = { name, help, type: kind, aggregator: 'sum' as const };
  const values = () => {
    const label = host();
    if (label === undefined) return exposed(name);
    return exposed(name).map((value) => ({ ...value, labels: { ...value.labels, host: label } }));
  };
  return { ...facts, get: async () => ({ ...facts, values: values() }), reset: () => {} };
}

function exposeSamples(name: string, made: Samples): ExposedValue[] {
  return [
    ...QUANTILES.map((quantile) => ({ value: made.quantile(quantile), labels: { quantile } })),
    { value: made.total.sum, labels: {}, metricName: `${name}_sum` },
    { value: made.total.count, labels: {}, metricName: `${name}_count` },
  ];
}

function windowOf(made: Samples): { [key: string]: Encodable } {
  const { count, sum, min, max, mean, stddev } = made.summary();
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

function watchNode(gauge: Metrics['gauge'], node: NodeGauges): void {
  const cluster = (): Labels => ({ cluster: node.clusterName?.() ?? '' });
  gauge('core.unsealed', '1 while this node is unsealed.', () => [
    { value: node.unsealed() ? 1 : 0, labels: cluster() },
  ]);
  gauge('core.active', '1 while this node serves requests itself.', () => [
    { value: (node.active?.() ?? node.unsealed()) ? 1 : 0, labels: cluster() },
  ]);
  gauge('core.in_flight_requests', 'Requests being served.', () => {
    const value = node.inFlightRequests?.();
    return value === undefined ? undefined : [{ value, labels: cluster() }];
  });
  gauge('token.count', 'Tokens that are alive.', () => node.tokens?.());
  gauge('expire.num_leases', 'Leases that are alive.', () => node.leases?.());
  gauge('core.mount_table.num_entries', 'Mounts.', () => {
    const mounts = node.mounts?.();
    if (!mounts) return undefined;
    return [
      { value: mounts.secret, labels: { ...cluster(), type: 'logical', local: 'false' } },
      { value: mounts.auth, labels: { ...cluster(), type: 'auth', local: 'false' } },
    ];
  });
  gauge('barrier.estimated_encryptions', 'Encryptions under the current key of the barrier.', () => {
    const found = node.barrierEncryptions?.();
    return found && [{ value: found.count, labels: { term: String(found.term) } }];
  });
}

function watchRuntime(gauge: Metrics['gauge']): void {
  gauge('runtime.alloc_bytes', "Bytes in use on JavaScript's heap.", () => process.memoryUsage().heapUsed);
  gauge('runtime.sys_bytes', 'Bytes of memory the process holds.', () => process.memoryUsage.rss());
}
