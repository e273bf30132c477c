/**
 * A cluster of three as an operator sees it, made by hand: `n1` answers, `n2` serves, `n3` is silent.
 *
 * @module
 */
import type {
  ClusterControl,
  ClusterNode,
  ClusterStatus,
  Standing,
} from '../../src/model/cluster-control.ts';
import { badRequest } from '../../src/model/errors.ts';

export interface FakeControl extends ClusterControl {
  standingNow: Standing;
  /** What was asked for. */
  readonly done: string[];
}

export function clusterNode(n: number, standing: Standing, shards: number): ClusterNode {
  return {
    nodeId: `n${n}`,
    inc: String(n).repeat(32),
    peer: `12D3KooW${n}`,
    apiAddress: `http://127.0.0.1:${8_000 + n}`,
    clusterAddress: `https://127.0.0.1:${9_000 + n}`,
    standing,
    isMember: true,
    isSealed: false,
    shards,
    weight: 1,
    zone: '',
    release: '0.1.0',
    speaks: [1, 1],
    isLinked: standing !== 'silent',
    silentMs: standing === 'silent' ? 1_400 : 0,
    lag: standing === 'silent' ? undefined : 0,
    report:
      standing === 'silent'
        ? undefined
        : {
            standing,
            epoch: 7,
            catalog: { mounts: 4, policies: 2 },
            shardsHeld: shards,
            actors: 10,
            replicasHeld: 3,
            grantsGiven: 2,
            uptimeMs: 61_000,
          },
  };
}

export function fakeControl(sinceMs = Date.UTC(2026, 0, 2)): FakeControl {
  const done: string[] = [];
  const glance = (): ClusterStatus => ({
    self: 'n1',
    epoch: 7,
    protocol: 1,
    shards: 1_024,
    isSealed: false,
    keeper: 'n2',
    pending: { number: 8, members: ['n1', 'n2'], waitingFor: ['n2'] },
    nodes: [
      clusterNode(1, control.standingNow, 342),
      clusterNode(2, 'serving', 341),
      clusterNode(3, 'silent', 341),
    ],
  });
  const control: FakeControl = {
    nodeId: 'n1',
    standingNow: 'serving',
    done,
    standing: () => control.standingNow,
    memberSinceMs: () => (control.standingNow === 'serving' ? sinceMs : undefined),
    glance,
    async status({ ask = false } = {}) {
      done.push(`status ${ask}`);
      return glance();
    },
    async whereis(id) {
      return {
        actor: `${id.kind}:${id.namespace}/${id.mount}/${id.name}`,
        shard: 17,
        epoch: 7,
        owner: 'n2',
        isClaimed: true,
        isActive: undefined,
        replicas: ['n1'],
      };
    },
    trace: async () => [
      { node: 'n1', what: 'came in', atMs: 0, tookMs: undefined },
      { node: 'n2', what: 'owner', atMs: 0.123_4, tookMs: 1.5 },
    ],
    async drain(node) {
      if (!/^n[123]$/.test(node)) throw badRequest('there is no such node');
      done.push(`drain ${node}`);
    },
    async remove(node) {
      done.push(`remove ${node}`);
      return { peer: '12D3KooW3', nodeId: node, atMs: sinceMs };
    },
    async approve(peer) {
      done.push(`approve ${peer}`);
    },
    admitted: async () => ({
      isApprovalNeeded: true,
      approved: [{ peer: '12D3KooW1', nodeId: 'n1', atMs: sinceMs }],
      barred: [],
      applicants: [{ peer: '12D3KooW4', nodeId: 'n4', atMs: sinceMs }],
    }),
    async rotateSecret() {
      done.push('rotate secret');
      return ['n1', 'n2'];
    },
    async verify({ accept = false } = {}) {
      done.push(`verify ${accept}`);
      const sections = { mounts: { seq: 4, digest: 'ab' } };
      return {
        isGood: accept,
        stored: sections,
        nodes: [
          { node: 'n1', sections, fences: 342, faults: [] },
          { node: 'n3', sections: undefined, fences: 0, faults: ['it did not answer'] },
        ],
        faults: accept ? [] : ['n3 did not answer'],
      };
    },
  };
  return control;
}
