/** Alert rules and dashboard ask for metrics that there are, with labels that they have. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { parse } from 'yaml';
import { watchNode } from '../../src/node-metrics.ts';
import { watchCluster } from '../../src/observe/cluster-metrics.ts';
import { makeMetrics } from '../../src/observe/metrics.ts';
import { auditMeter, requestMeter } from '../../src/observe/request-metrics.ts';
import { timedStorage } from '../../src/observe/timed-storage.ts';
import { fakeControl } from '../support/control.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { nodeParts } from '../support/node-parts.ts';

const file = (name: string) => readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');

/** Labels by name of metric, as a node of a cluster shows them. */
const shown = new Map<string, Set<string>>();

before(async () => {
  const metrics = makeMetrics();
  const storage = timedStorage(makeMemoryStorage(), metrics);
  await storage.commit([{ path: 'a', value: Buffer.from('b') }], []);
  watchNode(metrics, nodeParts());
  requestMeter(metrics)('read', 'kv', 0);
  auditMeter(metrics)('log_request', undefined, 1, false);
  watchCluster(metrics, {
    control: fakeControl(),
    deadlineLeftMs: () => 1,
    shardsHeld: () => 1,
    actors: () => 1,
    grants: () => ({ held: 1, given: 1 }),
    routes: () => ({ here: 1, replica: 1, remote: 1, again: 1, changes: 1 }),
    transport: () => ({ links: 1, strangers: 1, refused: 1, asked: 1, handled: 1, waitingBytes: 1 }),
    catalog: () => ({ mounts: 1 }),
    isStorePutBack: () => true,
    skewMs: () => 0,
  });
  for (const line of (await metrics.text()).body.split('\n')) {
    const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = shown.get(name) ?? new Set(['job', 'instance']);
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
    shown.set(name, known);
  }
  // Prometheus' own.
  shown.set('up', new Set(['job', 'instance']));
});

const WORDS = new Set(
  'increase rate irate sum max min avg count changes abs by without and or unless on ignoring topk histogram_quantile label_values'.split(
    ' ',
  ),
);

/** Fails where an expression names a metric that is not shown, or a label that it has not. */
function checkExpression(where: string, expression: string): void {
  // Labels in `by (…)` and strings are not metrics.
  const bare = expression.replace(/"[^"]*"/g, '""').replace(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, ' ');
  let metrics = 0;
  for (const [, name, labels] of bare.matchAll(/\b([a-z]\w*)\b(\{[^}]*\})?/g)) {
    if (WORDS.has(name!)) continue;
    metrics++;
    const known = shown.get(name!);
    assert(known, `${where}: there is no ${name}`);
    for (const [, label] of (labels ?? '').matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g))
      assert(known.has(label!), `${where}: ${name} has no label ${label}`);
  }
  assert(metrics > 0, `${where}: ${expression}`);
  const opened = [...expression].filter((char) => '([{'.includes(char)).length;
  assert.equal(opened, [...expression].filter((char) => ')]}'.includes(char)).length, where);
}

test('each alert asks for what there is, and says what to do', () => {
  const { groups } = parse(file('prometheus/coffer-alerts.yaml'));
  const names = new Set<string>();
  for (const { rules } of groups) {
    for (const { alert, expr, labels, annotations } of rules) {
      assert.match(alert, /^Coffer[A-Z]\w+$/);
      assert(!names.has(alert), alert);
      names.add(alert);
      checkExpression(alert, expr);
      assert(['critical', 'warning'].includes(labels.severity), alert);
      assert(annotations.summary.endsWith('.'), alert);
      assert(annotations.description.length > 20, alert);
    }
  }
  assert(names.size >= 15);
});

test('the dashboard: each panel asks for what there is, and none covers another', () => {
  const board = JSON.parse(file('grafana/coffer.json'));
  assert.equal(board.title, 'Coffer');
  const ids = new Set<number>();
  const cells = new Set<string>();
  for (const panel of board.panels) {
    assert(!ids.has(panel.id), panel.title);
    ids.add(panel.id);
    const { x, y, w, h } = panel.gridPos;
    assert(x + w <= 24, panel.title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        assert(!cells.has(`${column},${row}`), `${panel.title} covers another`);
        cells.add(`${column},${row}`);
      }
    }
    if (panel.type === 'row') continue;
    assert(panel.targets.length > 0, panel.title);
    for (const { expr } of panel.targets)
      checkExpression(panel.title, expr.replaceAll('$__rate_interval', '5m'));
  }
  assert(ids.size > 10);
});

test('the check itself finds what is wrong', () => {
  assert.throws(() => checkExpression('x', 'vault_no_such_metric > 1'), /there is no vault_no_such_metric/);
  assert.throws(() => checkExpression('x', 'vault_cluster_state{nothing="a"} > 1'), /no label nothing/);
  assert.throws(() => checkExpression('x', 'sum(vault_cluster_epoch'));
});
