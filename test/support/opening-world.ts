/**
 * Nodes that open and close together, on the simulator's clock, network, coordinator and store: the real seal, membership and post, and of
 * the rest no more than one record that must come back through the barrier.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { makeCoordinator } from '../../chaos-tests/sim/coordinator.ts';
import { makeNetwork } from '../../chaos-tests/sim/network.ts';
import { makeProcess, randomClock, type SimProcess } from '../../chaos-tests/sim/process.ts';
import { makeRandom } from '../../chaos-tests/sim/random.ts';
import { makeScheduler } from '../../chaos-tests/sim/scheduler.ts';
import { makeStore } from '../../chaos-tests/sim/storage.ts';
import { makeTrace } from '../../chaos-tests/sim/trace.ts';
import type { Faults } from '../../src/cluster/faults.ts';
import { type Membership, makeMembership } from '../../src/cluster/membership.ts';
import { makeOpening, type Opening } from '../../src/cluster/opening.ts';
import { makePost, type Post } from '../../src/cluster/post.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import type { Storage } from '../../src/model/storage.ts';
import { makeSeal, type Seal } from '../../src/seal/seal.ts';
import { makeSealedStorage } from '../../src/seal/sealed-storage.ts';
import { nodeDescription } from './node-description.ts';

export interface OpeningNode {
  readonly name: string;
  readonly process: SimProcess;
  readonly membership: Membership;
  readonly opening: Opening;
  readonly seal: Seal;
  readonly post: Post;
  /** Through the barrier. */
  readonly storage: Storage;
  /** What hangs on the catalog is open. */
  isOpen: boolean;
  /** The next opening of it fails so often. */
  openFails: number;
  /** Clients' requests under way. */
  requests: string[];
  /** Awaited while a store is founded. */
  founding: (() => Promise<void>) | undefined;
  readonly faults: string[];
}

export type OpeningWorld = ReturnType<typeof makeOpeningWorld>;

const HELLO = 'data/hello';

