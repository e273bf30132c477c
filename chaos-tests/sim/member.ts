/**
 * The real membership in a simulated node: session, views, keeper, over a coordinator, a clock and randomness that are handed in. What it asks of
 * the rest of the node takes a while, and sometimes does not work at the first try.
 *
 * @module
 */
import type { ClusterTime } from '../../src/cluster/cluster-time.ts';
import type { Faults } from '../../src/cluster/faults.ts';
import { makeMembersTime } from '../../src/cluster/members-time.ts';
import { type Membership, makeMembership } from '../../src/cluster/membership.ts';
import type { MembershipHooks } from '../../src/cluster/membership-hooks.ts';
import type { Coordinator } from '../../src/model/coordinator.ts';
import { UNREACHABLE_MS } from '../../src/model/limits.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import type { Transport } from '../../src/model/transport.ts';
import type { SimOpening } from './opening.ts';
import type { SimProcess } from './process.ts';
import type { Routed } from './routed.ts';

export interface MemberOptions {
  readonly process: SimProcess;
  readonly coordinator: Coordinator;
  readonly transport: Transport;
  readonly faults: Faults | undefined;
  /** What follows from the view, where this node owns anything. */
  readonly owning?: Omit<Routed, 'cluster' | 'catalog' | 'routing' | 'held'>;
  /** Versions of the protocol: the lowest and the highest. */
  readonly speaks: readonly [number, number];
  /** The cluster's time, where nodes tell it each other. */
  readonly time?: ClusterTime;
  /** Opens and closes it, where nodes are sealed. */
  readonly opening?: SimOpening;
  /** Lets nobody in any more; resolves when what was let in is answered. */
  closeDoor?(signal: AbortSignal): Promise<void>;
  /** Faults have ended: all goes well, and soon. */
  isCalm(): boolean;
  /** Something changed by which this node may serve more, or less. */
  changed(): void;
  fault(what: string, error: unknown): void;
}

/** ms that a step takes, mostly; rarely it takes about as long as a proposal may wait. */
const STEP_MS: readonly [number, number] = [1, 80];
const LONG_STEP_MS: readonly [number, number] = [500, 7_000];
const LONG = 0.05;
const FAILS = 0.03;
const HEARTBEAT_MS = 250;
/** How often a node looks at what times the others have. */
const TIME_LOOK_MS = 200;

/** What a peer is called that runs in a process of this name, or under this node id. */
export function peerOf(name: string): string {
  return `peer-${name.split('.')[0]}`;
}

