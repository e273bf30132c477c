/**
 * Reading operations on replicas: as the owner runs them on its snapshot, in the turn in which the replica is good (protocol §7).
 *
 * @module
 */
import { MessageContext } from '../actors/message-context.ts';
import { headPath, type Names, recordPath } from '../actors/places.ts';
import { type ActorId, type AnyActorOperation, RecordGone, type SendOptions } from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { HOT_READ_MS, HOT_READS_NOTED } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';
import type { Grants, Replica } from './grants/grants-interface.ts';

export interface ReplicaReadsOptions {
  readonly clock: Clock;
  /** Sealed. */
  readonly storage: Pick<Storage, 'get'>;
  readonly names: Names;
  grants(): Pick<Grants, 'peek' | 'ask'>;
  now(): number;
  randomBytes(bytes: number): Buffer;
}

export interface ReplicaReads {
  /**
   * The reply of the operation; undefined: no replica is good, and the owner has to be asked.
   * @throws CodedError `stale_claims`, and what the operation throws.
   */
  run(
    op: AnyActorOperation,
    id: ActorId,
    key: string,
    params: unknown,
    options: SendOptions,
  ): Promise<{ reply: unknown } | undefined> | { reply: unknown } | undefined;
  /** Asks for a replica, where this read is reason enough. Undefined: it is not. */
  wanted(op: AnyActorOperation, id: ActorId, key: string): Promise<unknown> | undefined;
}

export function makeReplicaReads(options: ReplicaReadsOptions): ReplicaReads {
  const { clock, storage, names } = options;
  /** When an actor without a replica was read last, oldest first. */
  const reads = new Map<string, number>();

  function isHot(key: string): boolean {
    const nowMs = clock.monotonicMs();
    const beforeMs = reads.get(key);
    reads.delete(key);
    if (beforeMs !== undefined && nowMs - beforeMs <= HOT_READ_MS) return true;
    if (reads.size >= HOT_READS_NOTED) reads.delete(reads.keys().next().value!);
    reads.set(key, nowMs);
    return false;
  }

  async function readOn(
    running: Promise<{ reply: unknown }>,
    key: string,
    replica: Replica,
    state: unknown,
  ): Promise<{ reply: unknown } | undefined> {
    // Where the replica went meanwhile, the records read may be of another state.
    const isOfOneState = () => options.grants().peek(key) === replica && replica.state === state;
    try {
      const { reply } = await running;
      return isOfOneState() ? { reply } : undefined;
    } catch (error) {
      if (isOfOneState() && !(error instanceof RecordGone)) throw error;
      return undefined;
    }
  }

  return {
    run(op, id, key, params, sent) {
      const replica = options.grants().peek(key);
      const state = replica?.state;
      if (!replica || state === undefined) return undefined;
      if (!sent.claims.good()) throw new CodedError('stale_claims');
      const context = new MessageContext(id, options, sent, async (name) => {
        return (await storage.get(recordPath(headPath(names, id), name)))?.value;
      });
      const outcome = op.run(state, params, context);
      return outcome instanceof Promise ? readOn(outcome, key, replica, state) : outcome;
    },
    wanted({ actor, mode }, id, key) {
      if (mode !== 'read' || !actor.replicas) return undefined;
      if (actor.replicas === 'hot' && !isHot(key)) return undefined;
      return options.grants().ask(id);
    },
  };
}
