import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterFigures, watchCluster } from '../../src/observe/cluster-metrics.ts';
import { makeMetrics } from '../../src/observe/metrics.ts';
import { fakeControl } from '../support/control.ts';

function figures(more: Partial<ClusterFigures> = {}): ClusterFigures {
  return {
    control: fakeControl(),
    deadlineLeftMs: () => 1_234.6,
    shardsHeld: () => 342,
    actors: () => 10,
    grants: () => ({ held: 3, given: 2 }),
    routes: () => ({ here: 5, replica: 7, remote: 2, again: 1, changes: 4 }),
    transport: () => ({ links: 1, strangers: 0, refused: 6, asked: 2, handled: 3, waitingBytes: 99 }),
    catalog: () => ({ mounts: 4, policies: 2 }),
    isStorePutBack: () => true,
    skewMs: () => -12.4,
    ...more,
  };
}

test('each figure, in Prometheus text', async () => {
  const metrics = makeMetrics();
  watchCluster(metrics, figures());
  const lines = (await metrics.text()).body.split('\n');
  for (const line of [
    'vault_cluster_state{state="serving"} 1',
    'vault_cluster_state{state="sealed"} 0',
    'vault_cluster_epoch 7',
    'vault_cluster_members 3',
    'vault_cluster_members_silent 1',
    'vault_cluster_view_pending 1',
    'vault_cluster_node_shards{node="n2"} 341',
    'vault_cluster_node_silent_ms{node="n3"} 1400',
    'vault_cluster_node_linked{node="n3"} 0',
    'vault_cluster_deadline_left_ms 1235',
    'vault_cluster_shards_held 342',
    'vault_cluster_replicas_held 3',
    'vault_cluster_grants_given 2',
    'vault_cluster_changes_waiting 4',
    'vault_cluster_operations{where="replica"} 7',
    'vault_cluster_tries_again 1',
    'vault_cluster_catalog_seq{section="mounts"} 4',
    'vault_cluster_store_put_back 1',
    'vault_cluster_clock_skew_ms -12',
    'vault_cluster_links 1',
    'vault_cluster_link_requests{direction="in"} 3',
    'vault_cluster_link_waiting_bytes 99',
    'vault_cluster_strangers 0',
    'vault_cluster_admissions_refused 6',
    '# TYPE vault_cluster_operations counter',
    '# TYPE vault_cluster_epoch gauge',
  ])
    assert(lines.includes(line), line);
});

test("totals are counters in Vault's summary too", () => {
  const metrics = makeMetrics();
  watchCluster(metrics, figures());
  const { Counters, Gauges } = metrics.summary() as Record<string, { Name: string }[]>;
  assert(Counters!.some(({ Name }) => Name === 'vault.cluster.admissions_refused'));
  assert(Gauges!.some(({ Name }) => Name === 'vault.cluster.epoch'));
});

test('a node that is alone on its storage has no deadline to show', async () => {
  const metrics = makeMetrics();
  watchCluster(metrics, figures({ deadlineLeftMs: () => Number.POSITIVE_INFINITY }));
  assert.doesNotMatch((await metrics.text()).body, /^vault_cluster_deadline_left_ms \S/m);
});
