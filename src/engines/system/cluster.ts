/**
 * The cluster, as its operators see and steer it: `sys/cluster/…`, all of it with `sudo`. Vault has nothing of the kind under these paths.
 *
 * @module
 */
import type { Admitted, ClusterControl, Identity } from '../../model/cluster-control.ts';
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import * as p from '../../model/params.ts';
import { rfc3339 } from '../../model/time.ts';
import { pathOf, statusOf, traceOf, verificationOf, whereaboutsOf } from './cluster-answers.ts';
import type { SystemCore } from './core.ts';

export function clusterRoutes(core: SystemCore): Record<string, Route> {
  const control = (): ClusterControl => {
    if (!core.cluster) throw badRequest('this server runs alone: it is part of no cluster');
    return core.cluster;
  };
  return {
    'cluster/status': {
      sudo: true,
      read: operation({
        summary: 'Shows the nodes, the view, and who owns how much.',
        params: { ask: p.bool('Ask each node for its own report.', { absent: true }) },
        run: async ({ ask }) => ({
          data: { ...core.node.cluster(), ...statusOf(await control().status({ ask })) },
        }),
      }),
    },
    'cluster/whereis/:path*': {
      sudo: true,
      read: operation({
        summary: 'Says which node owns what a path names, and which hold a replica of it.',
        params: {},
        run: async (_params, { captures, caller }) => {
          const id = core.actorAt(pathOf(captures), caller);
          return { data: whereaboutsOf(await control().whereis(id)) };
        },
      }),
    },
    'cluster/trace/:path*': {
      sudo: true,
      read: operation({
        summary: 'Shows the way of a read of this path through the nodes, with times.',
        params: {},
        run: async (_params, { captures, caller }) => {
          const id = core.actorAt(pathOf(captures), caller);
          return { data: traceOf(pathOf(captures), await control().trace(id)) };
        },
      }),
    },
    'cluster/drain': {
      sudo: true,
      update: operation({
        summary: 'Has a node give away what it owns and leave; it serves again once it is started anew.',
        params: { node_id: p.string('Which node; the one that is asked where absent.', { absent: '' }) },
        run: async ({ node_id }) => {
          const node = node_id === '' ? control().nodeId : node_id;
          await control().drain(node);
          return { data: { node_id: node, state: 'leaving' } };
        },
      }),
    },
    'cluster/remove': {
      sudo: true,
      update: operation({
        summary: "Bars a node's identity for good and has it evicted.",
        params: { node: p.string('Node id or peer id.', { required: true }) },
        run: async ({ node = '' }) => {
          if (node === '') throw badRequest('missing node');
          return { data: identityOf(await control().remove(node)) };
        },
      }),
    },
    'cluster/approve': {
      sudo: true,
      update: operation({
        summary: 'Admits a new identity, where the cluster asks for that.',
        params: { peer_id: p.string("The new node's peer id, as its log shows it.", { required: true }) },
        run: async ({ peer_id = '' }) => {
          await control().approve(peer_id);
          return {};
        },
      }),
    },
    'cluster/identities': {
      sudo: true,
      read: operation({
        summary: 'Lists the identities that are admitted, barred, or wait for an operator.',
        params: {},
        run: async () => ({ data: admittedOf(await control().admitted()) }),
      }),
    },
    'cluster/secret/rotate': {
      sudo: true,
      update: operation({
        summary: "Renews the cluster's secret on all members.",
        params: {},
        run: async () => ({ data: { nodes: await control().rotateSecret() } }),
      }),
    },
    'cluster/verify': {
      sudo: true,
      read: operation({
        summary: 'Compares what the nodes hold and remember with each other and with the store.',
        params: {},
        run: async () => ({ data: verificationOf(await control().verify()) }),
      }),
      update: operation({
        summary:
          'The same; what is stored may be older than what the nodes remember, and is right all the same.',
        params: { accept: p.bool('A backup was put back on purpose.', { absent: false }) },
        run: async ({ accept }) => ({ data: verificationOf(await control().verify({ accept })) }),
      }),
    },
  };
}

function admittedOf(admitted: Admitted): { [key: string]: Encodable } {
  return {
    approval_needed: admitted.isApprovalNeeded,
    approved: admitted.approved.map(identityOf),
    barred: admitted.barred.map(identityOf),
    applicants: admitted.applicants.map(identityOf),
  };
}

function identityOf({ peer, nodeId, atMs }: Identity): { [key: string]: Encodable } {
  return { peer_id: peer, node_id: nodeId, time: rfc3339(atMs) };
}