export function makeOpeningWorld(seed: number, plant?: Faults) {
  const random = makeRandom(seed);
  const scheduler = makeScheduler(makeTrace({}));
  const store = makeStore(scheduler, random.fork('store'));
  const coordinator = makeCoordinator(scheduler, random.fork('coordinator'));
  const network = makeNetwork(scheduler, random.fork('network'));
  const nodes = new Map<string, OpeningNode>();
  const processes = new Map<string, SimProcess>();

  function processOf(name: string): SimProcess {
    const known = processes.get(name);
    if (known) return known;
    const own = random.fork(name);
    const made = makeProcess(name, scheduler, own, randomClock(own));
    processes.set(name, made);
    return made;
  }

  function boot(name: string, process: SimProcess): void {
    const { clock } = process;
    const raw = store.connect(process);
    const transport = network.connect(process, `peer-${name}`);
    const post = makePost({ transport });
    const seal = makeSeal({
      storage: raw,
      randomBytes: (bytes) => process.random.bytes(bytes),
      now: () => clock.wallMs(),
    });
    const storage = makeSealedStorage(raw, seal.barrier);
    const opening = makeOpening({
      clock,
      seal,
      post,
      membership: () => membership,
      cluster: { start() {}, async stop() {} },
      catalog: {
        async load() {
          await storage.get(HELLO);
        },
        async catchUp() {
          await storage.get(HELLO);
        },
        clear() {},
      },
      async open() {
        if (node.openFails-- > 0) throw new Error('a device cannot be opened');
        node.isOpen = true;
      },
      async close() {
        node.isOpen = false;
      },
      async found() {
        await node.founding?.();
        // As routing and fences see to it.
        if (!membership.isInTime()) throw new Error('out of time');
        await storage.commit([{ path: HELLO, value: Buffer.from('hello') }], []);
        return 'root';
      },
      requestsRunning: () => node.requests,
      fault: (what, error) => void node.faults.push(`${what}: ${error}`),
      faults: plant,
    });
    const keep = (): void => {
      const peers = [...membership.members().values()].map(({ peerId }) => ({ peer: peerId, addresses: [] }));
      transport.keep(peers);
      clock.after(keep, 50);
    };
    const membership = makeMembership({
      clock,
      coordinator: coordinator.connect(process),
      log: SILENT_LOG,
      faults: plant,
      randomBytes: (bytes) => process.random.bytes(bytes),
      hooks: {
        ...opening.hooks,
        onView: () => opening.look(),
        onTimeChanged: () => opening.look(),
        drainShards: async () => {},
        expectJoiners() {},
        onEvicted: () => opening.look(),
        unreachable: () => [],
        clusterTimeMs: () => clock.wallMs(),
        highestFence: async () => 0,
        fault: (what, error) => void node.faults.push(`${what}: ${error}`),
      },
      describe: () => nodeDescription(name, { peerId: `peer-${name}`, release: 'test', storageId: 'store' }),
    });
    const node: OpeningNode = {
      name,
      process,
      membership,
      opening,
      seal,
      post,
      storage,
      isOpen: false,
      openFails: 0,
      requests: [],
      founding: undefined,
      faults: [],
    };
    nodes.set(name, node);
    void transport.start();
    membership.start();
    opening.start();
    keep();
  }

  const world = {
    scheduler,
    store,
    coordinator,
    network,
    node(name: string): OpeningNode {
      const node = nodes.get(name);
      assert(node, `no node ${name}`);
      return node;
    },
    /** Starts them, or starts them again, and waits until their records are there, if there is a coordinator. */
    async start(...names: string[]): Promise<void> {
      for (const name of names) {
        const process = processOf(name);
        nodes.delete(name);
        process.start(() => boot(name, process));
      }
      const isThere = (name: string): boolean => {
        const membership = nodes.get(name)?.membership;
        return (
          membership !== undefined &&
          (membership.members().has(membership.inc()) || coordinator.weather.isAway)
        );
      };
      await world.until(() => names.every(isThere), 'the nodes beat');
    },
    crash(name: string): void {
      network.died(`peer-${name}`);
      world.node(name).process.crash();
    },
    /** Lets time pass until it is so. */
    async until(is: () => boolean, what: string, ms = 30_000): Promise<void> {
      const end = scheduler.nowMs + ms;
      await scheduler.run(() => is() || scheduler.nowMs > end);
      assert(is(), `not in ${ms} ms: ${what}`);
    },
    async pass(ms: number): Promise<void> {
      const end = scheduler.nowMs + ms;
      await scheduler.run(() => scheduler.nowMs > end);
    },
    /** Begins `act` in a turn of the node; what becomes of it shows in `done`. */
    begin<T>(name: string, act: (node: OpeningNode) => Promise<T>): Doing<T> {
      const doing: Doing<T> = { done: false };
      const node = world.node(name);
      node.process.later(0, 'acts', () => {
        act(node).then(
          (value) => Object.assign(doing, { done: true, value }),
          (error: unknown) => Object.assign(doing, { done: true, error }),
        );
      });
      return doing;
    },
    /** Runs `act` in turns of the node until it has ended. */
    async do<T>(name: string, act: (node: OpeningNode) => Promise<T>): Promise<T> {
      const doing = world.begin(name, act);
      await world.until(() => doing.done, 'what was begun has ended', 120_000);
      if ('error' in doing) throw doing.error;
      return doing.value as T;
    },
    hello: (name: string) =>
      world.do(name, async ({ storage }) => Buffer.from((await storage.get(HELLO))?.value ?? '').toString()),
    allOpen: (...names: string[]) => names.every((name) => !world.node(name).opening.isSealed()),
    /** No key is in any of their memories. */
    allWiped: (...names: string[]) => names.every((name) => world.node(name).seal.barrier.isSealed()),
  };
  return world;
}

export interface Doing<T> {
  done: boolean;
  value?: T;
  error?: unknown;
}
