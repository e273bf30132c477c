/**
 * Health and leadership, as load balancers and clients ask for them (contract §1.11, §2.1).
 *
 * @module
 */
import { hostname } from 'node:os';
import type { ClusterControl } from '../../model/cluster-control.ts';
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { CodedError } from '../../model/errors.ts';
import type { Encodable, Json } from '../../model/json.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import { COFFER_VERSION, VAULT_VERSION } from '../../model/version.ts';
import type { SystemCore } from './core.ts';

/** Status codes that a caller may choose for a state of the node; states this server never has are still checked. */
const CODES = {
  activecode: 200,
  standbycode: 429,
  sealedcode: 503,
  uninitcode: 501,
  drsecondarycode: 472,
  performancestandbycode: 473,
  /** Vault has 474 for a standby that is cut off; here it is a node that balancers are to leave alone. */
  haunhealthycode: 503,
  removedcode: 530,
};
const FLAGS = ['standbyok', 'perfstandbyok'];

export function healthRoutes(core: SystemCore): Record<string, Route> {
  const described = Object.entries(CODES).map(
    ([name, code]) => [name, p.int(`Status to answer instead of ${code}.`)] as const,
  );
  return {
    health: {
      head: true,
      open: true,
      whileSealed: true,
      read: operation({
        summary: 'Says by its status how the node does.',
        wholeBody: true,
        params: {
          ...Object.fromEntries(described),
          standbyok: p.bool('A standby is healthy too.'),
          perfstandbyok: p.bool('A performance standby is healthy too.'),
        },
        run: (_params, ctx) => health(core, ctx),
      }),
    },
    leader: {
      open: true,
      whileSealed: true,
      inNamespaces: true,
      read: operation({
        summary: 'Who leads? In a cluster each node that serves, without one nobody.',
        params: {},
        run: async () => ({ bare: core.cluster ? await leader(core, core.cluster) : NO_LEADER }),
      }),
    },
    'ha-status': {
      read: operation({
        summary: 'Shows the nodes of the cluster.',
        params: {},
        run: (_params, { now }) => ({
          inject: true,
          data: { nodes: core.cluster ? memberNodes(core.cluster, now()) : [thisNode(core)] },
        }),
      }),
    },
  };
}

/** What Vault answers on storage that has no leader. */
const NO_LEADER: { readonly [key: string]: Encodable } = {
  ha_enabled: false,
  is_self: false,
  active_time: '0001-01-01T00:00:00Z',
  leader_address: '',
  leader_cluster_address: '',
  performance_standby: false,
  performance_standby_last_remote_wal: 0,
};

/** A client that looks for the active node finds it in each that serves: there is nothing to forward. */
async function leader(core: SystemCore, cluster: ClusterControl): Promise<Encodable> {
  const { initialized, sealed } = await core.seal.status();
  if (!initialized || sealed) throw new CodedError('sealed');
  const since = cluster.memberSinceMs();
  const isServing = cluster.standing() === 'serving';
  const serving = cluster.glance().nodes.find(({ standing }) => standing === 'serving');
  return {
    ...NO_LEADER,
    ha_enabled: true,
    is_self: isServing,
    active_time: isServing && since !== undefined ? rfc3339(since) : NO_LEADER.active_time,
    leader_address: isServing ? core.node.apiAddress : (serving?.apiAddress ?? ''),
    leader_cluster_address: isServing ? core.node.clusterAddress : (serving?.clusterAddress ?? ''),
  };
}

function memberNodes(cluster: ClusterControl, nowMs: number): Encodable[] {
  const { nodes, self } = cluster.glance();
  return nodes
    .filter(({ isMember }) => isMember)
    .map((node) => ({
      hostname: node.nodeId,
      api_address: node.apiAddress,
      cluster_address: node.clusterAddress,
      active_node: node.standing === 'serving',
      last_echo: node.nodeId === self ? null : rfc3339(nowMs - node.silentMs),
      echo_duration_ms: 0,
      clock_skew_ms: 0,
      replication_primary_canary_age_ms: 0,
      version: VAULT_VERSION,
    }));
}

function thisNode({ node }: SystemCore): Encodable {
  return {
    hostname: hostname(),
    api_address: node.apiAddress,
    cluster_address: node.clusterAddress,
    active_node: true,
    last_echo: null,
    echo_duration_ms: 0,
    clock_skew_ms: 0,
    replication_primary_canary_age_ms: 0,
    version: VAULT_VERSION,
  };
}

async function health(core: SystemCore, { request, now }: RouteContext): Promise<LogicalReply> {
  const sent = (name: string) => first(request.query.get(name));
  const codes = codesOf(sent);
  const { initialized, sealed } = await core.seal.status();
  const open = initialized && !sealed;
  // A node that leaves, has not entered yet, or is cut off answers no request.
  const standing = core.cluster?.standing() ?? 'serving';
  const isServing = open && standing === 'serving';
  // Cut off, and told to go on with reads: what Vault calls a performance standby.
  const isReading = open && standing === 'held' && core.node.staleForMs?.() !== undefined;
  const readingCode = p.toBool(sent('perfstandbyok') ?? false)
    ? codes.activecode
    : codes.performancestandbycode;
  const openCode = isServing ? codes.activecode : isReading ? readingCode : codes.haunhealthycode;
  const cluster = open ? core.node.cluster() : undefined;
  const replication = open ? 'disabled' : 'unknown';
  return {
    status: !initialized ? codes.uninitcode : sealed ? codes.sealedcode : openCode,
    bare: {
      initialized,
      sealed: !open,
      standby: !isServing,
      performance_standby: isReading,
      replication_performance_mode: replication,
      replication_dr_mode: replication,
      server_time_utc: Math.floor(now() / 1_000),
      version: VAULT_VERSION,
      coffer_version: COFFER_VERSION,
      enterprise: false,
      cluster_name: cluster?.name,
      cluster_id: cluster?.id,
      echo_duration_ms: 0,
      clock_skew_ms: 0,
      replication_primary_canary_age_ms: 0,
    },
  };
}

function first(value: Json | undefined): Json | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** @throws CodedError `bad_request` without a text, as Vault's. */
function codesOf(sent: (name: string) => Json | undefined): typeof CODES {
  const codes = { ...CODES };
  try {
    for (const flag of FLAGS) p.toBool(sent(flag) ?? false);
    for (const name of Object.keys(CODES) as (keyof typeof CODES)[]) {
      const text = sent(name);
      if (text === undefined) continue;
      // A status is three digits; below 200 it would be no answer yet.
      if (typeof text !== 'string' || !/^[2-9]\d\d$/.test(text)) throw new Error('not a status');
      codes[name] = Number(text);
    }
  } catch {
    throw new CodedError('bad_request', []);
  }
  return codes;
}
