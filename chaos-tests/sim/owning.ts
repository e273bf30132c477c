/**
 * The least that makes owners of the real membership, actors and store: a fence per shard, claimed before anything is loaded and compared in
 * every commit, and one hop to the owner (protocol §5, §8). No replicas and no memory of requests: what is not known is told as unknown.
 *
 * It stands here until `src/cluster` has its own.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type Names, shardOf } from '../../src/actors/places.ts';
import { type LocalCluster, makeLocalCluster } from '../../src/cluster/local.ts';
import type { Membership } from '../../src/cluster/membership.ts';
import { ownerOf } from '../../src/cluster/view.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  actorKey,
  type Claims,
  type Cluster,
  type SendOptions,
} from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import { Conflict, type Storage } from '../../src/model/storage.ts';
import type { Transport } from '../../src/model/transport.ts';
import { peerOf } from './member.ts';
import type { SimProcess } from './process.ts';

export interface OwningOptions {
  readonly process: SimProcess;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly names: Names;
  readonly kinds: readonly ActorKind<never>[];
  readonly letters: Letters;
  membership(): Membership;
  log(what: string, error: unknown): void;
}

/** What messages are about: the real ones carry bytes, here they carry a number. */
export interface Letters {
  put(content: unknown): Uint8Array;
  take(bytes: Uint8Array): unknown;
}

export function makeLetters(): Letters {
  const contents: unknown[] = [];
  return {
    put: (content) => Buffer.from(String(contents.push(content) - 1)),
    take: (bytes) => contents[Number(Buffer.from(bytes).toString())],
  };
}

interface Letter {
  readonly op: ActorOperation<unknown, unknown, unknown>;
  readonly id: ActorId;
  readonly params: unknown;
  readonly options: SendOptions;
  readonly epoch: number;
}

type Answer = { readonly reply: unknown } | { readonly error: unknown } | { readonly moved: true };

export interface Owning {
  readonly cluster: Cluster;
  /** Shards that this node has claimed and not let go of. */
  held(): readonly number[];
  /** The view is another: what is not this node's any more goes in this turn. */
  onView(): void;
  /** Everything goes in this turn. */
  dropAll(): void;
  /** Lets what runs end, then lets go. */
  drain(shards: readonly number[]): Promise<void>;
}

export const FENCE_PREFIX = 'fence/';

export interface Fence {
  readonly epoch: number;
  readonly inc: string;
  readonly claim: number;
}

function fencePath(shard: number): string {
  return `${FENCE_PREFIX}${String(shard).padStart(4, '0')}`;
}

export function decodeFence(value: Uint8Array): Fence {
  return JSON.parse(Buffer.from(value).toString()) as Fence;
}

/** One shard in this node's hands. */
interface Holding {
  readonly claimed: Promise<void>;
  readonly cluster: LocalCluster;
  fenceVersion: number;
  running: number;
  isGone: boolean;
}

/** A request is sent again for so long, ms; first after 25 ms, then after twice as long, up to 250. */
const PATIENCE_MS = 6_000;
const AGAIN_MS = 25;
const AGAIN_MS_MAX = 250;
const HOP_MS = 4_000;

/** Thrown where this node is not, or no longer, the owner. */
class Moved extends Error {}

