/**
 * One snapshot in a holder's memory. It may be kept by who answers from it: it says itself when it is good no more.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import type { Replica } from './grants-interface.ts';

/** To one life of an owner. */
export interface LinkToOwner {
  readonly owner: string;
  /** Of what may be answered from; 0: none yet. */
  generation: number;
  /** By the holder's clock. */
  goodUntilMs: number;
}

export interface HeldReplicaParts {
  readonly key: string;
  readonly shard: number;
  readonly link: LinkToOwner;
  readonly number: number;
  readonly version: number;
  /** Its own term's end, by the holder's clock. */
  readonly untilMs: number;
  readonly state: unknown;
  readonly wipe: (() => void) | undefined;
  readonly clock: Clock;
  isInTime(): boolean;
}

export class HeldReplica implements Replica {
  readonly key: string;
  readonly shard: number;
  readonly link: LinkToOwner;
  readonly number: number;
  readonly version: number;
  /** How often its state was asked for. */
  reads = 0;
  readonly #parts: HeldReplicaParts;
  #state: unknown;
  #untilMs: number;
  #readsAtLook = -1;

  constructor(parts: HeldReplicaParts) {
    this.key = parts.key;
    this.shard = parts.shard;
    this.link = parts.link;
    this.number = parts.number;
    this.version = parts.version;
    this.#parts = parts;
    this.#state = parts.state;
    this.#untilMs = parts.untilMs;
  }

  /** To be asked in the turn in which it is answered from. */
  get isGood(): boolean {
    const { clock, isInTime } = this.#parts;
    return clock.monotonicMs() < this.goodUntilMs && isInTime();
  }

  get goodUntilMs(): number {
    return Math.min(this.#untilMs, this.link.goodUntilMs);
  }

  get state(): unknown {
    if (!this.isGood) return undefined;
    this.reads++;
    return this.#state;
  }

  /** However old, where it has no term of its own that is over. */
  get staleState(): unknown {
    return this.#parts.clock.monotonicMs() < this.#untilMs ? this.#state : undefined;
  }

  /** Nobody read it since this was asked last. */
  isIdle(): boolean {
    const isIdle = this.reads === this.#readsAtLook;
    this.#readsAtLook = this.reads;
    return isIdle;
  }

  drop(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    this.#state = undefined;
    this.#parts.wipe?.();
  }
}
