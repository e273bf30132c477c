/**
 * A node of `grants-world.ts`: real grants and post; a membership, actors and letters that do only what the protocol says of them.
 *
 * @module
 */
import type { SimProcess } from '../../chaos-tests/sim/process.ts';
import { type Grants, makeGrants } from '../../src/cluster/grants/grants.ts';
import type { MemberRecord } from '../../src/cluster/member-record.ts';
import { Moved } from '../../src/cluster/moved.ts';
import { makePost, type Post, wasAnswered } from '../../src/cluster/post.ts';
import { isMember, ownerOf, type View } from '../../src/cluster/view.ts';
import { type ActorId, type ActorKind, actorKey } from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import { BEAT_MS, SESSION_DEADLINE_MS } from '../../src/model/limits.ts';
import type { Transport } from '../../src/model/transport.ts';
import { COUNTER, type GrantsWorld, shardOfId } from './grants-world.ts';

export interface GrantsNode {
  readonly process: SimProcess;
  readonly grants: Grants;
  readonly post: Post;
  readonly transport: Transport;
  inc(): string;
  isInTime(): boolean;
  owns(id: ActorId): boolean;
  start(): void;
  seeView(view: View): void;
  /** Beats are lost while true. */
  isCutOff: boolean;
  /** Undefined: it may not answer. */
  read(id: ActorId): number | undefined;
  /** As owner. Resolves with whether it was acknowledged. */
  write(id: ActorId): Promise<boolean>;
  /** Runs at another node under the authority of `token`. False: not sent, or refused. */
  sendUnder(token: ActorId, to: GrantsNode): Promise<boolean>;
  /** Gives its shard away: nobody answers from it any more. False: evicted meanwhile. */
  drain(id: ActorId): Promise<boolean>;
  undrain(): void;
  readonly faults: unknown[];
  /** Of what it grants. */
  termMs: number | undefined;
  /** Messages that came in, by kind. */
  received(kind: string): number;
}

interface Active {
  state: number;
  version: number;
  fence: number;
  isBusy: boolean;
}

