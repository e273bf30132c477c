/**
 * What goes wrong in a run, drawn from its seed: faults come one after the other, some at once, and each ends by itself.
 *
 * @module
 */
import type { Random } from '../sim/random.ts';
import type { Weather } from '../sim/service.ts';
import type { SimNode, World } from '../sim/world.ts';

export interface Nemesis {
  /** Faults that began. */
  readonly count: number;
  start(): void;
  /** Ends all faults: what is broken now is mended. */
  stop(): void;
}

export interface NemesisOptions {
  /** Between two faults, ms. */
  readonly everyMs: readonly [number, number];
  /** Nodes are crashed and paused only where others, or a later start, can go on. */
  readonly nodes: readonly SimNode[];
}

/** Begins a fault and returns what ends it. */
type Fault = (world: World, random: Random, node: SimNode) => () => void;

/** Sets some of the weather, and puts it back. */
function weather(of: (world: World) => Weather, change: (random: Random) => Partial<Weather>): Fault {
  return (world, random) => {
    const target = of(world);
    const changed = change(random);
    const before = Object.fromEntries(
      Object.keys(changed).map((name) => [name, target[name as keyof Weather]]),
    );
    Object.assign(target, changed);
    return () => Object.assign(target, before);
  };
}

const store = (world: World) => world.store.weather;

const FAULTS: Readonly<Record<string, Fault>> = {
  'store loses questions': weather(store, () => ({ lostQuestion: 0.2 })),
  'store loses answers': weather(store, () => ({ lostAnswer: 0.3 })),
  'commits come late': weather(store, () => ({ late: 0.3 })),
  'store is slow': weather(store, (random) => ({ delayMs: [1, random.between(20, 1_500)] })),
  'store is away': weather(store, () => ({ isAway: true })),
  'store hears nothing of a node': (world, _random, node) => {
    store(world).deafTo.add(node.process.name);
    return () => void store(world).deafTo.delete(node.process.name);
  },
  'node hears nothing of the store': (world, _random, node) => {
    store(world).muteTo.add(node.process.name);
    return () => void store(world).muteTo.delete(node.process.name);
  },
  crash: (_world, _random, node) => {
    node.crash();
    return () => node.start();
  },
  pause: (_world, _random, node) => {
    node.process.pause();
    return () => node.process.resume();
  },
  'wall clock steps': (_world, random, node) => {
    node.process.stepWall(random.between(-60_000, 60_000));
    return () => {};
  },
};

/** How long a fault lasts, ms. */
const LASTS_MS: readonly [number, number] = [20, 6_000];

export function makeNemesis(world: World, { everyMs, nodes }: NemesisOptions): Nemesis {
  const random = world.random.fork('nemesis');
  const { scheduler, trace } = world;
  const mend = new Map<string, () => void>();
  let count = 0;
  let isOver = false;

  function strike(): void {
    if (isOver) return;
    scheduler.after(random.between(...everyMs), 'fault', strike);
    const name = random.pick(Object.keys(FAULTS));
    const node = random.pick(nodes);
    const what = name.includes('store') || name.includes('commits') ? name : `${name} ${node.process.name}`;
    // A node that is down is not crashed again, and the same weather does not come twice at once.
    if (mend.has(what) || ((name === 'pause' || name === 'crash') && !isUp(node))) return;
    count++;
    trace.add(`fault: ${what}`);
    mend.set(what, FAULTS[name]!(world, random, node));
    scheduler.after(random.between(...LASTS_MS), `fault ends: ${what}`, () => end(what));
  }

  function isUp({ process }: SimNode): boolean {
    return process.isAlive && !process.isPaused;
  }

  function end(what: string): void {
    const mending = mend.get(what);
    mend.delete(what);
    mending?.();
  }

  return {
    get count() {
      return count;
    },
    start: () => void scheduler.after(random.between(...everyMs), 'fault', strike),
    stop() {
      isOver = true;
      for (const what of [...mend.keys()]) end(what);
    },
  };
}
