import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { watchNode } from '../../src/node-metrics.ts';
import { makeMetrics } from '../../src/observe/metrics.ts';
import { promName } from '../../src/observe/prometheus-text.ts';
import { auditMeter, requestMeter } from '../../src/observe/request-metrics.ts';
import { makeSamples, WINDOW_MS } from '../../src/observe/samples.ts';
import { nodeParts } from '../support/node-parts.ts';

/** The lines of one metric, without comments. */
async function linesOf(metrics: ReturnType<typeof makeMetrics>, name: string): Promise<string[]> {
  const { body } = await metrics.text();
  return body.split('\n').filter((line) => new RegExp(`^${name}(_sum|_count)?[ {]`).test(line));
}

test('names and values are those a dashboard for Vault asks for', async () => {
  const metrics = makeMetrics();
  watchNode(metrics, nodeParts());
  requestMeter(metrics)('read', 'kv', performance.now() - 5);
  const audited = auditMeter(metrics);
  audited('log_request', 'file/', 0.5, false);
  audited('log_request', undefined, 0.5, false);
  audited('log_response', undefined, 0.5, true);
  const { contentType, body } = await metrics.text();
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
  for (const line of [
    '# TYPE vault_core_handle_request summary',
    'vault_core_handle_request_count 1',
    'vault_core_unsealed{cluster="vault-cluster-1"} 1',
    'vault_core_active{cluster="vault-cluster-1"} 1',
    'vault_core_in_flight_requests{cluster="vault-cluster-1"} 2',
    'vault_core_mount_table_num_entries{cluster="vault-cluster-1",type="auth",local="false"} 1',
    'vault_barrier_estimated_encryptions{term="2"} 43',
    'vault_audit_file__log_request_count 1',
    'vault_audit_log_request{quantile="0.5"} 0.5',
    'vault_audit_log_request_failure 0',
    'vault_audit_log_response_failure 1',
    '# TYPE process_resident_memory_bytes gauge',
  ]) {
    assert.ok(body.split('\n').includes(line), line);
  }
  assert.match(body, /^vault_runtime_sys_bytes \d+$/m);
});

test('values are read anew at each scrape, and metrics may be added between two', async () => {
  const metrics = makeMetrics();
  let count = 1;
  metrics.gauge('token.count', 'Tokens.', () => count);
  assert.deepEqual(await linesOf(metrics, 'vault_token_count'), ['vault_token_count 1']);
  count = 2;
  metrics.counter('later', 'Later.').with({ kind: 'a"b' }).add(3);
  assert.deepEqual(await linesOf(metrics, 'vault_token_count'), ['vault_token_count 2']);
  assert.deepEqual(await linesOf(metrics, 'vault_later'), ['vault_later{kind="a\\"b"} 3']);
});

test("Vault's own JSON has its sections, dotted names and fields", () => {
  const metrics = makeMetrics({ now: () => Date.UTC(2026, 10, 22, 3, 44, 35) });
  watchNode(metrics, nodeParts({ isSealed: () => true, clusterName: () => undefined }));
  const audited = auditMeter(metrics);
  audited('log_request', undefined, 2, false);
  audited('log_request', undefined, 4, false);
  const summary = metrics.summary() as Record<string, { Name: string }[]>;
  assert.deepEqual(Object.keys(summary), ['Timestamp', 'Gauges', 'Points', 'Counters', 'Samples']);
  assert.equal(summary.Timestamp, '2026-11-22 03:44:30 +0000 UTC');
  const named = (section: string, name: string) => summary[section]!.find((one) => one.Name === name);
  assert.deepEqual(named('Gauges', 'vault.core.unsealed'), {
    Name: 'vault.core.unsealed',
    Value: 0,
    Labels: { cluster: '' },
  });
  assert.deepEqual(named('Samples', 'vault.audit.log_request'), {
    Name: 'vault.audit.log_request',
    Count: 2,
    Rate: 0.6,
    Sum: 6,
    Min: 2,
    Max: 4,
    Mean: 3,
    Stddev: Math.SQRT2,
    Labels: {},
  });
});

test('a name becomes what Vault makes of it', () => {
  assert.equal(promName('audit.file/.log_request'), 'vault_audit_file__log_request');
});

