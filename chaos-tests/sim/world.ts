/**
 * One run: a seed, its scheduler, its shared store and coordinator, its nodes and its clients.
 *
 * @module
 */

import { type ClusterTime, makeClusterTime } from '../../src/cluster/cluster-time.ts';
import type { Membership } from '../../src/cluster/membership.ts';
import { writesBy } from '../../src/cluster/spoken.ts';
import { LEAVE_MS } from '../../src/model/limits.ts';
import type { Storage } from '../../src/model/storage.ts';
import type { Transport } from '../../src/model/transport.ts';
import { type Answerable, type Answers, watchAnswers } from '../checkers/answers.ts';
import { makeHistory } from '../checkers/history.ts';
import { type FaultName, plantedIn } from '../faults.ts';
import type { SealingWorkload } from '../workloads/sealing.ts';
import { makeCoordinator, type SimCoordinator } from './coordinator.ts';
import { bootMember, peerOf } from './member.ts';
import { makeNetwork, type SimNetwork } from './network.ts';
import { bootOpening, type SimOpening } from './opening.ts';
import { makeProcess, randomClock, type SimProcess } from './process.ts';
import { makeRandom, type Random } from './random.ts';
import { makeRouted, type Routed } from './routed.ts';
import { makeScheduler, type Scheduler } from './scheduler.ts';
import {
  bootServer,
  makeRootToken,
  type ServerOptions,
  type SimReply,
  type SimRequest,
  type SimServer,
} from './server.ts';
import { type ConnectOptions, makeStore, type SimStore } from './storage.ts';
import { makeTrace, type Trace } from './trace.ts';

export interface SimNode {
  readonly process: SimProcess;
  /** Undefined while it is down, and where nodes are `members`. */
  readonly server: SimServer | undefined;
  /** Undefined while it is down, and where nodes are `servers`. */
  readonly member: Membership | undefined;
  /** Undefined while it is down, and where nodes are never sealed. */
  readonly opening: SimOpening | undefined;
  /** What it would answer a read of this actor with, in this turn, from its memory. */
  answerable(key: string): Answerable | undefined;
  /** Clients are let in: it does not leave. */
  readonly isOpen: boolean;
  /** Requests that were let in and are not answered. */
  readonly running: number;
  /** A client's request at the door; undefined: refused. */
  enter(request: SimRequest): Promise<SimReply> | undefined;
  start(): void;
  crash(): void;
  /** A planned stop: out of the view, in peace if that can be. */
  leave(): Promise<void>;
}

/** What a client hears: an answer; nothing, so that it may have happened; or that it certainly did not. */
export type Heard =
  | { readonly kind: 'reply'; readonly reply: SimReply }
  | { readonly kind: 'silence' }
  | { readonly kind: 'refused' };

export interface SimClient {
  readonly process: SimProcess;
  /** Asks a node, over a network of its own that loses nothing but what dies with the node. */
  ask(node: SimNode, request: SimRequest): Promise<Heard>;
  /** ms of true time. */
  sleep(ms: number): Promise<void>;
}

/** A token whose operation a node started, and when. */
export interface Start {
  readonly accessor: string;
  readonly atMs: number;
  readonly node: string;
}

export interface World {
  readonly seed: number;
  readonly random: Random;
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly store: SimStore;
  /** How processes are connected to it: as a planted fault wants it. */
  readonly connectOptions: ConnectOptions | undefined;
  readonly coordinator: SimCoordinator;
  readonly network: SimNetwork;
  readonly nodes: readonly SimNode[];
  readonly history: ReturnType<typeof makeHistory>;
  readonly starts: readonly Start[];
  /** What nodes would have logged. */
  readonly logged: readonly string[];
  client(name: string): SimClient;
  /** Runs `body` in turns of `process`. A failure of it ends the run. */
  drive(process: SimProcess, body: () => Promise<void>): void;
  /** Set by whoever finds something wrong. */
  violations: string[];
  /** Histories that a checker could not search through. */
  undecided: number;
  /** Faults have ended. */
  isCalm: boolean;
  /** True time at which the last fault that a run may have had ended; undefined: they go on. */
  faultsEndedMs: number | undefined;
  /** Seals and opens the nodes, where they can be sealed. */
  sealing: SealingWorkload | undefined;
  /** Called in the turn in which a node may serve more, or less. */
  membershipChanged: (() => void) | undefined;
}

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  /** What runs in a node: what answers clients, or what keeps a cluster together. */
  readonly kind: 'servers' | 'members' | 'cluster';
  /** Everybody is root, whatever token they show. */
  readonly isOpen?: boolean;
  /** Policies of the catalog decide; otherwise all is allowed. */
  readonly hasPolicies?: boolean;
  /** Mounts and namespaces come and go. */
  readonly hasSpaces?: boolean;
  /** Nodes tell each other the time, as real ones do; the first of a cluster that begins anew has it from its wall clock, which is set. */
  readonly hasClusterTime?: boolean;
  /** Nodes start again as a newer release, now and then, which speaks a version of the protocol more. */
  readonly hasReleases?: boolean;
  /** Nodes begin sealed, and may be sealed again. */
  readonly hasSeal?: boolean;
  readonly fault?: FaultName;
  readonly keepTrace?: boolean;
}