export function bootMember({
  process,
  coordinator,
  transport,
  faults,
  owning,
  opening,
  time,
  speaks,
  closeDoor,
  isCalm,
  changed,
  fault,
}: MemberOptions): Membership {
  const { clock, random } = process;

  function step(signal: AbortSignal | undefined, what: string): Promise<void> {
    const [from, to] = random.chance(isCalm() ? 0 : LONG) ? LONG_STEP_MS : STEP_MS;
    const fails = random.chance(isCalm() ? 0 : FAILS);
    return new Promise((resolve, reject) => {
      clock.after(
        () => {
          if (signal?.aborted) reject(new Error(`${what}: not wanted any more`));
          else if (fails) reject(new Error(`${what}: did not work`));
          else resolve();
        },
        random.between(from, to),
      );
    });
  }

  const membersTime = time && makeMembersTime(time, () => membership);
  function seeTimes(): void {
    membersTime!.look();
    clock.after(seeTimes, TIME_LOOK_MS);
  }

  let evictions = 0;
  const heard = makeHeard(process, transport, () => membership, owning === undefined);

  const hooks: MembershipHooks = {
    onView(_view, entered) {
      membersTime?.onView(entered);
      heard.keep();
      owning?.onView();
      opening?.look();
      changed();
    },
    onTimeChanged() {
      owning?.onTimeChanged();
      opening?.look();
      changed();
    },
    async drainShards(shards, signal) {
      await Promise.all([step(signal, 'drain'), owning?.drain(shards, signal)]);
    },
    async closeDoor(signal) {
      const closed = closeDoor?.(signal);
      await Promise.all([step(signal, 'close the door'), closed, opening?.hooks.closeDoor(signal)]);
    },
    expectJoiners: () => {},
    async prepare(signal) {
      heard.keep();
      membersTime?.preparing();
      const prepared = opening ? opening.hooks.prepare(signal) : owning?.prepare();
      await Promise.all([step(signal, 'prepare'), prepared]);
      if (!heard.allBeating()) throw new Error('prepare: not linked with all members');
    },
    async catchUp(signal) {
      const caughtUp = opening ? opening.hooks.catchUp(signal) : owning?.catchUp();
      await Promise.all([step(signal, 'catch up'), caughtUp]);
    },
    onEvicted() {
      membersTime?.ended();
      owning?.dropAll();
      opening?.look();
      evictions++;
      changed();
    },
    onSealed() {
      membersTime?.ended();
      return opening?.hooks.onSealed() ?? step(undefined, 'wipe');
    },
    ...(owning ? { quiet: owning.quiet } : {}),
    unreachable: owning?.unreachable ?? heard.unreachable,
    clusterTimeMs: () => time?.now() ?? clock.wallMs(),
    async highestFence() {
      return 0;
    },
    fault,
  };

  const membership = makeMembership({
    clock,
    coordinator,
    hooks,
    log: SILENT_LOG,
    faults,
    randomBytes: (bytes) => random.bytes(bytes),
    describe: () => ({
      // Where requests are played, a node that was evicted comes back as another: one that flaps is kept out for minutes, and a run
      // would soon have nobody left to take over.
      nodeId: owning ? `${process.name}.${process.life}.${evictions}` : process.name,
      peerId: peerOf(process.name),
      addresses: [],
      apiAddress: '',
      clusterAddress: '',
      weight: 1,
      zone: '',
      speaks,
      release: 'simulated',
      storageId: 'store',
    }),
  });
  void transport.start();
  membership.start();
  if (time) seeTimes();
  if (opening) clock.after(opening.start, 0);
  else clock.after(() => membership.setSealed(false), random.between(1, 300));
  return membership;
}

/** Heartbeats to all members: whom does this node hear, and whom not any more? */
function makeHeard(
  { clock }: SimProcess,
  transport: Transport,
  membershipOf: () => Membership,
  /** Nobody else does. */
  beats: boolean,
) {
  /** When each peer was heard last, or first looked for. */
  const lastMs = new Map<string, number>();
  if (beats) transport.onMessage(({ peer }) => void lastMs.set(peer, clock.monotonicMs()));

  function others(): { inc: string; peer: string }[] {
    const membership = membershipOf();
    const records = membership.members();
    return (membership.view()?.members ?? [])
      .filter(({ inc }) => inc !== membership.inc())
      .map(({ inc, nodeId }) => ({ inc, peer: records.get(inc)?.peerId ?? peerOf(nodeId) }));
  }

  function beat(): void {
    clock.after(beat, HEARTBEAT_MS);
    for (const peer of transport.peers()) transport.send(peer, Buffer.from('here'));
  }
  if (beats) beat();

  return {
    keep() {
      const members = [...membershipOf().members().values()];
      transport.keep(members.map(({ peerId }) => ({ peer: peerId, addresses: [] })));
    },
    allBeating(): boolean {
      const linked = transport.peers();
      return others().every(({ inc, peer }) => !membershipOf().isBeating(inc) || linked.includes(peer));
    },
    unreachable(): string[] {
      const now = clock.monotonicMs();
      const members = others();
      for (const { peer } of members) if (!lastMs.has(peer)) lastMs.set(peer, now);
      return members.filter(({ peer }) => now - lastMs.get(peer)! > UNREACHABLE_MS).map(({ inc }) => inc);
    },
  };
}
