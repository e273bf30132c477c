/**
 * The way of a read through the nodes.
 *
 * @module
 */
import { shardOf } from '../actors/places.ts';
import { type ActorId, actorKey } from '../model/actor.ts';
import type { TraceStep } from '../model/cluster-control.ts';
import { CodedError } from '../model/errors.ts';
import { CONTROL_ASK_MS } from '../model/limits.ts';
import type { ControlParts } from './control-parts.ts';
import { ownerOf } from './view.ts';

/** What a node says of one actor. */
export interface Sighting {
  readonly isClaimed: boolean;
  readonly isActive: boolean;
  readonly isReplica: boolean;
  readonly epoch: number;
}

export interface Tracing {
  /** What this node says of the actor. */
  sight(key: string): Sighting;
  /** Node id of a member. */
  nameOf(inc: string | undefined): string | undefined;
  trace(id: ActorId): Promise<TraceStep[]>;
}

export function makeTracing(parts: ControlParts): Tracing {
  const { clock, post, nodeId } = parts;
  const asking = { timeoutMs: CONTROL_ASK_MS };
  const own = () => parts.membership().inc();

  post.onRequest('cluster/sight', (key) => sight(String(key)));

  function sight(key: string): Sighting {
    return {
      isClaimed: parts.shards.isHeld(shardOf(key)),
      isActive: parts.isActive(key),
      isReplica: parts.grants.peek(key) !== undefined,
      epoch: parts.membership().view()?.epoch ?? 0,
    };
  }

  function nameOf(inc: string | undefined): string | undefined {
    return parts
      .membership()
      .view()
      ?.members.find((member) => member.inc === inc)?.nodeId;
  }

  /** What is known of the way beforehand; then a read that reads nothing goes it. */
  async function trace(id: ActorId): Promise<TraceStep[]> {
    const began = clock.monotonicMs();
    const steps: TraceStep[] = [];
    const add = (node: string, what: string, fromMs = clock.monotonicMs(), tookMs?: number): void =>
      void steps.push({ node, what, atMs: fromMs - began, tookMs });
    const key = actorKey(id);
    const shard = shardOf(key);
    const view = parts.membership().view();
    const owner = view && ownerOf(view, shard);
    add(
      nodeId,
      `came in; shard ${shard}, epoch ${view?.epoch ?? 0}, owner ${nameOf(owner) ?? 'nobody'}`,
      began,
    );
    const replica = parts.grants.peek(key);
    if (owner === own()) add(nodeId, memoryOf(sight(key)));
    else if (replica) {
      const left = Math.round(replica.goodUntilMs - clock.monotonicMs());
      add(nodeId, `replica, good for ${left} ms more: no hop is needed`);
    } else await probe(owner, key, view?.epoch, add);
    const sentMs = clock.monotonicMs();
    try {
      const at = await parts.touch(id);
      const where =
        at !== nodeId ? `at its owner` : owner === own() ? 'here, at its owner' : 'here, on a replica';
      add(at, `a read ran ${where}`, sentMs, clock.monotonicMs() - sentMs);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      add(nodeId, `a read failed: ${error.message}`, sentMs, clock.monotonicMs() - sentMs);
    }
    return steps;
  }

  async function probe(
    owner: string | undefined,
    key: string,
    epoch: number | undefined,
    add: (node: string, what: string, fromMs: number, tookMs?: number) => void,
  ): Promise<void> {
    const record = owner === undefined ? undefined : parts.membership().members().get(owner);
    if (!record) return;
    const sentMs = clock.monotonicMs();
    try {
      const there = (await post.request(record.peerId, 'cluster/sight', key, asking)) as Sighting;
      const tookMs = clock.monotonicMs() - sentMs;
      add(nodeId, `one hop to ${record.nodeId} and back`, sentMs, tookMs);
      const moved = there.epoch === epoch ? '' : `; it goes by epoch ${there.epoch}`;
      add(record.nodeId, memoryOf(there) + moved, sentMs + tookMs / 2);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const tookMs = clock.monotonicMs() - sentMs;
      add(nodeId, `${record.nodeId} did not answer: ${error.message}`, sentMs, tookMs);
    }
  }

  return { sight, nameOf, trace };
}

function memoryOf({ isClaimed, isActive }: Sighting): string {
  if (!isClaimed) return 'owner: it claims the shard with the first request';
  return isActive ? 'owner: in memory' : 'owner: to be read from the store';
}
