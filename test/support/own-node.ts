/**
 * The actors of one node of several, over a store that all share, with a view and grants that the test says.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { shardOf } from '../../src/actors/places.ts';
import type { ActorSendOptions } from '../../src/actors/round.ts';
import { makeOwnActors, type OwnActors } from '../../src/cluster/own-actors.ts';
import type { View } from '../../src/cluster/view.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  actorKey,
  type Cluster,
  OWN_CLAIMS,
} from '../../src/model/actor.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Storage } from '../../src/model/storage.ts';
import { PLAIN_NAMES } from './cluster.ts';
import { type ManualClock, makeManualClock } from './manual-clock.ts';

/** Who owns what, as every node of a test sees it. */
export interface SharedView {
  view: View;
  /** Gives these shards, or all, to a node, in a view of its own. */
  give(inc: string, shards?: readonly number[]): void;
}

export function makeSharedView(): SharedView {
  const shared: SharedView = {
    view: { epoch: 0, last: 0, members: [], shards: [], next: undefined, protocol: 1, sealed: false },
    give(inc, given) {
      const epoch = shared.view.last + 1;
      const shards = [...shared.view.shards];
      for (let shard = 0; shard < 1_024; shard++) if (!given || given.includes(shard)) shards[shard] = inc;
      const members = [...new Set(shards)].map((name) => ({ inc: name, nodeId: name, weight: 1 }));
      shared.view = { ...shared.view, epoch, last: epoch, members, shards };
    },
  };
  return shared;
}

export interface OwnNode extends OwnActors {
  readonly clock: ManualClock;
  readonly faults: unknown[];
  /** The view as this node knows it; undefined: as it is. */
  seen: View | undefined;
  inTime: boolean;
  /** What it gives away. */
  readonly given: Set<number>;
  /** What `end` of an actor waits for, by key. */
  readonly holders: Map<string, Promise<void>>;
  /** What was called of the grants, in order. */
  readonly grantCalls: string[];
  ask<S, P, R>(
    op: ActorOperation<S, P, R>,
    id: ActorId,
    params: P,
    options?: Partial<ActorSendOptions>,
  ): Promise<R>;
}

export interface OwnNodeOptions {
  readonly inc: string;
  readonly storage: Storage;
  readonly shared: SharedView;
  readonly kinds: readonly unknown[];
  readonly clock?: ManualClock;
  readonly faults?: ReadonlySet<string>;
}

/** Started, its timers not. */
export function startOwnNode(options: OwnNodeOptions): OwnNode {
  const { inc, shared } = options;
  const manual = options.clock ?? makeManualClock();
  // Without waiting: what is tried again is tried at once.
  const clock: Clock = manual;
  const faults: unknown[] = [];
  const given = new Set<number>();
  const holders = new Map<string, Promise<void>>();
  const grantCalls: string[] = [];
  const seen = () => node.seen ?? shared.view;
  const own = makeOwnActors({
    storage: options.storage,
    fences: options.storage,
    names: PLAIN_NAMES,
    kinds: options.kinds as ActorKind<never>[],
    clock,
    now: () => clock.wallMs(),
    randomBytes,
    membership: () => ({
      inc: () => inc,
      view: seen,
      mayServe: (shard) => seen().shards[shard] === inc && !given.has(shard),
      isInTime: () => node.inTime,
    }),
    grants: () => ({
      end(key) {
        grantCalls.push(`end ${key}`);
        return holders.get(key);
      },
      block: (key) => void grantCalls.push(`block ${key}`),
      release: (key) => void grantCalls.push(`release ${key}`),
      async endShards() {
        grantCalls.push('end shards');
      },
    }),
    cluster: () => ({ send: (op, id, params, sent) => node.ask(op, id, params, sent) }) as Cluster,
    fault: (_what, error) => faults.push(error),
    faults: options.faults,
  });
  const node: OwnNode = {
    ...own,
    clock: manual,
    faults,
    seen: undefined,
    inTime: true,
    given,
    holders,
    grantCalls,
    async ask(op, id, params, sent) {
      await own.shards.claim(shardOf(actorKey(id)));
      return own.actors.send(op, id, params, { claims: OWN_CLAIMS, ...sent });
    },
  };
  own.start();
  return node;
}
