/**
 * What an operation inside an actor is given besides state and params.
 *
 * @module
 */
import type { ActorContext, ActorId, SendOptions } from '../model/actor.ts';

export interface Surroundings {
  now(): number;
  randomBytes(bytes: number): Buffer;
}

/** A class, so that a read makes one small object and no closures but the record reader. */
export class MessageContext implements ActorContext {
  readonly id: ActorId;
  readonly record: ActorContext['record'];
  readonly #parts: Surroundings;
  readonly #options: SendOptions;

  constructor(id: ActorId, parts: Surroundings, options: SendOptions, record: ActorContext['record']) {
    this.id = id;
    this.record = record;
    this.#parts = parts;
    this.#options = options;
  }
  get claims(): SendOptions['claims'] {
    return this.#options.claims;
  }
  get caller(): SendOptions['caller'] {
    return this.#options.caller;
  }
  get mount(): SendOptions['mount'] {
    return this.#options.mount;
  }
  now(): number {
    return this.#parts.now();
  }
  randomBytes(bytes: number): Buffer {
    return this.#parts.randomBytes(bytes);
  }
}
