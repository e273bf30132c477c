/**
 * Reading operations on replicas: as the owner runs them on its snapshot, in the turn in which the replica is good (protocol §7).
 *
 * @module
 */
import { MessageContext, type Surroundings } from '../actors/message-context.ts';
import { headPath, type Names, recordPath } from '../actors/places.ts';
import { type ActorId, type AnyActorOperation, RecordGone, type SendOptions } from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { HOT_READ_MS, HOT_READS_NOTED, REPLICA_READS_WORTH } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';
import type { Grants, Replica } from './grants/grants-interface.ts';
import { makeRecent } from './grants/recent.ts';

export interface ReplicaReadsOptions {
  readonly clock: Clock;
  /** Sealed. */
  readonly storage: Pick<Storage, 'get'>;
  readonly names: Names;
  grants(): Pick<Grants, 'peek' | 'held' | 'ask'>;
  /** So many reads within HOT_READ_MS are reason enough to ask for a `hot` one; REPLICA_READS_WORTH where absent. */
  readonly hotReads?: number;
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
  const { clock, storage, names, hotReads = REPLICA_READS_WORTH } = options;
  /** When an actor without a replica was last read, the last few times. */
  const reads = makeRecent<readonly number[]>(HOT_READS_NOTED);

  /** Within how long it was read often enough, this read included; undefined: it was not. */
  function spanOf(key: string): number | undefined {
    const nowMs = clock.monotonicMs();
    const times = [...(reads.get(key) ?? []), nowMs].slice(-hotReads);
    const spanMs = nowMs - times[0]!;
    const isHot = times.length === hotReads && spanMs <= HOT_READ_MS;
    // Whether it is granted or not, the next time wants as many again.
    if (isHot) reads.delete(key);
    else reads.set(key, times);
    return isHot ? spanMs : undefined;
  }

  /** What ends by time ends by its owner's clock, and with it the replica: while that is good, it is not over, whatever this node's says. */
  function timedFor({ actor }: AnyActorOperation, state: unknown): Surroundings {
    const untilMs = actor.goodUntilMs?.(state);
    if (untilMs === undefined) return options;
    return { now: () => Math.min(options.now(), untilMs - 1), randomBytes: options.randomBytes };
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
      const replica = options.grants().held(key);
      const state = replica?.state;
      if (!replica || state === undefined) return undefined;
      if (!sent.claims.good()) throw new CodedError('stale_claims');
      const context = new MessageContext(id, timedFor(op, state), sent, async (name) => {
        return (await storage.get(recordPath(headPath(names, id), name)))?.value;
      });
      const outcome = op.run(state, params, context);
      return outcome instanceof Promise ? readOn(outcome, key, replica, state) : outcome;
    },
    wanted({ actor, mode }, id, key) {
      if (mode !== 'read' || !actor.replicas) return undefined;
      if (actor.replicas === 'always') return options.grants().ask(id);
      const spanMs = spanOf(key);
      return spanMs === undefined ? undefined : options.grants().ask(id, spanMs);
    },
  };
}
