/**
 * The cluster in this node's metrics: how it stands, what it owns, how its requests found their way, and its links. All is read at a scrape;
 * nothing asks another node.
 *
 * @module
 */
import type { ClusterControl, Standing } from '../model/cluster-control.ts';
import type { MetricValue } from './metric.ts';
import type { Metrics } from './metrics.ts';

/** What the parts of the cluster tell when asked; each is cheap. */
export interface ClusterFigures {
  readonly control: Pick<ClusterControl, 'glance' | 'standing'>;
  /** ms until this node has to stop answering; negative: it has. */
  deadlineLeftMs(): number;
  /** Shards claimed. */
  shardsHeld(): number;
  /** Actors in memory. */
  actors(): number;
  grants(): { readonly held: number; readonly given: number };
  /** By where operations ran; `again`: tries that found nobody. Since the start. `changes`: unanswered, or waiting for one that is. */
  routes(): {
    readonly here: number;
    readonly replica: number;
    readonly remote: number;
    readonly again: number;
    readonly changes: number;
  };
  transport(): {
    readonly links: number;
    readonly strangers: number;
    readonly refused: number;
    readonly asked: number;
    readonly handled: number;
    readonly waitingBytes: number;
  };
  /** Sequence number by section of the catalog. */
  catalog(): Readonly<Record<string, number>>;
  /** The store was found to be older than what this node remembers of it. */
  isStorePutBack(): boolean;
  /** ms by which this node's wall clock is ahead of cluster time. */
  skewMs(): number;
}

const STANDINGS: readonly Standing[] = ['serving', 'held', 'joining', 'leaving', 'sealed'];

export function watchCluster({ gauge, total }: Pick<Metrics, 'gauge' | 'total'>, from: ClusterFigures): void {
  const { control } = from;
  gauge('cluster.state', '1 for how this node stands.', () => {
    const now = control.standing();
    return STANDINGS.map((state) => ({ value: state === now ? 1 : 0, labels: { state } }));
  });
  gauge('cluster.epoch', 'Epoch of the view.', () => control.glance().epoch);
  gauge('cluster.members', 'Nodes in the view.', () => nodes(from).length);
  gauge('cluster.members_silent', 'Nodes in the view that are not heard now.', () => {
    return nodes(from).filter(({ standing }) => standing === 'silent').length;
  });
  gauge('cluster.view_pending', '1 while a new view waits for its acknowledgements.', () =>
    control.glance().pending ? 1 : 0,
  );
  gauge('cluster.node_shards', 'Shards that the view gives to each node.', () =>
    each(from, ({ shards }) => shards),
  );
  gauge('cluster.node_silent_ms', "Milliseconds for which each node's record has stood still.", () =>
    each(from, ({ silentMs }) => Math.round(silentMs)),
  );
  gauge('cluster.node_linked', '1 where there is a link to that node.', () =>
    each(from, ({ isLinked }) => (isLinked ? 1 : 0)),
  );
  gauge('cluster.deadline_left_ms', 'Milliseconds until this node has to stop answering.', () => {
    const left = from.deadlineLeftMs();
    return Number.isFinite(left) ? Math.round(left) : undefined;
  });
  gauge('cluster.shards_held', 'Shards that this node has claimed.', () => from.shardsHeld());
  gauge('cluster.actors', 'Actors in memory.', () => from.actors());
  gauge('cluster.replicas_held', "Replicas of others' actors.", () => from.grants().held);
  gauge('cluster.grants_given', 'Grants on own actors that others hold.', () => from.grants().given);
  gauge('cluster.changes_waiting', 'Changes that are unanswered.', () => from.routes().changes);
  total('cluster.operations', 'Operations, by where they ran.', () => {
    const { here, replica, remote } = from.routes();
    return Object.entries({ here, replica, remote }).map(([where, value]) => ({ value, labels: { where } }));
  });
  total('cluster.tries_again', 'Tries that found nobody who might answer.', () => from.routes().again);
  gauge('cluster.catalog_seq', 'Last change applied, by section of the catalog.', () =>
    Object.entries(from.catalog()).map(([section, value]) => ({ value, labels: { section } })),
  );
  gauge('cluster.store_put_back', '1 where the store is older than what this node remembers of it.', () =>
    from.isStorePutBack() ? 1 : 0,
  );
  gauge(
    'cluster.clock_skew_ms',
    "Milliseconds by which this node's wall clock is ahead of cluster time.",
    () => Math.round(from.skewMs()),
  );
  watchLinks({ gauge, total }, from);
}

function watchLinks({ gauge, total }: Pick<Metrics, 'gauge' | 'total'>, from: ClusterFigures): void {
  gauge('cluster.links', 'Peers that are linked.', () => from.transport().links);
  gauge('cluster.link_requests', 'Requests between nodes that wait for a reply.', () => {
    const { asked, handled } = from.transport();
    return [
      { value: asked, labels: { direction: 'out' } },
      { value: handled, labels: { direction: 'in' } },
    ];
  });
  gauge(
    'cluster.link_waiting_bytes',
    'Bytes that peers have not taken yet.',
    () => from.transport().waitingBytes,
  );
  gauge('cluster.strangers', 'Connections that have not been admitted.', () => from.transport().strangers);
  total('cluster.admissions_refused', 'Admissions that failed, both ways.', () => from.transport().refused);
}

function nodes({ control }: ClusterFigures) {
  return control.glance().nodes.filter(({ isMember }) => isMember);
}

function each(
  from: ClusterFigures,
  value: (node: ReturnType<typeof nodes>[number]) => number,
): MetricValue[] {
  return nodes(from).map((node) => ({ value: value(node), labels: { node: node.nodeId } }));
}