export function makeOwning(options: OwningOptions): Owning {
  const { process, storage, transport, letters } = options;
  const { clock, random } = process;
  const holdings = new Map<number, Holding>();

  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(resolve, ms));

  function maySend(shard: number): boolean {
    const membership = options.membership();
    return membership.isInTime() && membership.mayServe(shard);
  }

  function drop(shard: number): void {
    const holding = holdings.get(shard);
    holdings.delete(shard);
    if (holding) holding.isGone = true;
  }

  async function claim(shard: number, holding: Holding): Promise<void> {
    const membership = options.membership();
    const stored = await storage.get(fencePath(shard));
    const before = stored && decodeFence(stored.value);
    const view = membership.view();
    if (!view || !membership.mayServe(shard)) throw new Moved();
    if (before && before.epoch > view.epoch) throw new Moved();
    const mine: Fence = { epoch: view.epoch, inc: membership.inc(), claim: (before?.claim ?? 0) + 1 };
    const path = fencePath(shard);
    const condition = { path, version: stored?.version ?? 0 };
    holding.fenceVersion = await storage.commit(
      [{ path, value: Buffer.from(JSON.stringify(mine)) }],
      [condition],
    );
  }

  function hold(shard: number): Holding {
    const found = holdings.get(shard);
    if (found) return found;
    const holding: Holding = {
      cluster: makeLocalCluster({
        storage: fenced(shard, () => holding),
        names: options.names,
        kinds: options.kinds,
        now: () => clock.wallMs(),
        randomBytes: (bytes) => random.bytes(bytes),
        setInterval: () => ({ clear() {} }),
        after: () => ({ clear() {} }),
        fault: options.log,
      }),
      claimed: Promise.resolve().then(() => claim(shard, holding)),
      fenceVersion: 0,
      running: 0,
      isGone: false,
    };
    holding.claimed.catch(() => {
      if (holdings.get(shard) === holding) drop(shard);
    });
    holding.cluster.start();
    holdings.set(shard, holding);
    return holding;
  }

  /** The store as the actors of one shard see it. */
  function fenced(shard: number, holdingOf: () => Holding): Storage {
    return {
      ...storage,
      async commit(changes, conditions, signal) {
        const holding = holdingOf();
        const fence = { path: fencePath(shard), version: holding.fenceVersion };
        try {
          return await storage.commit(changes, [fence, ...conditions], signal);
        } catch (error) {
          if (error instanceof Conflict && error.path === fence.path) {
            if (holdings.get(shard) === holding) drop(shard);
            holding.isGone = true;
          }
          throw error;
        }
      },
    };
  }

  /** Runs at the owner. @throws Moved */
  async function serve({ op, id, params, options: sent }: Letter): Promise<unknown> {
    const shard = shardOf(actorKey(id));
    if (!maySend(shard)) throw new Moved();
    const holding = hold(shard);
    let isMoved = false;
    const claims: Claims = {
      ...sent.claims,
      // Asked in the turn in which the state is read: that is the operation's place in the order.
      good() {
        isMoved = holding.isGone || !maySend(shard);
        return !isMoved && sent.claims.good();
      },
    };
    holding.running++;
    try {
      await holding.claimed.catch(moved);
      return await holding.cluster.send(op, id, params, { ...sent, claims });
    } catch (error) {
      if (isMoved || (holding.isGone && isFenceConflict(error))) throw new Moved();
      throw error;
    } finally {
      holding.running--;
    }
  }

  transport.onRequest(async ({ bytes }) => {
    const letter = letters.take(bytes) as Letter;
    let answer: Answer;
    try {
      answer = { reply: await serve(letter) };
    } catch (error) {
      answer = error instanceof Moved ? { moved: true } : { error };
    }
    return letters.put(answer);
  });

  /** One try. @throws Moved where it certainly did not happen and may be sent again. */
  async function tryOnce(letter: Letter): Promise<unknown> {
    const membership = options.membership();
    if (!(await membership.whenInTime())) throw new CodedError('overloaded');
    const view = membership.view();
    const owner = view && ownerOf(view, shardOf(actorKey(letter.id)));
    if (owner === undefined) throw new Moved();
    if (owner === membership.inc()) return serve(letter);
    const nodeId = view!.members.find(({ inc }) => inc === owner)!.nodeId;
    const isLinked = transport.peers().includes(peerOf(nodeId));
    if (!isLinked) throw new Moved();
    let bytes: Uint8Array;
    try {
      bytes = await transport.request(peerOf(nodeId), letters.put(letter), { timeoutMs: HOP_MS });
    } catch (error) {
      // A read may be sent again; of a change nobody knows.
      if (letter.op.mode === 'read') throw new Moved();
      throw error;
    }
    const answer = letters.take(bytes) as Answer;
    if ('moved' in answer) throw new Moved();
    if ('error' in answer) throw answer.error;
    return answer.reply;
  }

  async function send(
    op: ActorOperation<unknown, unknown, unknown>,
    id: ActorId,
    params: unknown,
    sendOptions: SendOptions,
  ): Promise<unknown> {
    const endMs = clock.monotonicMs() + PATIENCE_MS;
    for (let againMs = AGAIN_MS; ; againMs = Math.min(2 * againMs, AGAIN_MS_MAX)) {
      const epoch = options.membership().view()?.epoch ?? 0;
      try {
        return await tryOnce({ op, id, params, options: sendOptions, epoch });
      } catch (error) {
        if (!(error instanceof Moved)) throw error;
        if (clock.monotonicMs() > endMs) throw new CodedError('overloaded');
      }
      await sleep(againMs);
    }
  }

  return {
    cluster: {
      send: send as Cluster['send'],
      peek: () => undefined,
      list: () => assert.fail('no lists here'),
      index: () => assert.fail('no indexes here'),
    },
    held: () => [...holdings.keys()],
    onView() {
      const membership = options.membership();
      const view = membership.view();
      for (const shard of [...holdings.keys()]) {
        if (!view || ownerOf(view, shard) !== membership.inc()) drop(shard);
      }
    },
    dropAll() {
      for (const shard of [...holdings.keys()]) drop(shard);
    },
    async drain(shards) {
      for (const shard of shards) {
        const holding = holdings.get(shard);
        while (holding && holding.running > 0) await sleep(5);
        if (holding) drop(shard);
      }
    },
  };
}

function moved(): never {
  throw new Moved();
}

/** The actor ran into the fence: nothing was written, but only where it says so. */
function isFenceConflict(error: unknown): boolean {
  return error instanceof CodedError && (error.cause instanceof Conflict || error.code === 'stale_claims');
}
