/**
 * Answers of `sys/cluster/…`, as they go over the wire.
 *
 * @module
 */
import type {
  ClusterNode,
  ClusterStatus,
  NodeReport,
  SectionDigest,
  TraceStep,
  Verification,
  Whereabouts,
} from '../../model/cluster-control.ts';
import type { Encodable } from '../../model/json.ts';

type Members = { [key: string]: Encodable };

/** What stands behind `whereis/` and `trace/`; `/v1/` before it may be there. */
export function pathOf(captures: Readonly<Record<string, string>>): string {
  return (captures.path ?? '').replace(/^\/?(?:v1\/)?/, '');
}

export function statusOf(status: ClusterStatus): Members {
  const { pending } = status;
  return {
    node_id: status.self,
    epoch: status.epoch,
    protocol: status.protocol,
    sealed: status.isSealed,
    keeper: status.keeper ?? null,
    shards: status.shards,
    pending: pending
      ? { number: pending.number, members: pending.members, waiting_for: pending.waitingFor }
      : null,
    nodes: status.nodes.map((node) => nodeOf(node, status.shards)),
  };
}

function nodeOf(node: ClusterNode, shards: number): Members {
  return {
    node_id: node.nodeId,
    state: node.standing,
    member: node.isMember,
    sealed: node.isSealed,
    shards: node.shards,
    share: Number((node.shards / shards).toFixed(4)),
    weight: node.weight,
    zone: node.zone,
    api_addr: node.apiAddress,
    cluster_addr: node.clusterAddress,
    peer_id: node.peer,
    incarnation: node.inc,
    version: node.release,
    speaks: node.speaks,
    linked: node.isLinked,
    silent_ms: Math.round(node.silentMs),
    lag: node.lag ?? null,
    report: node.report ? reportOf(node.report) : null,
  };
}

function reportOf(report: NodeReport): Members {
  return {
    state: report.standing,
    epoch: report.epoch,
    catalog: { ...report.catalog },
    shards_held: report.shardsHeld,
    actors: report.actors,
    replicas_held: report.replicasHeld,
    grants_given: report.grantsGiven,
    uptime_s: Math.floor(report.uptimeMs / 1_000),
  };
}

export function whereaboutsOf(found: Whereabouts): Members {
  return {
    actor: found.actor,
    shard: found.shard,
    epoch: found.epoch,
    owner: found.owner ?? null,
    claimed: found.isClaimed ?? null,
    active: found.isActive ?? null,
    replicas: found.replicas,
  };
}

export function traceOf(path: string, steps: readonly TraceStep[]): Members {
  return {
    path,
    steps: steps.map(({ node, what, atMs, tookMs }) => ({
      node_id: node,
      step: what,
      at_ms: thousandths(atMs),
      took_ms: tookMs === undefined ? null : thousandths(tookMs),
    })),
  };
}

export function verificationOf(found: Verification): Members {
  return {
    good: found.isGood,
    faults: found.faults,
    stored: sectionsOf(found.stored),
    nodes: found.nodes.map(({ node, sections, fences, faults }) => ({
      node_id: node,
      answered: sections !== undefined,
      fences,
      faults,
      sections: sections ? sectionsOf(sections) : null,
    })),
  };
}

function sectionsOf(sections: Readonly<Record<string, SectionDigest>>): Members {
  return Object.fromEntries(
    Object.entries(sections).map(([name, { seq, digest }]) => [name, { seq, digest }]),
  );
}

function thousandths(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
