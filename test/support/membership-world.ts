/**
 * A cluster's membership in one process and one seed: nodes with clocks of unlike rates, a coordinator that answers late, not at all,
 * or after its answer was given up, pauses, crashes and outages. A model for tests only; the real coordinators have their own tests.
 *
 * After every event it is checked that no shard may be served by two nodes (I3), and with every write of the view that it follows the rules
 * (I11); at the end, that all is served again (I14).
 *
 * @module
 */
import { SHARDS } from '../../src/actors/places.ts';
import type { Faults } from '../../src/cluster/faults.ts';
import { decodeMember, memberKey, type NodeDescription } from '../../src/cluster/member-record.ts';
import { type Membership, makeMembership } from '../../src/cluster/membership.ts';
import type { MembershipHooks } from '../../src/cluster/membership-hooks.ts';
import { type MembershipTimes, USUAL_TIMES } from '../../src/cluster/times.ts';
import { decodeView, isMember, shardsOf, VIEW_KEY, type View } from '../../src/cluster/view.ts';
import type { Clock } from '../../src/model/clock.ts';
import type {
  Coordinator,
  CoordinatorOutcome,
  CoordinatorRecord,
  CoordinatorStep,
} from '../../src/model/coordinator.ts';
import { SILENT_LOG } from '../../src/model/log.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly faults?: Faults;
  readonly times?: MembershipTimes;
  /** Share of calls that are lost or slow; 0: a calm day. */
  readonly trouble?: number;
  /** Invariants that are looked at; all where absent. */
  readonly only?: readonly string[];
}

export interface WorldNode {
  readonly name: string;
  readonly membership: Membership;
  readonly clock: Clock;
  /** Requests, or answers, between it and the coordinator are lost. */
  cut: 'no' | 'requests' | 'answers';
  paused: boolean;
  crashed: boolean;
  /** Members that it does not hear, by name. */
  readonly deafTo: Set<string>;
  /** How long it takes to drain, ms of its own clock; Infinity: until aborted. */
  drainMs: number;
  /** As `drainMs`, for catching up; undefined: not long. */
  catchUpMs: number | undefined;
  /** How long others may go on with what it granted, once it has stopped. */
  quietMs: number;
  /** What its hooks were told. */
  readonly told: string[];
  readonly speaks: [number, number];
  weight: number;
  stepWall(ms: number): void;
  /** Until when something kept it from beating; Infinity: it still does. */
  lastTroubleMs: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly node: WorldNode | undefined;
  run: (() => void) | undefined;
}

/** mulberry32 */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const STEP_TIMEOUT_MS = 1_500;

/** The message begins with the invariant's name. */
export class Violation extends Error {}

export class World {
  readonly nodes = new Map<string, WorldNode>();
  readonly store = new Map<string, CoordinatorRecord>();
  readonly random: () => number;
  /** What happened to the view, in order. */
  readonly history: string[] = [];
  now = 0;
  outage = false;
  /** Share of calls that are lost; twice as many are slow. */
  trouble: number;
  readonly #options: WorldOptions;
  readonly #queue: Event[] = [];
  #order = 0;
  #counter = 0;
  #highestNumber = 0;
  readonly #watchers = new Set<{ key: string; node: WorldNode; run: () => void }>();
  readonly #epochs = new Set<number>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.trouble = options.trouble ?? 0;
    this.random = makeRandom(options.seed);
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  // Time

  at(ms: number, run: () => void, node?: WorldNode): Event {
    const event: Event = { at: this.now + ms, order: this.#order++, node, run };
    const queue = this.#queue;
    let low = 0;
    let high = queue.length;
    // Latest first, so that the next one is taken from the end.
    while (low < high) {
      const mid = (low + high) >>> 1;
      const other = queue[mid]!;
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) low = mid + 1;
      else high = mid;
    }
    queue.splice(low, 0, event);
    return event;
  }