/** In peace if that is possible soon, as an opening does it where nodes are sealed. */
function leaves(member: Membership, { clock }: SimProcess): Promise<void> {
  return new Promise((resolve) => {
    void member.leave().then(resolve);
    clock.after(() => void member.stop().then(resolve), LEAVE_MS);
  });
}

/** What clients come in by, and which of their requests are not answered. */
function makeDoor(): { isClosed: boolean; readonly running: Set<string> } {
  return { isClosed: false, running: new Set() };
}

/** Share of starts that are as a newer release, up to the last one. */
const UPGRADES = 0.3;
const NEWEST = 4;
/** Whether all that was let in is answered. */
const DOOR_LOOK_MS = 5;
/** A client gives up after this, ms. */
const CLIENT_PATIENCE_MS = 20_000;
const CLIENT_WAY_MS: readonly [number, number] = [0.1, 1.5];

export function makeWorld(options: WorldOptions): World {
  const { seed, nodes: count, kind, isOpen, hasPolicies, hasSpaces, hasSeal, fault, keepTrace } = options;
  const random = makeRandom(seed);
  const trace = makeTrace({ keepAll: keepTrace });
  const scheduler = makeScheduler(trace);
  const store = makeStore(scheduler, random.fork('store'));
  const coordinator = makeCoordinator(scheduler, random.fork('coordinator'));
  const network = makeNetwork(scheduler, random.fork('network'));
  const planted = plantedIn(fault);
  const starts: Start[] = [];
  const logged: string[] = [];
  let requests = 0;

  function makeNode(name: string): SimNode {
    const own = random.fork(name);
    const process = makeProcess(name, scheduler, own, {
      ...randomClock(own),
      isWallSet: options.hasClusterTime,
    });
    let server: SimServer | undefined;
    let member: Membership | undefined;
    let opening: SimOpening | undefined;
    let owning: Routed | undefined;
    let timeFloorMs = 0;
    let time: ClusterTime | undefined;
    let newest = 1;
    let door = makeDoor();
    const faults = planted.membership === undefined ? undefined : new Set([planted.membership]);
    const membership = () => member!;
    const log = (what: string, error: unknown) =>
      void logged.push(`${scheduler.nowMs.toFixed(1)} ${name} ${what}: ${error}`);

    const started = (accessor: string) => void starts.push({ accessor, atMs: scheduler.nowMs, node: name });

    function boots(): void {
      door = makeDoor();
      const connected = store.connect(process, planted.connect);
      const storage = planted.storage ? planted.storage(connected) : connected;
      if (options.hasReleases && own.chance(UPGRADES)) newest = Math.min(NEWEST, newest + 1);
      const speaks = [1, newest] as const;
      const protocol = writesBy(speaks, () => member?.view(), faults);
      const transport = network.connect(process, peerOf(name), { speaks, protocol });
      owning = undefined;
      time = options.hasClusterTime ? makeClusterTime({ clock: process.clock, alarm() {} }) : undefined;
      if (kind === 'cluster') {
        bootsServer(
          storage,
          (names, kinds, now) => {
            owning = makeRouted({
              ...{
                process,
                storage,
                transport,
                names,
                kinds,
                now,
                membership,
                started,
                log,
                faults,
                answers,
              },
              isClosed: hasSeal,
            });
            return owning.cluster;
          },
          () => owning!.catalog,
        );
      }
      if (hasSeal) bootsOpening(storage, owning!);
      if (kind === 'servers') bootsServer(storage);
      else bootsMember(transport, speaks, owning);
    }

    function bootsServer(
      storage: Storage,
      clusterOf?: ServerOptions['clusterOf'],
      catalogOf?: ServerOptions['catalogOf'],
    ): void {
      server = bootServer({
        process,
        storage,
        clusterOf,
        catalogOf,
        hasPolicies,
        hasSpaces,
        sweepsOf: () => owning!.sweeps,
        started,
        isOpen,
        isSealed: hasSeal ? () => opening!.isSealed() : undefined,
        fault: log,
        timeFloorMs,
        time,
        plant: planted.server,
      });
    }

    function bootsOpening(storage: Storage, owning: Routed): void {
      const mine = door;
      opening = bootOpening({
        ...{ process, storage, owning, membership, faults, fault: log },
        requestsRunning: () => [...mine.running],
        changed(isOpening) {
          if (isOpening) mine.isClosed = false;
          world.membershipChanged?.();
        },
      });
    }

    function bootsMember(transport: Transport, speaks: readonly [number, number], owning?: Routed): void {
      const connected = coordinator.connect(process);
      member = bootMember({
        process,
        coordinator: planted.coordinator ? planted.coordinator(connected) : connected,
        transport,
        owning,
        opening,
        time,
        speaks,
        async closeDoor(signal) {
          const mine = door;
          mine.isClosed = true;
          // Who may be sealed waits for them itself.
          while (!hasSeal && mine.running.size > 0 && !signal.aborted)
            await new Promise<void>((resolve) => process.clock.after(resolve, DOOR_LOOK_MS));
        },
        faults,
        isCalm: () => world.isCalm,
        changed: () => world.membershipChanged?.(),
        fault: log,
      });
    }

    return {
      process,
      get server() {
        return server;
      },
      get member() {
        return member;
      },
      get opening() {
        return opening;
      },
      answerable: (key) => owning?.answerable(key),
      get isOpen() {
        return !door.isClosed;
      },
      get running() {
        return door.running.size;
      },
      enter(request) {
        if (!server || door.isClosed || opening?.isSealed()) return undefined;
        const mine = door;
        const id = `${++requests}`;
        mine.running.add(id);
        return server.handle(request).finally(() => mine.running.delete(id));
      },
      start: () => process.start(boots),
      crash() {
        timeFloorMs = Math.max(timeFloorMs, server?.now() ?? 0);
        server = undefined;
        member = undefined;
        opening = undefined;
        owning = undefined;
        network.died(peerOf(name));
        process.crash();
      },
      leave: () => (opening ? opening.stop() : leaves(member!, process)),
    };
  }

  const nodes = Array.from({ length: count }, (_, n) => makeNode(`n${n + 1}`));

  function makeClient(name: string): SimClient {
    const own = random.fork(name);
    const process = makeProcess(name, scheduler, own, { rate: 1, wallOffsetMs: 0 });
    process.start(() => {});
    const way = () => own.between(...CLIENT_WAY_MS);
    return {
      process,
      sleep: (ms) => new Promise((resolve) => process.later(ms, 'wakes', resolve)),
      ask: (node, request) =>
        new Promise((resolve) => {
          let isOver = false;
          const hear = (heard: Heard) => {
            if (isOver) return;
            isOver = true;
            patience.cancel();
            resolve(heard);
          };
          const patience = process.later(CLIENT_PATIENCE_MS, 'gives up', () => hear({ kind: 'silence' }));
          const { process: its } = node;
          const label = `${name} ${request.verb} ${request.path}`;
          const { life } = its;
          scheduler.after(way(), `to ${its.name}: ${label}`, () => {
            if (!its.isAlive || its.life !== life) {
              process.later(way(), 'refused', () => hear({ kind: 'refused' }));
              return;
            }
            const arrive = () => {
              const answering = node.enter(request);
              if (!answering) {
                scheduler.after(way(), 'refused', () => hear({ kind: 'refused' }), process);
                return;
              }
              void answering.then((reply) => {
                scheduler.after(
                  way(),
                  `${reply.status} ${label}`,
                  () => hear({ kind: 'reply', reply }),
                  process,
                );
              });
            };
            scheduler.after(0, `at ${its.name}: ${label}`, arrive, its);
            // The connection breaks where the node dies.
            const watch = () => {
              if (isOver) return;
              if (its.life === life && its.isAlive) process.later(200, 'looks', watch);
              else hear({ kind: 'silence' });
            };
            process.later(200, 'looks', watch);
          });
        }),
    };
  }

  /** Of a world that is put together by then. */
  const answers: Answers = {
    fromReplica: (...asked) => watching.fromReplica(...asked),
    fromOwner: (...asked) => watching.fromOwner(...asked),
    shown: (...asked) => watching.shown(...asked),
  };

  const world: World = {
    seed,
    random,
    trace,
    scheduler,
    store,
    connectOptions: planted.connect,
    coordinator,
    network,
    nodes,
    history: makeHistory(),
    starts,
    logged,
    client: makeClient,
    drive(process, body) {
      process.later(0, 'begins', () => {
        body().catch((error: unknown) => {
          world.violations.push(`the workload failed: ${(error as Error).stack ?? error}`);
        });
      });
    },
    violations: [],
    undecided: 0,
    isCalm: false,
    faultsEndedMs: undefined,
    sealing: undefined,
    membershipChanged: undefined,
  };
  const watching = watchAnswers(world);
  return world;
}

/** Starts all nodes; servers get their root token before anything goes wrong. */
export async function beginWorld({ nodes, scheduler }: World): Promise<void> {
  for (const node of nodes) node.start();
  const [first] = nodes;
  let isReady = false;
  const begin = () => {
    const made = first!.server && !first!.member ? makeRootToken(first!.server) : Promise.resolve();
    void made.then(() => {
      isReady = true;
    });
  };
  scheduler.after(2, 'root token', begin, first!.process);
  await scheduler.run(() => isReady);
  if (!isReady) throw new Error('the run did not begin');
}
