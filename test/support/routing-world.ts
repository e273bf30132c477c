/**
 * Nodes that route to one another: real routing and post, and of the rest the least that keeps its word. One store of states with the
 * memory of outcomes, a view that the test writes, replicas that the test hands out.
 *
 * @module
 */
import { keptReply, type Memory, replyBytes } from '../../src/actors/memory.ts';
import type { Names } from '../../src/actors/places.ts';
import type { Faults } from '../../src/cluster/faults.ts';
import type { Replica } from '../../src/cluster/grants/grants-interface.ts';
import type { MemberRecord } from '../../src/cluster/member-record.ts';
import { Moved } from '../../src/cluster/moved.ts';
import { makeOperations } from '../../src/cluster/operations.ts';
import { makePost } from '../../src/cluster/post.ts';
import { makeRouting, type Routing } from '../../src/cluster/routing.ts';
import { ownerOf, type View } from '../../src/cluster/view.ts';
import {
  type ActorContext,
  type ActorId,
  type ActorKind,
  type ActorOperation,
  actorKey,
  RecordGone,
} from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import { packValue, unpackValue } from '../../src/model/value-codec.ts';
import { type ManualClock, makeManualClock } from './manual-clock.ts';
import { type MemoryStorage, makeMemoryStorage } from './memory-storage.ts';
import { makePostOffice, type PostOffice } from './post-office.ts';

export interface Counter {
  readonly count: number;
}

export const counter: ActorKind<Counter> = {
  kind: 'counter',
  activeMax: 100,
  idleMs: 1_000,
  mailboxMax: 3,
  replicas: 'hot',
  decode: (head) => (head ? (unpackValue(head) as Counter) : { count: 0 }),
  encode: (state) => packValue(state),
};

export const add: ActorOperation<Counter, number, number> = {
  id: 'counter/add',
  actor: counter,
  mode: 'change',
  run: ({ count }, by) => ({ reply: count + by, next: { state: { count: count + by } } }),
};

/** Uses something up. */
export const use: ActorOperation<Counter, undefined, number> = {
  id: 'counter/use',
  actor: counter,
  mode: 'change',
  isUse: true,
  run: ({ count }) => ({ reply: count + 1, next: { state: { count: count + 1 } } }),
};

export const refuse: ActorOperation<Counter, string, void> = {
  id: 'counter/refuse',
  actor: counter,
  mode: 'change',
  run: (_state, text) => {
    throw new CodedError('conflict', text, { data: { text } });
  },
};

export const get: ActorOperation<Counter, undefined, number> = {
  id: 'counter/get',
  actor: counter,
  mode: 'read',
  run: ({ count }) => ({ reply: count }),
};

export const withRecord: ActorOperation<Counter, undefined, string | undefined> = {
  id: 'counter/with-record',
  actor: counter,
  mode: 'read',
  run: async (_state, _params, ctx: ActorContext) => {
    const record = await ctx.record('v/1');
    if (!record) throw new RecordGone('v/1');
    return { reply: Buffer.from(record).toString() };
  },
};

/** The time that it runs by, of a counter that ends when it is as late as it has counted. */
export const endingHour: ActorOperation<Counter, undefined, number> = {
  id: 'counter/ending-hour',
  actor: { ...counter, goodUntilMs: ({ count }) => count },
  mode: 'read',
  run: (_state, _params, ctx) => ({ reply: ctx.now() }),
};

export const mayWhat: ActorOperation<Counter, undefined, unknown> = {
  id: 'counter/may-what',
  actor: counter,
  mode: 'change',
  run: (_state, _params, { claims, caller, mount, id }) => ({
    reply: [claims.mayCreate, claims.mayUpdate, caller?.accessor, mount?.path, id.name],
  }),
};

export const idOf = (name: string): ActorId => ({ kind: 'counter', namespace: 'root', mount: 'm', name });
export const OPERATIONS = makeOperations([add, use, get, refuse, withRecord, mayWhat, endingHour]);

const NAMES: Names = { sealName: (_context, segment) => segment, openName: (_context, sealed) => sealed };

export interface RoutingNode {
  readonly name: string;
  readonly routing: Routing;
  readonly clock: ManualClock;
  inc: string;
  /** What it knows. */
  view: View;
  isInTime: boolean;
  /** Own, though: it must not serve yet. */
  hasEntered: boolean;
  sections: number[];
  readonly held: Set<number>;
  readonly replicas: Map<string, Replica>;
  /** `ask` answers what this puts there. */
  grant: ((key: string) => Replica | undefined) | undefined;
  /** Of each `ask`. */
  readonly spans: (number | undefined)[];
  /** Keys pinned now. */
  readonly pins: string[];
  goodUntilMs: number;
  /** Of its session. */
  deadlineMs: number;
  /** A change of an own token is under way. */
  changing: Promise<void> | undefined;
  /** Messages its actors were given. */
  received: number;
  /** Awaited before an operation starts. */
  beforeStart: (() => Promise<void> | void) | undefined;
  /** Awaited after one has run, before it is answered. */
  beforeReply: (() => Promise<void> | void) | undefined;
  learn(view: View): void;
}

export interface RoutingWorld {
  readonly office: PostOffice;
  readonly storage: MemoryStorage;
  readonly nodes: readonly RoutingNode[];
  readonly counts: Map<string, Counter>;
  view: View;
  node(name: string): RoutingNode;
  /** A new view in which `owner` has all shards; nobody is told. */
  give(owner: string, members?: readonly string[]): View;
  tell(): void;
}

const inc = (name: string) => `inc-${name}`;