export function bootGrantsNode(world: GrantsWorld, process: SimProcess): GrantsNode {
  const { scheduler, random } = world;
  const { clock } = process;
  const name = process.name;
  process.start(() => {});
  const transport = world.network.connect(process, name);
  const received = new Map<string, number>();
  const post = counted(makePost({ transport }), received);
  const faults: unknown[] = [];
  const active = new Map<string, Active>();
  const loading = new Map<string, Promise<Active | undefined>>();
  const givenAway = new Set<number>();
  let lives = 0;
  let inc = '';
  let view: View | undefined;
  let deadline = Number.NEGATIVE_INFINITY;

  const isInTime = () => clock.monotonicMs() < deadline;
  const owns = (id: ActorId) =>
    view !== undefined && ownerOf(view, shardOfId(id)) === inc && !givenAway.has(shardOfId(id));
  const membership = {
    inc: () => inc,
    view: () => view,
    members: () => world.records,
    isInTime,
    deadlineMs: () => deadline,
    mayServe: (shard: number) => view !== undefined && ownerOf(view, shard) === inc && !givenAway.has(shard),
  };

  const grants = makeGrants({
    clock,
    post,
    membership: () => membership,
    kinds: [COUNTER as unknown as ActorKind<never>],
    sigma: 1.05 / 0.95,
    snapshotOf(id) {
      const actor = active.get(actorKey(id));
      if (!actor || actor.isBusy) return undefined;
      return { head: COUNTER.encode(actor.state)!, version: actor.version, termMs: node.termMs };
    },
    activate: async (id) => void (await load(id)),
    fault: (_what, error) => void faults.push(error),
    faults: world.faults,
  });

  /** Waits in turns of this process. */
  const takes = (fromMs: number, toMs: number) =>
    new Promise<void>((resolve) => void process.later(random.between(fromMs, toMs), '', resolve));

  function live(): void {
    inc = `${name}.${++lives}`;
    deadline = Number.NEGATIVE_INFINITY;
    world.records.set(inc, { peerId: name } as MemberRecord);
    world.join(node);
  }

  function evicted(): void {
    world.tell(`${inc} hears that it is evicted`);
    active.clear();
    givenAway.clear();
    deadline = Number.NEGATIVE_INFINITY;
    grants.dropAll();
    live();
  }

  function beat(): void {
    clock.after(beat, BEAT_MS);
    const life = inc;
    const sentMs = clock.monotonicMs();
    const isLost = node.isCutOff || (!world.isCalm && random.chance(0.05));
    scheduler.after(random.between(0.2, 5), '', () => {
      if (isLost) return;
      const isTaken = world.records.has(life);
      if (isTaken) world.taken(life);
      const seen = world.view();
      const wayBack =
        !world.isCalm && random.chance(0.05) ? random.between(0, 1_500) : random.between(0.2, 5);
      const hear = () => {
        if (inc !== life) return;
        if (!isTaken) return evicted();
        node.seeView(seen);
        if (inc === life) deadline = Math.max(deadline, sentMs + SESSION_DEADLINE_MS);
      };
      scheduler.after(wayBack, '', hear, process);
    });
  }

  function load(id: ActorId): Promise<Active | undefined> {
    const key = actorKey(id);
    const known = active.get(key);
    if (known) return Promise.resolve(known);
    const under = loading.get(key);
    if (under) return under;
    const mine = loadAnew(id, key).finally(() => loading.delete(key));
    loading.set(key, mine);
    return mine;
  }

  async function loadAnew(id: ActorId, key: string): Promise<Active | undefined> {
    const life = inc;
    const isMine = () => inc === life && owns(id);
    grants.block(key);
    try {
      await takes(0.2, 3);
      const stored = world.store.get(key);
      // The claim is compared by the store: an older view's claim comes to nothing.
      if (!stored || !isMine() || ownerOf(world.view(), shardOfId(id)) !== inc) return undefined;
      const fence = ++stored.fence;
      // What was loaded before may be held by others still.
      await grants.end(key);
      const { version } = stored;
      await takes(0.2, 3);
      if (!isMine()) return undefined;
      world.tell(`${inc} has loaded ${key} version ${version}`);
      const actor: Active = { state: version, version, fence, isBusy: false };
      active.set(key, actor);
      return actor;
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      return undefined;
    } finally {
      grants.release(key);
    }
  }

  async function commit(key: string, actor: Active): Promise<'done' | 'refused' | 'unknown'> {
    await takes(0.2, 3);
    const { fence, version } = actor;
    const store = () => {
      const stored = world.store.get(key)!;
      if (stored.fence !== fence || stored.version !== version) return 'refused';
      stored.version++;
      return 'done';
    };
    if (!world.isCalm && random.chance(0.05)) {
      scheduler.after(random.between(0, 800), '', store);
      world.tell(`${inc} does not know whether ${key} is changed`);
      return 'unknown';
    }
    const outcome = store();
    await takes(0.2, 3);
    return outcome;
  }

  async function write(id: ActorId): Promise<boolean> {
    const key = actorKey(id);
    const life = inc;
    const actor = await load(id);
    if (!actor || actor.isBusy || !owns(id) || inc !== life) return false;
    actor.isBusy = true;
    grants.block(key);
    try {
      const [outcome] = await Promise.all([commit(key, actor), grants.end(key)]);
      if (active.get(key) !== actor) return false;
      if (outcome !== 'done') {
        await grants.end(key);
        if (active.get(key) === actor) active.delete(key);
        return false;
      }
      actor.state = ++actor.version;
      world.acknowledged(key, actor.version);
      return true;
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      return false;
    } finally {
      actor.isBusy = false;
      grants.release(key);
    }
  }

  post.onRequest('run', async (value) => {
    const { to, key, version, byMs } = value as { to: string; key: string; version: number; byMs: number };
    if (!world.isCalm) await takes(0, random.chance(0.1) ? 1_200 : 20);
    if (to !== inc || clock.monotonicMs() >= byMs || !isInTime()) throw new CodedError('stale_claims');
    world.started(key, version, name);
    return true;
  });

  const node: GrantsNode = {
    process,
    grants,
    post,
    transport,
    faults,
    isCutOff: false,
    termMs: undefined,
    received: (kind) => received.get(kind) ?? 0,
    inc: () => inc,
    isInTime,
    owns,
    start() {
      process.later(0, '', () => {
        void transport.start();
        transport.keep(world.nodes.map((other) => ({ peer: other.process.name, addresses: [] })));
        live();
        beat();
      });
    },
    seeView(next) {
      if (view && next.epoch < view.epoch) return;
      if (view?.epoch !== next.epoch) givenAway.clear();
      const was = view !== undefined && isMember(view, inc);
      view = next;
      if (was && !isMember(next, inc)) return evicted();
      for (const id of world.ids) if (ownerOf(next, shardOfId(id)) !== inc) active.delete(actorKey(id));
      grants.onView(next);
    },
    read(id) {
      const key = actorKey(id);
      if (owns(id)) {
        const actor = isInTime() ? active.get(key) : undefined;
        if (actor) world.answered(key, actor.state, name);
        else void load(id);
        return actor?.state;
      }
      const state = grants.peek(key)?.state as number | undefined;
      if (state === undefined) {
        void grants.ask(id);
        return undefined;
      }
      world.counts.replicaReads++;
      world.answered(key, state, `${name}'s replica`);
      return state;
    },
    write,
    async sendUnder(token, to) {
      const key = actorKey(token);
      const own = owns(token) ? active.get(key)?.state : undefined;
      const version = own ?? (grants.peek(key)?.state as number | undefined);
      const untilMs = grants.goodUntilMs([key]);
      const stamp = grants.clockOf(to.process.name);
      if (version === undefined || untilMs <= clock.monotonicMs() || !stamp) return false;
      const byMs = stamp.stampMs + (untilMs - stamp.heardMs) / (1.05 / 0.95);
      const release = grants.pin([key]);
      const timer = clock.after(release, untilMs - clock.monotonicMs());
      const answered = (isDone: boolean) => {
        timer.clear();
        release();
        return isDone;
      };
      try {
        await post.request(
          to.process.name,
          'run',
          { to: stamp.inc, key, version, byMs },
          { timeoutMs: 3_000 },
        );
        return answered(true);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        // Without an answer it may still start, until its time has come.
        return wasAnswered(error) ? answered(false) : false;
      }
    },
    async drain(id) {
      world.tell(`${inc} drains ${actorKey(id)}`);
      givenAway.add(shardOfId(id));
      const life = inc;
      const epoch = view?.epoch;
      const actor = active.get(actorKey(id));
      while (actor?.isBusy && inc === life) await takes(1, 2);
      await grants.endShards(new Set([shardOfId(id)])).catch((error: unknown) => {
        if (!(error instanceof Moved)) throw error;
      });
      if (inc !== life || view?.epoch !== epoch || !givenAway.has(shardOfId(id))) return false;
      active.delete(actorKey(id));
      world.tell(`${inc} has drained ${actorKey(id)}`);
      return true;
    },
    undrain: () => givenAway.clear(),
  };
  return node;
}

function counted(post: Post, received: Map<string, number>): Post {
  const note = (kind: string) => received.set(kind, (received.get(kind) ?? 0) + 1);
  return {
    ...post,
    onMessage: (kind, handler) =>
      post.onMessage(kind, (value, from) => {
        note(kind);
        handler(value, from);
      }),
    onRequest: (kind, handler) =>
      post.onRequest(kind, (value, from) => {
        note(kind);
        return handler(value, from);
      }),
  };
}
