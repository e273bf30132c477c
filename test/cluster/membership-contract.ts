/**
 * The membership on a real coordinator: join, eviction, leave, a coordinator that restarts and one that is away. What can go wrong in
 * between is `membership-world.ts`'s business; here it is shown that the real ones keep what it assumes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type Membership, makeMembership } from '../../src/cluster/membership.ts';
import type { Coordinator } from '../../src/model/coordinator.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { nodeDescription } from '../support/node-description.ts';
import { until } from '../support/until.ts';

/** Shorter than usual, and long enough for a machine with much else to do. */
const TIMES = { deadlineMs: 900, silenceMs: 1_000, beatMs: 200, holdMs: 600, prepareMs: 4_000 };

export interface MembershipContractOptions {
  open(): Coordinator;
  readonly server?: { kill(): Promise<void>; start(): Promise<void> };
}

interface Node {
  readonly name: string;
  readonly membership: Membership;
  /** From now on its questions get no answer, as if it were cut off. */
  cut(): void;
  close(): Promise<void>;
  evictions: number;
}

export function startNode(name: string, coordinator: Coordinator, times = TIMES): Node {
  let isCut = false;
  const done = Promise.resolve();
  const node = { evictions: 0 };
  const membership = makeMembership({
    clock,
    coordinator: {
      ...coordinator,
      step: async (step) => {
        if (!isCut) return coordinator.step(step);
        await new Promise((resolve) => setTimeout(resolve, 300));
        return { outcome: 'unknown', cause: 'cut off' };
      },
    },
    log: SILENT_LOG,
    times,
    randomBytes,
    describe: () => nodeDescription(name, { peerId: name, release: '0' }),
    hooks: {
      onView: () => {},
      drainShards: () => done,
      closeDoor: () => done,
      expectJoiners: () => {},
      prepare: () => done,
      catchUp: () => done,
      onEvicted: () => {
        node.evictions++;
      },
      onSealed: () => done,
      unreachable: () => [],
      clusterTimeMs: () => Date.now(),
      highestFence: () => Promise.resolve(0),
      fault: (what, error) => assert.fail(`${what}: ${error}`),
    },
  });
  membership.start();
  membership.setSealed(false);
  return Object.assign(node, {
    name,
    membership,
    cut() {
      isCut = true;
    },
    close: () => coordinator.close(),
  });
}

/** All are members of one view with nothing pending, in time. */
export function isWhole(nodes: readonly Node[]): boolean {
  return nodes.every(({ membership }) => {
    const view = membership.view();
    return view && !view.next && view.members.length === nodes.length && membership.isInTime();
  });
}

export function membershipContract(name: string, options: MembershipContractOptions): void {
  test(`membership on ${name}: join, evict, leave, and a coordinator that comes back`, {
    timeout: 60_000,
  }, async () => {
    const nodes = ['n1', 'n2', 'n3'].map((id) => startNode(id, options.open()));
    const [first, second, third] = nodes as [Node, Node, Node];
    try {
      await until('all three join', () => isWhole(nodes));

      const inc = third.membership.inc();
      third.cut();
      const rest = [first, second];
      const evicted = await until('the silent one is evicted', () => isWhole(rest));
      assert(evicted > TIMES.silenceMs - 2 * TIMES.beatMs, `${evicted} ms`);
      assert(!third.membership.isInTime(), 'it has stopped by itself');
      assert(
        rest.every(({ membership }) => !membership.view()!.members.some((member) => member.inc === inc)),
      );

      const fourth = startNode('n4', options.open());
      nodes.push(fourth);
      await until('another one joins', () => isWhole([...rest, fourth]));
      await second.membership.leave();
      await until('two are left', () => isWhole([first, fourth]));

      const { server } = options;
      if (server) {
        const { epoch } = first.membership.view()!;
        await server.kill();
        await until('held', () => !first.membership.isInTime() && !fourth.membership.isInTime());
        await server.start();
        await until('in time again', () => first.membership.isInTime() && fourth.membership.isInTime());
        assert.equal(first.membership.view()!.epoch, epoch, 'nobody was evicted for it');
        assert.equal(first.evictions + fourth.evictions, 0);
      }
      await fourth.membership.leave();
      await first.membership.leave();
      const last = startNode('n5', options.open());
      nodes.push(last);
      await until('what the last one left is taken at once', () => isWhole([last]));
      await last.membership.stop();
    } finally {
      await Promise.all(nodes.filter((node) => node !== third).map(({ membership }) => membership.stop()));
      void third.membership.stop();
      await Promise.all(nodes.map((node) => node.close()));
    }
  });
}
