/**
 * What makes owners of nodes, the real one: claims and fences, actors that remember outcomes, grants, and routing over letters (protocol §5 to §9).
 *
 * @module
 */

import * as automerge from '@automerge/automerge';
import { type Names, shardOf } from '../../src/actors/places.ts';
import type { ActorSendOptions } from '../../src/actors/round.ts';
import { type AppRoleParts, makeAppRole } from '../../src/auth/approle/approle.ts';
import { LOCKOUT_SENDS } from '../../src/auth/login/lockout.ts';
import { makeTokenActor } from '../../src/auth/token/token-actor.ts';
import { makeWrappingOperations } from '../../src/auth/token/wrapping-operations.ts';
import { USER_SENDS } from '../../src/auth/userpass/users.ts';
import { type Catalog, makeCatalog } from '../../src/cluster/catalog.ts';
import { makeAnnouncer } from '../../src/cluster/catalog-announcer.ts';
import { sectionId } from '../../src/cluster/catalog-section.ts';
import { makeCatalogSync } from '../../src/cluster/catalog-sync.ts';
import type { Faults } from '../../src/cluster/faults.ts';
import { makeGrants } from '../../src/cluster/grants/grants.ts';
import type { Membership } from '../../src/cluster/membership.ts';
import { makeOperations } from '../../src/cluster/operations.ts';
import { makeOwnActors } from '../../src/cluster/own-actors.ts';
import { makePost, type Post } from '../../src/cluster/post.ts';
import { makeReadingAgain } from '../../src/cluster/reading-again.ts';
import { makeRouting, type Routing } from '../../src/cluster/routing.ts';
import { sigma } from '../../src/cluster/times.ts';
import { kv2 } from '../../src/engines/kv/kv.ts';
import { type ActorId, type ActorKind, actorKey } from '../../src/model/actor.ts';
import { actorOperationsOf } from '../../src/model/engine.ts';
import type { Storage } from '../../src/model/storage.ts';
import type { Transport } from '../../src/model/transport.ts';
import { catalogOperations } from '../../src/pipeline/catalog-operations.ts';
import type { Answerable, Answers } from '../checkers/answers.ts';
import { alarms } from './alarms.ts';
import type { SimProcess } from './process.ts';
import type { SweepParts } from './spaces.ts';

export interface RoutedOptions {
  readonly process: SimProcess;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly names: Names;
  readonly kinds: readonly ActorKind<never>[];
  /** Cluster time, ms. */
  now(): number;
  /** An operation starts under this token. */
  started(accessor: string): void;
  membership(): Membership;
  log(what: string, error: unknown): void;
  readonly faults: Faults | undefined;
  /** Who looks at what is answered, and when. */
  readonly answers: Answers;
  /** It takes no message before `open`. */
  readonly isClosed?: boolean;
}

export interface Routed {
  readonly cluster: Routing;
  readonly catalog: Catalog;
  readonly post: Post;
  readonly routing: Routing;
  /** Shards that this node has claimed and not let go of. */
  held(): readonly number[];
  /** Undefined: this node would not answer about this actor in this turn, or would have to load it. */
  answerable(key: string): Answerable | undefined;
  /** The view is another: what is not this node's any more goes in this turn. */
  onView(): void;
  /** In time again, or not any more. */
  onTimeChanged(): void;
  /** Before this node is proposed. */
  prepare(): Promise<void>;
  /** All old members have acknowledged. */
  catchUp(): Promise<void>;
  /** Everything goes in this turn. */
  dropAll(): void;
  /** Lets what runs end, then lets go. */
  drain(shards: readonly number[], signal: AbortSignal): Promise<void>;
  /** Whom this node does not hear. */
  unreachable(): readonly string[];
  /** Nobody answers any more from what was granted here, and nothing starts that was authorized here. */
  quiet(): Promise<void>;
  /** Messages are taken from now on. */
  open(): void;
  startTimers(): void;
  readonly sweeps: SweepParts;
  /** The reverse of `open`; resolves when nothing runs any more. */
  close(): Promise<void>;
}

const tokenActor = makeTokenActor(async () => {});
const OPERATIONS = makeOperations([
  ...actorOperationsOf(kv2),
  ...tokenActor.sends,
  ...makeWrappingOperations(tokenActor.kind).sends,
  ...USER_SENDS,
  ...LOCKOUT_SENDS,
  ...actorOperationsOf(alarms),
  // Those of the engine itself, which nothing is asked of here.
  ...actorOperationsOf(makeAppRole({} as AppRoleParts)),
  ...catalogOperations,
]);

const MOUNTS_SHARD = shardOf(actorKey(sectionId('mounts')));

/**
 * Runs last for minutes, not for tens of them. Longer than a client waits, and so than anything is sent again; shorter than a commit may be on its
 * way where deletions are what is looked at.
 */
