/**
 * What goes wrong in a run, drawn from its seed: faults come one after the other, some at once, and each ends by itself.
 *
 * @module
 */
import { peerOf } from '../sim/member.ts';
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
  readonly faults: Faults;
}

export type Faults = Readonly<Record<string, Fault>>;

/** Begins a fault and returns what ends it. */
export type Fault = (world: World, random: Random, node: SimNode) => () => void;

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

/** The wall clock is ahead for a while. */
export const CLOCK_FAULTS: Faults = {
  'wall clock is ahead': (_world, random, { process }) => {
    const ms = random.between(1_000, 20_000);
    process.stepWall(ms);
    return () => process.stepWall(-ms);
  },
};

/** What may happen between nodes and a server that all of them ask. */
function serverFaults(name: string, of: (world: World) => Weather): Record<string, Fault> {
  return {
    [`${name} loses questions`]: weather(of, () => ({ lostQuestion: 0.2 })),
    [`${name} loses answers`]: weather(of, () => ({ lostAnswer: 0.3 })),
    [`${name} holds answers`]: weather(of, () => ({ heldAnswer: 0.3 })),
    [`${name} hears late`]: weather(of, () => ({ late: 0.3 })),
    [`${name} is slow`]: weather(of, (random) => ({ delayMs: [1, random.between(20, 1_500)] })),
    [`${name} breaks connections`]: weather(of, (random) => ({ broken: random.between(0.1, 0.5) })),
    [`${name} is away`]: weather(of, () => ({ isAway: true })),
    [`${name} does not hear`]: (world, _random, node) => {
      of(world).deafTo.add(node.process.name);
      return () => void of(world).deafTo.delete(node.process.name);
    },
    [`${name} is far from`]: (world, _random, node) => {
      of(world).farFrom.add(node.process.name);
      return () => void of(world).farFrom.delete(node.process.name);
    },
    [`${name} is not heard by`]: (world, _random, node) => {
      of(world).muteTo.add(node.process.name);
      return () => void of(world).muteTo.delete(node.process.name);
    },
  };
}

export const STORE_FAULTS: Faults = serverFaults('the store', ({ store }) => store.weather);
export const COORDINATOR_FAULTS: Faults = serverFaults(
  'the coordinator',
  ({ coordinator }) => coordinator.weather,
);