test('nothing of prom-client is loaded before somebody asks', () => {
  const source = new URL('../../src/observe/metrics.ts', import.meta.url).href;
  const program = `import { makeMetrics } from ${JSON.stringify(source)};
    import { createRequire, findPackageJSON } from 'node:module';
    const metrics = makeMetrics(); metrics.gauge('a', 'A.', () => 1); metrics.samples('b', 'B.').observe(1); metrics.summary();
    const { cache } = createRequire(${JSON.stringify(source)});
    const loaded = () => Object.keys(cache).some((name) => name.includes('prom-client'));
    const before = loaded(); await metrics.text(); console.log(before, loaded());`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(printed, 'false true\n');
});

test('quantiles are right within five per cent, and never outside of what was seen', () => {
  const samples = makeSamples(() => 0);
  for (let value = 1; value <= 1_000; value++) samples.observe(value / 10);
  for (const q of [0.1, 0.5, 0.9, 0.99]) {
    const wanted = q * 100;
    assert.ok(Math.abs(samples.quantile(q) - wanted) <= wanted * 0.05, `${q}: ${samples.quantile(q)}`);
  }
  assert.equal(samples.quantile(1), 100);
  const one = makeSamples(() => 0);
  one.observe(3);
  assert.equal(one.quantile(0.5), 3);
});

test('quantiles forget what is older than two windows; counts and sums do not', () => {
  let now = 0;
  const samples = makeSamples(() => now);
  assert.ok(Number.isNaN(samples.quantile(0.5)));
  samples.observe(100);
  now = WINDOW_MS;
  samples.observe(1);
  assert.equal(samples.quantile(0.99), 100);
  assert.deepEqual(samples.summary(), { count: 1, sum: 100, min: 100, max: 100, mean: 100, stddev: 0 });
  now = 2 * WINDOW_MS;
  assert.equal(samples.quantile(0.99), 1);
  now = 9 * WINDOW_MS;
  assert.ok(Number.isNaN(samples.quantile(0.5)));
  assert.deepEqual({ ...samples.total }, { count: 2, sum: 101 });
});

test('odd values do no harm', () => {
  const samples = makeSamples(() => 0);
  for (const value of [0, -5, 1e-12, 1e15, Number.POSITIVE_INFINITY]) samples.observe(value);
  assert.equal(samples.total.count, 5);
  assert.ok(samples.quantile(0.5) >= 0);
});

test('prefix and host label are those of the configuration, also when it changes', async () => {
  const metrics = makeMetrics({ telemetry: { prometheus: true, prefix: 'my.own', host: 'h"1' } });
  metrics.gauge('token.count', 'Tokens.', () => [{ value: 7, labels: { kind: 'a' } }]);
  auditMeter(metrics)('log_request', undefined, 2, false);
  const before = (await metrics.text()).body;
  assert.match(before, /^my_own_token_count\{kind="a",host="h\\"1"\} 7$/m);
  assert.match(before, /^my_own_audit_log_request_count\{host="h\\"1"\} 1$/m);
  assert.doesNotMatch(before, /vault_/);
  const summary = metrics.summary() as Record<string, { Name: string; Labels: unknown }[]>;
  assert.deepEqual(summary.Gauges!.find(({ Name }) => Name === 'my.own.token.count')?.Labels, {
    kind: 'a',
    host: 'h"1',
  });
  metrics.configure({ prometheus: false });
  assert.equal(metrics.isPrometheusOn(), false);
  metrics.configure({ prometheus: true });
  const after = (await metrics.text()).body;
  assert.match(after, /^vault_token_count\{kind="a"\} 7$/m);
  assert.doesNotMatch(after, /my_own|host=/);
  assert.equal(after.match(/^process_cpu_seconds_total /gm)?.length, 1);
});

test('two devices whose names become one there leave the metrics readable', async () => {
  const metrics = makeMetrics();
  const audited = auditMeter(metrics);
  audited('log_request', 'a-/', 1, false);
  audited('log_request', 'a_/', 1, false);
  assert.match((await metrics.text()).body, /^vault_audit_a___log_request_count 1$/m);
});
