/**
 * The operator's hand on the cluster: what `sys/cluster/…` asks for. Every node answers; what concerns another is asked of it over the post.
 *
 * @module
 */
import { shardOf } from '../actors/places.ts';
import { type ActorId, actorKey } from '../model/actor.ts';
import type { ClusterControl, NodeReport, Whereabouts } from '../model/cluster-control.ts';
import { badRequest, CodedError } from '../model/errors.ts';
import { CONTROL_ASK_MS, CONTROL_LOOK_MS, REMOVE_WAIT_MS, STATUS_ASK_MS } from '../model/limits.ts';
import type { PeerId } from '../model/transport.ts';
import { isPeerId } from './admission-record.ts';
import type { ControlParts } from './control-parts.ts';
import { makeStatus, ownReport, ownStanding } from './control-status.ts';
import { makeFindings } from './findings.ts';
import { type MemberRecord, memberKey } from './member-record.ts';
import { makeSecretRotation } from './secret-rotation.ts';
import { makeTracing, type Sighting } from './tracing.ts';
import { isMember, ownerOf } from './view.ts';

export interface OwnControl extends ClusterControl {
  /** To be called with each newer view, and when time or sealing changed. */
  look(): void;
}

export function makeClusterControl(parts: ControlParts): OwnControl {
  const { clock, post, admissions, nodeId, log } = parts;
  const startedMs = clock.monotonicMs();
  let memberSince: number | undefined;
  const asking = { timeoutMs: CONTROL_ASK_MS };
  const findings = makeFindings(parts);
  const rotation = makeSecretRotation(parts);
  const { sight, nameOf, trace } = makeTracing(parts);

  const records = () => parts.membership().members();
  const own = () => parts.membership().inc();

  // What others ask

  post.onRequest('cluster/report', () => ownReport(parts, startedMs));
  post.onRequest('cluster/drain', () => drainOwn());
  post.onRequest('cluster/admissions', () => admissions.look());

  function drainOwn(): void {
    log.info('an operator drains this node');
    parts.drain().catch((error: unknown) => log.error('this node could not be drained', { error }));
  }

  // What is asked of others

  /** The answers of those that give one in time, by `inc`; this node's own from `mine`. */
  async function askAll<T>(
    kind: string,
    value: unknown,
    mine: () => T,
    asking = { timeoutMs: CONTROL_ASK_MS },
  ): Promise<Map<string, T>> {
    const answers = new Map<string, T>([[own(), mine()]]);
    const asked = [...records()]
      .filter(([inc]) => inc !== own())
      .map(([inc, { peerId }]) => ask(inc, peerId));
    async function ask(inc: string, peer: PeerId): Promise<void> {
      try {
        answers.set(inc, (await post.request(peer, kind, value, asking)) as T);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
      }
    }
    await Promise.all(asked);
    return answers;
  }

  /** The node that is called so; of several lives the one that beats. @throws CodedError `bad_request` */
  function find(node: string): { inc: string; record: MemberRecord } {
    const found = [...records()].filter(([, record]) => record.nodeId === node || record.peerId === node);
    const [inc, record] = found.find(([life]) => parts.membership().isBeating(life)) ?? found[0] ?? [];
    if (inc === undefined || record === undefined) throw badRequest(`there is no node of this name`);
    return { inc, record };
  }

  async function whereis(id: ActorId): Promise<Whereabouts> {
    const key = actorKey(id);
    const shard = shardOf(key);
    const sightings = await askAll<Sighting>('cluster/sight', key, () => sight(key));
    const view = parts.membership().view();
    const owner = view && ownerOf(view, shard);
    const there = owner === undefined ? undefined : sightings.get(owner);
    return {
      actor: key,
      shard,
      epoch: view?.epoch ?? 0,
      owner: nameOf(owner),
      isClaimed: there?.isClaimed,
      isActive: there?.isActive,
      replicas: [...sightings].flatMap(([inc, { isReplica }]) => (isReplica ? (nameOf(inc) ?? []) : [])),
    };
  }

  /** Waits, looking now and then. @throws CodedError `unavailable` */
  async function until(isDone: () => boolean, what: string): Promise<void> {
    const endMs = clock.monotonicMs() + REMOVE_WAIT_MS;
    while (!isDone()) {
      if (clock.monotonicMs() > endMs) throw new CodedError('unavailable', what);
      await new Promise<void>((resolve) => void clock.after(resolve, CONTROL_LOOK_MS));
    }
  }

  /** Its record goes: then its absence is timed, and it is evicted. It beats meanwhile, so the version may be another already. */
  async function deleteRecord(inc: string): Promise<void> {
    const key = memberKey(inc);
    for (;;) {
      const seen = await parts.coordinator.step({ conditions: [], changes: [], reads: [key] });
      if (seen.outcome === 'unknown') throw new CodedError('unavailable');
      const found = seen.records.get(key);
      if (!found) return;
      const done = await parts.coordinator.step({
        conditions: [{ key, version: found.version }],
        changes: [{ key, value: undefined }],
      });
      if (done.outcome === 'ok') return;
    }
  }

  return {
    nodeId,
    standing: () => ownStanding(parts),
    memberSinceMs: () => memberSince,
    look() {
      const view = parts.membership().view();
      const isIn = !parts.isSealed() && view !== undefined && isMember(view, own());
      memberSince = isIn ? (memberSince ?? clock.wallMs()) : undefined;
    },
    glance: () => makeStatus(parts, new Map()),
    async status({ ask = false } = {}) {
      if (!ask) return makeStatus(parts, new Map());
      const mine = () => ownReport(parts, startedMs);
      const reports = await askAll<NodeReport>('cluster/report', undefined, mine, {
        timeoutMs: STATUS_ASK_MS,
      });
      return makeStatus(parts, reports);
    },
    whereis,
    trace,
    async drain(node) {
      const { inc, record } = find(node);
      if (inc === own()) return drainOwn();
      await post.request(record.peerId, 'cluster/drain', undefined, asking);
    },
    async remove(node) {
      // One that is long gone has no record; who was admitted by an operator is remembered all the same.
      const known = admissions.list().approved?.find(({ nodeId: called }) => called === node);
      const peer = isPeerId(node) ? node : (known?.peer ?? find(node).record.peerId);
      if (peer === post.transport.peer) {
        throw badRequest('a node does not remove itself: ask another one');
      }
      const lives = [...records()].filter(([, record]) => record.peerId === peer);
      const called = lives[0]?.[1].nodeId ?? known?.nodeId ?? '';
      await admissions.bar(peer, called);
      await askAll('cluster/admissions', undefined, () => true);
      for (const [inc] of lives) await deleteRecord(inc);
      const isIn = (): boolean => {
        const view = parts.membership().view();
        return view !== undefined && lives.some(([inc]) => isMember(view, inc));
      };
      await until(() => !isIn(), 'the identity is barred; its node is still to be evicted');
      return { peer, nodeId: called, atMs: clock.wallMs() };
    },
    async approve(peer) {
      if (!isPeerId(peer)) throw badRequest('expected a peer id such as 12D3KooW…');
      const nodeIdOf = [...records().values()].find(({ peerId }) => peerId === peer)?.nodeId ?? '';
      await admissions.approve(peer, nodeIdOf);
      await askAll('cluster/admissions', undefined, () => true);
    },
    async admitted() {
      await admissions.look();
      const { approved = [], barred } = admissions.list();
      const asked = new Map(
        admissions.applicants().map(({ peer, atMs }) => [peer, { peer, nodeId: '', atMs }]),
      );
      for (const { peerId: peer, nodeId: called } of records().values()) {
        const isOut = !admissions.isAdmitted(peer) && !admissions.isBarred(peer);
        if (isOut) asked.set(peer, { peer, nodeId: called, atMs: asked.get(peer)?.atMs ?? clock.wallMs() });
      }
      return {
        isApprovalNeeded: admissions.isApprovalNeeded,
        approved,
        barred,
        applicants: [...asked.values()],
      };
    },
    rotateSecret: rotation.rotate,
    verify: findings.verify,
  };
}
