/**
 * The actors of this node: a registry of the active ones, bounded by kind, and the way messages reach them.
 *
 * @module
 */
import type { ActorId, ActorKind, ActorOperation, AnyActorOperation, Peeked } from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import { ACTORS_STOP_MS, PASSIVATE_EVERY_MS } from '../model/limits.ts';
import { Activation, type Registry } from './activation.ts';
import type { Components } from './committed.ts';
import { Doubts } from './doubts.ts';
import { actorKey, shardOf } from './places.ts';
import type { ActorSendOptions } from './round.ts';
import { makeSpawner } from './spawn.ts';

export interface Timers {
  setInterval(run: () => void, ms: number): { clear(): void };
}

export interface ActorsOptions extends Omit<Components, 'doubts'> {
  readonly kinds: readonly ActorKind<never>[];
  readonly timers: Timers;
}

/** What other nodes may hold of an actor. */
export interface Snapshot {
  /** As its kind encodes it; undefined: nothing is stored of it. */
  readonly bytes: Uint8Array | undefined;
  /** Of the head; 0: none. */
  readonly version: number;
}

export interface Actors {
  send<S, P, R>(op: ActorOperation<S, P, R>, id: ActorId, params: P, options: ActorSendOptions): Promise<R>;
  /**
   * `send` of an operation that reads, without a promise where its actor answers in this turn.
   * @returns the reply, or a promise of it.
   * @throws in this turn what it is refused with.
   */
  read(op: AnyActorOperation, id: ActorId, params: unknown, options: ActorSendOptions): unknown;
  /** The committed state if the actor is active here, in this turn, and the version of its head, 0 where there is none; else undefined. */
  peek(key: string): (Peeked & { readonly version: number }) | undefined;
  kind(name: string): ActorKind<unknown> | undefined;
  /** Undefined while it is not active here, or at work. Whether this node may answer from it is the caller's to know. */
  snapshotOf(id: ActorId): Snapshot | undefined;
  /** Makes it active and loads it. @throws as `send`. */
  activate(id: ActorId): Promise<void>;
  /** Resolves when nothing of the shard's actors is under way. */
  whenIdle(shard: number): Promise<void>;
  /** Lets go in this turn of all actors of a shard that is not this node's any more; what waits is told so. */
  dropShard(shard: number): void;
  /**
   * Lets go of all actors of a mount that is gone, once they have done what they are at: after that nothing is written for it, since no
   * claims hold any more.
   */
  releaseMount(mount: string): Promise<void>;
  /** How many are active, by kind. */
  counts(): Record<string, number>;
  /** Takes messages from now on. Before it, and after `stop`, each is answered `sealed`. */
  start(): void;
  /** Takes no more messages, lets running ones end, wipes and lets go of all. */
  stop(): Promise<void>;
}

/** Active actors of one kind, the oldest first. */
type Active = Map<string, Activation>;