export function makeRoutingWorld(names: readonly string[], faults?: Faults): RoutingWorld {
  const office = makePostOffice();
  const storage = makeMemoryStorage();
  const counts = new Map<string, Counter>();
  const memories = new Map<string, Memory>();

  function viewOf(epoch: number, owner: string, members: readonly string[]): View {
    return {
      epoch,
      last: epoch,
      next: undefined,
      protocol: 1,
      sealed: false,
      members: members.map((name) => ({ inc: inc(name), nodeId: name, weight: 1 })),
      shards: new Array(1_024).fill(inc(owner)),
    };
  }

  async function runOn(
    node: RoutingNode,
    op: ActorOperation<Counter, unknown, unknown>,
    id: ActorId,
    params: unknown,
    options: Parameters<ReturnType<Parameters<typeof makeRouting>[0]['actors']>['send']>[3],
  ): Promise<unknown> {
    node.received++;
    const key = actorKey(id);
    await node.beforeStart?.();
    if (options.request?.isOver) throw new CodedError('deadline');
    const { entry } = options;
    const memory = memories.get(key);
    const known = entry && memory?.get(entry.inc);
    if (entry && known && known.n >= entry.n) {
      if (known.n > entry.n) throw new CodedError('deadline');
      return unpackValue(replyBytes(known.reply!));
    }
    if (!options.claims.good()) throw new CodedError('stale_claims');
    const state = counts.get(key) ?? { count: 0 };
    const context = {
      id,
      ...options,
      now: () => 0,
      randomBytes: (bytes: number) => Buffer.alloc(bytes),
      record: async () => Buffer.from('at the owner'),
    };
    const { reply, next } = await op.run(state, params, context);
    if (next) {
      counts.set(key, next.state);
      const remembered = { n: entry!.n, atMs: 0, reply: keptReply(packValue(reply)) };
      memories.set(key, new Map([...(memory ?? []), [entry!.inc, remembered]]));
    }
    await node.beforeReply?.();
    return reply;
  }

  function makeNode(name: string): RoutingNode {
    const clock = makeManualClock(name.charCodeAt(0) * 10_000);
    const post = makePost({ transport: office.connect(`peer-${name}`) });
    const owns = (shard: number) => ownerOf(node.view, shard) === node.inc;
    const records = () => new Map(names.map((one) => [inc(one), { peerId: `peer-${one}` } as MemberRecord]));
    const routing = makeRouting({
      clock,
      post,
      storage,
      names: NAMES,
      sigma: 1.1,
      operations: () => OPERATIONS,
      membership: () => ({
        inc: () => node.inc,
        view: () => node.view,
        members: records,
        isInTime: () => node.isInTime,
        whenInTime: () => Promise.resolve(node.isInTime),
        deadlineMs: () => node.deadlineMs,
        mayServe: (shard) => owns(shard) && node.hasEntered,
        publish: () => void setImmediate(() => node.learn(world.view)),
      }),
      shards: () => ({
        isHeld: (shard) => node.held.has(shard),
        claim(shard) {
          if (node.held.has(shard)) return undefined;
          return (async () => {
            await Promise.resolve();
            if (!owns(shard)) throw new Moved(node.view.epoch);
            node.held.add(shard);
          })();
        },
      }),
      actors: () => ({
        send: (op, id, params, options) => runOn(node, op, id, params, options),
        read: (op, id, params, options) => runOn(node, op, id, params, options),
        peek(key) {
          const state = counts.get(key);
          return state && { state, touched: false };
        },
      }),
      grants: () => ({
        peek: (key) => node.replicas.get(key),
        held: (key) => node.replicas.get(key),
        async ask(id, spanMs) {
          node.spans.push(spanMs);
          const key = actorKey(id);
          const granted = node.grant?.(key);
          if (granted) node.replicas.set(key, granted);
          return granted;
        },
        pin(keys) {
          node.pins.push(...keys);
          return () => void node.pins.splice(0, keys.length);
        },
        goodUntilMs: () => node.goodUntilMs,
        whenReleased: () => node.changing,
        clockOf: (peer) => {
          const other = world.node(peer.slice('peer-'.length));
          return { inc: other.inc, stampMs: other.clock.monotonicMs(), heardMs: clock.monotonicMs() };
        },
      }),
      sections: () => node.sections,
      now: () => 0,
      randomBytes: (bytes) => Buffer.alloc(bytes),
      faults,
    });
    const node: RoutingNode = {
      name,
      routing,
      clock,
      inc: inc(name),
      view: world.view,
      isInTime: true,
      hasEntered: true,
      sections: [1, 1],
      held: new Set(),
      replicas: new Map(),
      grant: undefined,
      spans: [],
      pins: [],
      goodUntilMs: Number.POSITIVE_INFINITY,
      deadlineMs: Number.POSITIVE_INFINITY,
      changing: undefined,
      received: 0,
      beforeStart: undefined,
      beforeReply: undefined,
      learn(view) {
        if (view.epoch <= node.view.epoch) return;
        node.view = view;
        for (const shard of [...node.held]) if (!owns(shard)) node.held.delete(shard);
        routing.onView();
      },
    };
    return node;
  }

  const nodes: RoutingNode[] = [];
  const world: RoutingWorld = {
    office,
    storage,
    nodes,
    counts,
    view: viewOf(1, names[0]!, names),
    node: (name) => nodes.find((one) => one.name === name)!,
    give(owner, members = names) {
      world.view = viewOf(world.view.epoch + 1, owner, members);
      return world.view;
    },
    tell() {
      for (const node of nodes) node.learn(world.view);
    },
  };
  for (const name of names) nodes.push(makeNode(name));
  return world;
}

/** Shard of a counter. */
/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