export const NODE_FAULTS: Faults = {
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

/** Between nodes: one way, both ways, or from everybody. */
export const NETWORK_FAULTS: Faults = {
  'is cut off one way': (world, random, node) =>
    cut(world, node, [random.pick(othersOf(world, node))], ['there']),
  'is cut off from another': (world, random, node) =>
    cut(world, node, [random.pick(othersOf(world, node))], ['there', 'back']),
  'is cut off from all': (world, _random, node) => cut(world, node, othersOf(world, node), ['there', 'back']),
  'messages are slow': ({ network }) => {
    const { slow } = network.weather;
    network.weather.slow = 0.3;
    return () => {
      network.weather.slow = slow;
    };
  },
};

function othersOf({ nodes }: World, node: SimNode): SimNode[] {
  return nodes.filter((other) => other !== node);
}

function cut(
  { network }: World,
  node: SimNode,
  others: readonly SimNode[],
  ways: readonly string[],
): () => void {
  const mends = others.flatMap((other) => {
    const [from, to] = [peerOf(node.process.name), peerOf(other.process.name)];
    return ways.map((way) => (way === 'there' ? network.cut(from, to) : network.cut(to, from)));
  });
  return () => {
    for (const mended of mends) mended();
  };
}

/** A planned stop: the process ends when it has left, and is started again when the fault ends, or then. */
function stop(node: SimNode, leave: () => Promise<void>): () => void {
  const { life } = node.process;
  let isMended = false;
  const left = () => {
    if (node.process.life === life) node.crash();
    if (isMended && !node.process.isAlive) node.start();
  };
  node.process.later(0, 'stops', () => void leave().then(left));
  return () => {
    isMended = true;
    if (!node.process.isAlive) node.start();
  };
}

/** Of a cluster's membership: planned stops, and operators. */
export const MEMBER_FAULTS: Faults = {
  leave: (_world, _random, node) => stop(node, () => node.leave()),
  'stops at once': (_world, _random, node) => stop(node, () => node.member!.stop()),
  'operator removes the record': (world, _random, node) => {
    world.coordinator.remove(`members/${node.member!.inc()}`);
    return () => {};
  },
};

/** A node loses its place while what it wrote is still on its way: its commits are slow, and the coordinator hears nothing of it. */
export const OVERTAKEN: Faults = {
  'claims are slow': (world, random, node) => {
    const { weather } = world.store;
    weather.claimsMs = random.between(50, 1_000);
    const mend = OVERTAKEN['is overtaken']!(world, random, node);
    return () => {
      weather.claimsMs = 0;
      mend();
    };
  },
  'is overtaken': ({ store, coordinator }, _random, { process }) => {
    store.weather.farFrom.add(process.name);
    coordinator.weather.deafTo.add(process.name);
    const { farMs } = store.weather;
    store.weather.farMs = [200, 3_500];
    return () => {
      store.weather.farMs = farMs;
      store.weather.farFrom.delete(process.name);
      coordinator.weather.deafTo.delete(process.name);
    };
  },
};

/** A node loses its place while its commits are on their way, and those who take over claim slowly: what it sent lands in between, and it hears so. */
export const COMMITS_BETWEEN: Faults = {
  'commits are overtaken': ({ store, coordinator }, random, { process }) => {
    store.weather.commitsSlowFor.add(process.name);
    coordinator.weather.deafTo.add(process.name);
    store.weather.claimsMs = random.between(100, 1_500);
    return () => {
      store.weather.claimsMs = 0;
      store.weather.commitsSlowFor.delete(process.name);
      coordinator.weather.deafTo.delete(process.name);
    };
  },
};

/** A node is heard late, and then not at all: what it is told by then is old. */
export const LATE_THEN_CUT: Faults = {
  'is heard late, then cut off': (world, random, node) => {
    const { network, scheduler } = world;
    const { slow } = network.weather;
    network.weather.slow = 0.7;
    let mend: (() => void) | undefined;
    let isOver = false;
    scheduler.after(random.between(400, 2_000), 'cut off', () => {
      if (!isOver) mend = cut(world, node, othersOf(world, node), ['there', 'back']);
    });
    return () => {
      isOver = true;
      network.weather.slow = slow;
      mend?.();
    };
  },
};

/** What a node commits it does not hear of, and others do not hear that it is about to. */
export const UNHEARD: Faults = {
  'is cut off, and does not hear of its commits': (world, _random, node) => {
    const { brokenFor } = world.store.weather;
    const mend = cut(world, node, othersOf(world, node), ['there', 'back']);
    brokenFor.add(node.process.name);
    return () => {
      brokenFor.delete(node.process.name);
      mend();
    };
  },
};

/** So many are enough: operations that are left over have an easy time. */
const FAULTS_MAX = 150;
/** How long a fault lasts, ms. */
const LASTS_MS: readonly [number, number] = [20, 6_000];

export function makeNemesis(world: World, { everyMs, nodes, faults }: NemesisOptions): Nemesis {
  const random = world.random.fork('nemesis');
  const { scheduler, trace } = world;
  const names = Object.keys(faults);
  const mend = new Map<string, () => void>();
  let count = 0;
  let isOver = false;

  function strike(): void {
    if (isOver || count >= FAULTS_MAX) return;
    scheduler.after(random.between(...everyMs), 'fault', strike);
    const name = random.pick(names);
    const node = random.pick(nodes);
    const needsUp = name in NODE_FAULTS || name in MEMBER_FAULTS;
    const what = /^the \w+ (is (slow|away)|loses|holds|hears late|breaks)|^messages/.test(name)
      ? name
      : `${name} ${node.process.name}`;
    // The same weather does not come twice at once, and who is down is left alone.
    if (mend.has(what) || (needsUp && !isUp(node))) return;
    count++;
    trace.add(`fault: ${what}`);
    mend.set(what, faults[name]!(world, random, node));
    scheduler.after(random.between(...LASTS_MS), `fault ends: ${what}`, () => end(what));
  }

  function isUp({ process }: SimNode): boolean {
    return process.isAlive && !process.isPaused;
  }

  function end(what: string): void {
    const mending = mend.get(what);
    mend.delete(what);
    mending?.();
    if (mend.size === 0 && (isOver || count >= FAULTS_MAX)) world.faultsEndedMs ??= scheduler.nowMs;
  }

  return {
    get count() {
      return count;
    },
    start: () => void scheduler.after(random.between(...everyMs), 'fault', strike),
    stop() {
      isOver = true;
      for (const what of [...mend.keys()]) end(what);
      world.faultsEndedMs ??= scheduler.nowMs;
    },
  };
}