  /** Runs what happens in the next `ms`. @throws Violation */
  async run(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const event = this.#queue.at(-1);
      if (!event || event.at > until) break;
      this.#queue.pop();
      this.now = event.at;
      const { run, node } = event;
      if (!run || node?.crashed) continue;
      if (node?.paused) {
        // It runs, late, when the node goes on.
        this.#held.push(event);
        continue;
      }
      run();
      await new Promise((resolve) => setImmediate(resolve));
      this.#checkServing();
    }
    this.now = until;
  }

  /** Runs until `is` holds. @throws Error after `ms`. */
  async until(is: () => boolean, ms: number, what: string): Promise<number> {
    const began = this.now;
    while (!is()) {
      if (this.now - began > ms) throw new Error(`after ${ms} ms: ${what}\n${this.describe()}`);
      await this.run(10);
    }
    return this.now - began;
  }

  #held: Event[] = [];

  pause(name: string): void {
    const node = this.node(name);
    node.paused = true;
    node.lastTroubleMs = Number.POSITIVE_INFINITY;
  }

  resume(name: string): void {
    const node = this.node(name);
    node.paused = false;
    node.lastTroubleMs = this.now;
    // A request that comes first finds what the clock says, before any timer has run.
    this.#checkServing();
    const held = this.#held.filter((event) => event.node === node);
    this.#held = this.#held.filter((event) => event.node !== node);
    for (const event of held) this.at(0, () => event.run?.(), node);
  }

  crash(name: string): void {
    const node = this.node(name);
    node.crashed = true;
    this.nodes.delete(name);
    this.#held = this.#held.filter((event) => event.node !== node);
    for (const watcher of this.#watchers) if (watcher.node === node) this.#watchers.delete(watcher);
  }

  cut(name: string, how: WorldNode['cut']): void {
    const node = this.node(name);
    node.cut = how;
    node.lastTroubleMs = how === 'no' ? this.now : Number.POSITIVE_INFINITY;
  }

  node(name: string): WorldNode {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }

  // Nodes

  /** Starts a node; unsealed unless told. */
  start(
    name: string,
    { sealed = false, nodeId = name, peerId = `peer-${name}`, rate = 1 + this.between(-0.05, 0.05) } = {},
  ): WorldNode {
    const random = makeRandom(Math.floor(this.random() * 2 ** 32));
    let wallOffset = 1_750_000_000_000 + this.between(-500, 500);
    const born = this.now;
    const clock: Clock = {
      monotonicMs: () => (this.now - born) * rate + 1_000,
      wallMs: () => wallOffset + this.now * rate,
      after: (run, ms) => {
        const event = this.at(Math.max(0, ms) / rate, run, node);
        return {
          clear: () => {
            event.run = undefined;
          },
        };
      },
    };
    const description = (): NodeDescription => ({
      nodeId,
      peerId,
      addresses: [],
      apiAddress: '',
      clusterAddress: '',
      weight: node.weight,
      zone: '',
      speaks: node.speaks,
      release: '0.1.0',
      storageId: 'store',
    });
    const membership = makeMembership({
      clock,
      coordinator: this.#coordinatorOf(() => node),
      hooks: this.#hooksOf(() => node),
      log: SILENT_LOG,
      describe: description,
      randomBytes: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
      times: this.#options.times ?? USUAL_TIMES,
      faults: this.#options.faults,
    });
    const node: WorldNode = {
      name,
      membership,
      clock,
      cut: 'no',
      paused: false,
      crashed: false,
      deafTo: new Set(),
      drainMs: this.between(0, 60),
      catchUpMs: undefined,
      quietMs: 0,
      told: [],
      speaks: [1, 1],
      weight: 1,
      stepWall(ms) {
        wallOffset += ms;
      },
      lastTroubleMs: this.now,
    };
    this.nodes.set(name, node);
    membership.start();
    if (!sealed) membership.setSealed(false);
    return node;
  }

  #hooksOf(get: () => WorldNode): MembershipHooks {
    const takes = (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        if (ms === Number.POSITIVE_INFINITY)
          return signal.addEventListener('abort', () => reject(new Error('aborted')));
        get().clock.after(resolve, ms);
      });
    const tell = (what: string): void => {
      get().told.push(what);
    };
    return {
      onView: (view, entered) =>
        tell(`view ${view.epoch}${view.next ? `+${view.next.number}` : ''}${entered ? '' : ' out'}`),
      drainShards: (shards, signal) => {
        tell(`drain ${shards.length}`);
        return takes(shards.length === 0 ? 0 : get().drainMs, signal);
      },
      closeDoor: (signal) => {
        tell('door closed');
        return takes(get().drainMs, signal);
      },
      expectJoiners: (joiners) => tell(`expect ${joiners.map(({ nodeId }) => nodeId).join()}`),
      prepare: (signal) => takes(this.between(1, 30), signal),
      catchUp: (signal) => {
        tell('catch up');
        return takes(get().catchUpMs ?? this.between(1, 30), signal);
      },
      onEvicted: () => tell('evicted'),
      quiet: () =>
        get().quietMs === 0 ? Promise.resolve() : takes(get().quietMs, new AbortController().signal),
      onSealed: () => {
        tell('sealed');
        return Promise.resolve();
      },
      unreachable: () => {
        const incs: string[] = [];
        for (const [inc, record] of get().membership.members())
          if (get().deafTo.has(record.nodeId)) incs.push(inc);
        return incs;
      },
      clusterTimeMs: () => get().clock.wallMs(),
      highestFence: () => Promise.resolve(this.#highestNumber),
      fault: (what) => tell(`fault: ${what}`),
    };
  }

  // The coordinator

  #coordinatorOf(get: () => WorldNode): Coordinator {
    return {
      type: 'model',
      sharesClock: false,
      step: (step) =>
        new Promise((resolve) => {
          const node = get();
          let open = true;
          const end = (outcome: CoordinatorOutcome): void => {
            if (!open) return;
            open = false;
            timer.clear();
            resolve(outcome);
          };
          const timer = node.clock.after(
            () => end({ outcome: 'unknown', cause: 'time-out' }),
            STEP_TIMEOUT_MS,
          );
          if (this.outage || node.cut === 'requests' || this.#isLost()) return;
          this.at(this.#delay(), () => {
            if (this.outage) return;
            const outcome = this.#execute(step);
            if (node.cut === 'answers' || this.#isLost()) return;
            this.at(this.#delay(), () => end(outcome), node);
          });
        }),
      watch: (key, run) => {
        const watcher = { key, node: get(), run };
        this.#watchers.add(watcher);
        return { stop: () => void this.#watchers.delete(watcher) };
      },
      close: () => Promise.resolve(),
    };
  }

  #isLost(): boolean {
    return this.random() < this.trouble;
  }

  /** ms one way. In a troubled world some take longer than any deadline. */
  #delay(): number {
    if (this.random() < 2 * this.trouble) return this.between(0, 3_000);
    return this.between(0.2, 6);
  }

  #execute(step: CoordinatorStep): CoordinatorOutcome {
    const { conditions, changes, reads = [], lists = [] } = step;
    const good = conditions.every(({ key, version }) => (this.store.get(key)?.version ?? 0) === version);
    const before = this.store.get(VIEW_KEY);
    if (good && changes.length > 0) {
      this.#counter++;
      const evicted: string[] = [];
      for (const { key, value } of changes) {
        if (value) this.store.set(key, { value, version: this.#counter });
        else if (this.store.delete(key)) evicted.push(key);
      }
      const after = this.store.get(VIEW_KEY);
      if (after && after !== before)
        this.#viewWritten(before && decodeView(before.value), decodeView(after.value));
    }
    const records = new Map<string, CoordinatorRecord>();
    const show = (key: string): void => {
      const record = this.store.get(key);
      if (record) records.set(key, record);
    };
    for (const key of reads) show(key);
    for (const key of this.store.keys()) if (lists.some((prefix) => key.startsWith(prefix))) show(key);
    if (!good) for (const { key } of conditions) show(key);
    return good ? { outcome: 'ok', version: this.#counter, records } : { outcome: 'refused', records };
  }

  #viewWritten(before: View | undefined, after: View): void {
    for (const { key, node, run } of this.#watchers) {
      if (key === VIEW_KEY && !this.#isLost() && node.cut === 'no') this.at(this.#delay(), run, node);
    }
    if (!before) {
      this.history.push(`first ${after.epoch}`);
    } else if (after.epoch !== before.epoch) {
      if (this.#epochs.has(after.epoch)) this.violated(`I11: epoch ${after.epoch} is active twice`);
      if (after.epoch < before.epoch) this.violated('I11: epochs fall');
      this.#checkMoves(before, after);
    } else if (after.next && after.next.number !== before.next?.number) {
      if (after.next.number <= this.#highestNumber)
        this.violated(`I11: number ${after.next.number} is used again`);
      this.history.push(`propose ${after.next.number}`);
    } else if (before.next && !after.next) {
      this.history.push(`cancel ${before.next.number}`);
    }
    this.#epochs.add(after.epoch);
    this.#highestNumber = Math.max(this.#highestNumber, after.last);
  }

  #checkMoves(before: View, after: View): void {
    if (after.epoch === before.next?.number) {
      this.history.push(`activate ${after.epoch}`);
      const all = new Set([...before.members, ...after.members].map(({ inc }) => inc));
      for (const inc of all) {
        const record = this.store.get(memberKey(inc));
        // Who has acknowledged may have died since.
        if (record && decodeMember(record.value).ack !== after.epoch) {
          this.violated(`I11: ${inc} has not acknowledged ${after.epoch}`);
        }
      }
      return;
    }
    const gone = before.members.filter(({ inc }) => !isMember(after, inc));
    if (before.members.length === 0 || before.sealed !== after.sealed) {
      this.history.push(`take ${after.epoch}`);
      return;
    }
    this.history.push(`evict ${gone.map(({ nodeId }) => nodeId).join()} ${after.epoch}`);
    for (const { inc, nodeId } of gone) {
      const node = [...this.nodes.values()].find(({ membership }) => membership.inc() === inc);
      // One that leaves, or stops, takes itself out.
      const isOwnDoing = node?.told.includes('door closed') || node?.told.at(-1) === 'evicted';
      const calm = node && node.lastTroubleMs + 3_000 < this.now && !isOwnDoing;
      if (calm && node.deafTo.size === 0)
        this.violated(`I14: ${nodeId} is evicted for nothing\n${this.describe()}`);
    }
    for (const [shard, owner] of before.shards.entries()) {
      const lives = isMember(after, owner);
      if (lives && after.shards[shard] !== owner)
        this.violated(`I11: an eviction moves shard ${shard} of ${owner}`);
    }
  }

  // What must hold

  /** @throws Violation where the invariant is looked at. */
  violated(what: string): void {
    const { only } = this.#options;
    if (!only || only.some((name) => what.startsWith(`${name}:`))) throw new Violation(what);
  }

  #checkServing(): void {
    const serving = [...this.nodes.values()].filter(
      ({ paused, membership }) => !paused && membership.isInTime(),
    );
    for (const [at, one] of serving.entries()) {
      for (const two of serving.slice(at + 1)) this.#checkPair(one, two);
    }
  }

  #checkPair(one: WorldNode, two: WorldNode): void {
    // Under one epoch each shard has one owner.
    if (one.membership.view()?.epoch === two.membership.view()?.epoch) return;
    for (let shard = 0; shard < SHARDS; shard++) {
      if (!one.membership.mayServe(shard) || !two.membership.mayServe(shard)) continue;
      this.violated(`I3: shard ${shard} is served by ${one.name} and ${two.name}\n${this.describe()}`);
    }
  }

  /** Every shard is served, by exactly one. */
  isAllServed(): boolean {
    let served = 0;
    for (const { membership, paused } of this.nodes.values()) {
      const view = membership.view();
      if (paused || !view || view.next || !membership.isInTime()) continue;
      served += shardsOf(view, membership.inc()).filter((shard) => membership.mayServe(shard)).length;
    }
    return served === SHARDS;
  }

  /** All nodes are members of one view. */
  isWhole(): boolean {
    const record = this.store.get(VIEW_KEY);
    if (!record) return false;
    const view = decodeView(record.value);
    const nodes = [...this.nodes.values()];
    const isIn = nodes.every(({ membership }) => isMember(view, membership.inc()));
    return isIn && view.members.length === nodes.length && this.isAllServed();
  }

  view(): View | undefined {
    const record = this.store.get(VIEW_KEY);
    return record && decodeView(record.value);
  }

  describe(): string {
    const lines = [...this.nodes.values()].map(({ name, membership, paused, cut, told }) => {
      const view = membership.view();
      const state = `${paused ? 'paused ' : ''}${cut === 'no' ? '' : `cut (${cut}) `}${membership.isInTime() ? 'in time' : 'out of time'}`;
      return `${name} ${membership.inc().slice(0, 6)} ${state} epoch ${view?.epoch}${view?.next ? ` next ${view.next.number}` : ''}: ${told.slice(-8).join(', ')}`;
    });
    return `${Math.round(this.now)} ms, seed ${this.#options.seed}; ${this.history.slice(-12).join(', ')}\n${lines.join('\n')}`;
  }
}