const GONE_SWEEP = { goneMs: 25_000, lookMs: 6_000 };

export function makeRouted({ process, storage, transport, names, ...options }: RoutedOptions): Routed {
  const { clock } = process;
  const { now, membership, faults, answers } = options;
  const post = makePost({ transport });
  const randomBytes = (bytes: number) => process.random.bytes(bytes);
  const catalog = makeCatalog({
    cluster: () => routing,
    storage: makeReadingAgain(storage, clock),
    names,
    tell: (notice) => announcer.tell(notice),
    sync: (section, own) => sync.sync(section, own),
    faults,
  });
  const sync = makeCatalogSync({
    post,
    membership,
    clock,
    applied: (section) => catalog.applied(section),
    automerge,
  });
  const announcer = makeAnnouncer({ post, membership, clock, receive: catalog.receive, faults });
  const kinds = [...options.kinds, catalog.kind as unknown as ActorKind<never>];
  const common = { clock, post, storage, names, kinds, membership, now, randomBytes, faults };
  const rate = sigma({ sharesClock: false });
  const own = makeOwnActors({
    ...common,
    goneSweep: GONE_SWEEP,
    fences: storage,
    grants: () => owned,
    cluster: () => routing,
    fault: options.log,
  });
  const grants = makeGrants({
    ...common,
    sigma: rate,
    // Changes are more frequent here than reads, and each grant is a chance to go wrong.
    coldMs: 0,
    snapshotOf: own.snapshotOf,
    activate: own.activate,
    fault: options.log,
  });
  // As the parts see them, with somebody who looks.
  const owned: typeof grants = {
    ...grants,
    release(key) {
      grants.release(key);
      answers.shown(process.name, key);
    },
  };
  const held: typeof grants = {
    ...grants,
    peek(key) {
      const replica = grants.peek(key);
      if (replica) answers.fromReplica(process.name, key, replica.version);
      return replica;
    },
  };
  const noted = (id: ActorId, sent: ActorSendOptions): ActorSendOptions =>
    noting(sent, options.started, () => answers.fromOwner(process.name, id));
  const routing = makeRouting({
    ...common,
    sigma: rate,
    hotReads: 2,
    operations: () => OPERATIONS,
    shards: () => own.shards,
    actors: () => ({
      peek: own.actors.peek,
      send: (op, id, params, sent) => own.actors.send(op, id, params, noted(id, sent)),
      read: (op, id, params, sent) => own.actors.read(op, id, params, noted(id, sent)),
    }),
    grants: () => held,
    sections: () => catalog.sequences(),
  });
  const startTimers = () => void own.startTimers().catch((error: unknown) => options.log('timers', error));
  if (!options.isClosed) {
    own.start();
    startTimers();
  }

  return {
    cluster: routing,
    catalog,
    post,
    routing,
    held: own.shards.held,
    answerable(key) {
      const shard = shardOf(key);
      if (own.shards.isHeld(shard) && membership().isInTime() && membership().mayServe(shard)) {
        const peeked = own.actors.peek(key);
        return peeked && { version: peeked.version, by: 'owner' };
      }
      const replica = grants.peek(key);
      return replica && { version: replica.version, by: 'replica' };
    },
    onView() {
      own.shards.onView();
      const view = membership().view();
      if (view) grants.onView(view);
      routing.onView();
      announcer.look();
    },
    onTimeChanged: () => announcer.look(),
    prepare: () => catalog.load(),
    catchUp: () => catalog.catchUp(),
    dropAll() {
      own.shards.dropAll();
      grants.dropAll();
      announcer.dropAll();
    },
    drain: (shards, signal) => own.shards.drain(shards, signal),
    unreachable: grants.unreachable,
    quiet: grants.quiet,
    open() {
      announcer.open();
      own.start();
    },
    startTimers,
    sweeps: {
      isOurs: () => membership()?.isInTime() && membership().mayServe(MOUNTS_SHARD),
      sweepMount: own.sweepMount,
    },
    async close() {
      announcer.close();
      // A node may be stopped before it has a membership.
      if (membership()) grants.dropAll();
      await own.stop();
      own.shards.dropAll();
    },
  };
}

/** Says under which token an operation starts, and that it does, in the turn in which it does. */
function noting(
  sent: ActorSendOptions,
  started: (accessor: string) => void,
  starts: () => void,
): ActorSendOptions {
  const { claims, caller } = sent;
  const good = () => {
    const isGood = claims.good();
    if (isGood && caller) started(caller.accessor);
    if (isGood) starts();
    return isGood;
  };
  const { mayCreate, mayUpdate } = claims;
  return { ...sent, claims: { good, mayCreate, mayUpdate } };
}