export function makeActors(options: ActorsOptions): Actors {
  const parts: Components = { ...options, doubts: new Doubts(options.now) };
  const spawner = makeSpawner((error) => options.fault('actor', error));
  const kinds = new Map<string, ActorKind<unknown>>();
  const active = new Map<string, Active>();
  for (const kind of options.kinds as unknown as readonly ActorKind<unknown>[]) {
    kinds.set(kind.kind, kind);
    active.set(kind.kind, new Map());
  }
  const { ownership } = options;
  /** Active actors by shard; empty where this node is alone. */
  const ofShard = new Map<number, Set<Activation>>();
  let accepting = false;
  /** Resolves when this node stops. */
  let stopping: Promise<void> = Promise.resolve();
  let stop: () => void = () => {};
  let passivator: { clear(): void } | undefined;

  const registry: Registry = {
    spawn: spawner.spawn,
    rested(activation) {
      const among = active.get(activation.id.kind)!;
      if (activation.isLeft && activation.isIdle && among.get(activation.key) === activation)
        letGo(among, activation);
      else letGoIfAbsent(among, activation);
    },
  };

  function activate(id: ActorId, key: string, kind: ActorKind<unknown>, among: Active): Activation {
    const shard = ownership && shardOf(key);
    const holding = shard === undefined ? undefined : ownership?.holding(shard);
    if (ownership && !holding) throw ownership.moved();
    const activation = new Activation(id, key, kind, parts, holding, registry);
    if (among.size >= kind.activeMax) makeRoom(among, kind);
    among.set(key, activation);
    if (shard !== undefined) {
      const others = ofShard.get(shard);
      if (others) others.add(activation);
      else ofShard.set(shard, new Set([activation]));
    }
    return activation;
  }

  /** Where the next look begins, while there is no more room. */
  const hands = new Map<Active, Iterator<Activation>>();

  /** Second chance (CLOCK): who was used since the last look stays until the next one, the first idle one that was not is let go. */
  function makeRoom(among: Active, kind: ActorKind<unknown>): void {
    for (let looks = 64; among.size >= kind.activeMax && looks > 0; looks--) {
      let hand = hands.get(among);
      if (!hand) {
        hand = among.values();
        hands.set(among, hand);
      }
      const { value: activation } = hand.next();
      if (!activation) hands.delete(among);
      else if (activation.touched || !activation.isIdle) activation.touched = false;
      else letGo(among, activation);
    }
  }

  function letGo(among: Active, activation: Activation, told = sealedNow): void {
    among.delete(activation.key);
    if (activation.shard !== undefined) ofShard.get(activation.shard)?.delete(activation);
    activation.release(told);
  }

  /** Resolves when the actor has nothing to do, or when this node has stopped for too long. */
  async function idle(activation: Activation, over: Promise<void>): Promise<void> {
    if (!activation.isIdle) await Promise.race([activation.whenIdle(), over]);
  }

  /** Absent ones are not kept: guessed names and tokens must not push out what is in use. */
  function letGoIfAbsent(among: Active, activation: Activation): void {
    if (activation.kind.keepsAbsent) return;
    if (activation.isAbsent && activation.isIdle && among.get(activation.key) === activation)
      letGo(among, activation);
  }

  const idleLooks = new Map<string, number>();
  function passivateIdle(): void {
    const now = options.now();
    // One that is not moved on for long keeps what was let go of since.
    hands.clear();
    for (const [name, among] of active) {
      const kind = kinds.get(name)!;
      if (now - (idleLooks.get(name) ?? now) < kind.idleMs / 2 && idleLooks.has(name)) continue;
      idleLooks.set(name, now);
      for (const activation of among.values()) {
        if (!activation.isIdle) continue;
        if (!activation.touched) letGo(among, activation);
        activation.touched = false;
      }
    }
  }

  async function readLoaded(
    among: Active,
    activation: Activation,
    op: ActorOperation<unknown, unknown, unknown>,
    params: unknown,
    sendOptions: ActorSendOptions,
  ): Promise<unknown> {
    try {
      return await activation.read(op, params, sendOptions);
    } finally {
      if (!activation.isLoaded && activation.isIdle && among.get(activation.key) === activation)
        letGo(among, activation);
      else letGoIfAbsent(among, activation);
    }
  }

  /** Made active where it is not. @throws where this node takes no messages for it */
  function activeOne(id: ActorId): Activation {
    if (!accepting) throw new CodedError('sealed');
    const among = active.get(id.kind);
    const kind = kinds.get(id.kind);
    if (!among || !kind) throw new Error(`unknown actor kind ${id.kind}`);
    const key = actorKey(id);
    const activation = among.get(key) ?? activate(id, key, kind, among);
    activation.touched = true;
    return activation;
  }

  function read(
    op: ActorOperation<unknown, unknown, unknown>,
    id: ActorId,
    params: unknown,
    sendOptions: ActorSendOptions,
  ): unknown {
    const activation = activeOne(id);
    if (activation.isLoaded) return activation.read(op, params, sendOptions);
    return readLoaded(active.get(id.kind)!, activation, op, params, sendOptions);
  }

  function send(
    op: ActorOperation<unknown, unknown, unknown>,
    id: ActorId,
    params: unknown,
    sendOptions: ActorSendOptions,
  ): Promise<unknown> {
    try {
      if (op.mode === 'read') {
        const reply = read(op, id, params, sendOptions);
        return reply instanceof Promise ? reply : Promise.resolve(reply);
      }
      const activation = activeOne(id);
      const kept = op.mostlyKeeps && activation.keep(op, params, sendOptions);
      if (kept) return Promise.resolve(kept.reply);
      return new Promise<unknown>((resolve, reject) => {
        activation.enqueue({ op, params, options: sendOptions, resolve, reject });
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  return {
    send: send as Actors['send'],
    read,
    peek(key) {
      const among = active.get(key.slice(0, key.indexOf(':')));
      const activation = among?.get(key);
      if (!activation?.isLoaded) return undefined;
      activation.touched = true;
      return activation;
    },
    kind: (name) => kinds.get(name),
    snapshotOf: (id) => active.get(id.kind)?.get(actorKey(id))?.snapshot,
    async activate(id) {
      const activation = activeOne(id);
      if (!activation.isLoaded) await activation.load();
      letGoIfAbsent(active.get(id.kind)!, activation);
    },
    async whenIdle(shard) {
      for (;;) {
        const busy = [...(ofShard.get(shard) ?? [])].filter((activation) => !activation.isIdle);
        if (busy.length === 0) return;
        await Promise.all(busy.map((activation) => activation.whenIdle()));
      }
    },
    dropShard(shard) {
      const moved = () => ownership!.moved();
      for (const activation of [...(ofShard.get(shard) ?? [])])
        letGo(active.get(activation.id.kind)!, activation, moved);
      ofShard.delete(shard);
    },
    async releaseMount(mount) {
      for (const among of active.values()) {
        for (const activation of [...among.values()]) {
          if (activation.id.mount !== mount) continue;
          if (accepting) await idle(activation, stopping);
          if (among.get(activation.key) === activation && activation.isIdle) letGo(among, activation);
        }
      }
    },
    counts: () => Object.fromEntries([...active].map(([name, among]) => [name, among.size])),
    start() {
      accepting = true;
      stopping = new Promise((resolve) => {
        stop = resolve;
      });
      passivator = options.timers.setInterval(passivateIdle, PASSIVATE_EVERY_MS);
    },
    async stop() {
      accepting = false;
      passivator?.clear();
      stop();
      let patience: { clear(): void } | undefined;
      // A store that never answers must not keep keys in memory for ever.
      const over = new Promise<void>((resolve) => {
        patience = options.after(resolve, ACTORS_STOP_MS);
      });
      for (const among of active.values()) {
        for (const activation of [...among.values()]) {
          await idle(activation, over);
          if (among.get(activation.key) === activation) letGo(among, activation);
        }
      }
      patience?.clear();
    },
  };
}

const sealedNow = (): Error => new CodedError('sealed');
