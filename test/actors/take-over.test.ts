import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ACTOR_FAULT } from '../../src/actors/faults.ts';
import { shardOf } from '../../src/actors/places.ts';
import { type ActorId, type ActorOperation, actorKey } from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import { type Fate, makeFaultyStorage } from '../support/faulty-storage.ts';
import { jsonKind } from '../support/json-kind.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { makeSharedView, type OwnNode, startOwnNode } from '../support/own-node.ts';

/** All that was ever appended since it was last removed, so that nothing can be lost or doubled unseen. */
type Journal = readonly string[];

const journal = jsonKind<Journal>('journal', { activeMax: 3 });
type Op<P> = ActorOperation<Journal | undefined, P, Journal>;
const append: Op<string> = {
  id: 'append',
  actor: journal,
  mode: 'change',
  run(state, text) {
    const next = [...(state ?? []), text];
    return { reply: next, next: { state: next } };
  },
};
const read: Op<undefined> = {
  id: 'read',
  actor: journal,
  mode: 'change',
  run: (state) => ({ reply: state ?? [] }),
};
/** Replies what it took away. */
const remove: Op<undefined> = {
  id: 'remove',
  actor: journal,
  mode: 'change',
  run: (state) => (state ? { reply: state, next: { state: undefined } } : { reply: [] }),
};

const idOf = (name: string): ActorId => ({ kind: 'journal', namespace: 'root', mount: 'm', name });
const NODES = ['n0', 'n1', 'n2'];

const fate: fc.Arbitrary<Fate> = fc.record({
  kind: fc.constantFrom('well' as const, 'well', 'well', 'fails before', 'fails after', 'lands late'),
  turns: fc.nat(4),
});
const step = fc.record({
  actor: fc.constantFrom('a', 'b'),
  what: fc.constantFrom('append' as const, 'append', 'append', 'remove', 'give', 'learn', 'wait'),
  node: fc.nat(2),
  /** Sent again before its answer is there. */
  twice: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Runs the steps. @throws AssertionError where something was lost, doubled, or told otherwise than it happened. */
async function run(
  steps: readonly Step[],
  fates: Iterator<Fate>,
  faults: ReadonlySet<string> = new Set(),
): Promise<void> {
  const memory = makeMemoryStorage();
  const clock = makeManualClock(1_000_000);
  const shared = makeSharedView();
  shared.give('n0');
  const storage = makeFaultyStorage(memory, () => fates.next().value as Fate);
  const nodes: OwnNode[] = NODES.map((inc) =>
    startOwnNode({ inc, storage, shared, kinds: [journal], clock, faults }),
  );
  let n = 0;
  let isOver = false;
  const ticking = (async () => {
    while (!isOver) {
      clock.advance(250);
      await turn();
    }
  })();

  /** As an entry node does: to whom it takes for the owner, again under the same number until there is an answer. */
  async function ask(op: Op<never>, id: ActorId, params: unknown, twice: boolean): Promise<Journal> {
    const options = { entry: { inc: `entry ${id.name}`, n: ++n } };
    for (let tries = 0; tries < 400; tries++) {
      const owner = shared.view.shards[shardOf(actorKey(id))];
      const node = nodes.find((_node, at) => NODES[at] === owner)!;
      // It hears of the view with the message, as the sender's epoch is newer.
      if (node.seen) learn(node);
      const send = () => node.ask(op as unknown as Op<unknown>, id, params, options);
      try {
        if (twice) send().catch(() => {});
        return await send();
      } catch (error) {
        if (error instanceof CodedError && error.status < 500) throw error;
      }
      await turn();
    }
    throw new Error('no answer');
  }

  function learn(node: OwnNode): void {
    node.seen = undefined;
    node.shards.onView();
  }

  const told = new Map<string, string[]>();
  const queues = new Map<string, Promise<void>>();
  /** One unanswered change of each actor: the others queue. */
  const queue = (name: string, act: () => Promise<void>) => {
    queues.set(name, (queues.get(name) ?? Promise.resolve()).then(act));
  };
  let texts = 0;
  try {
    for (const { actor, what, node, twice } of steps) {
      if (what === 'wait') await turn();
      else if (what === 'give') {
        for (const one of nodes) one.seen ??= shared.view;
        shared.give(NODES[node]!);
      } else if (what === 'learn') learn(nodes[node]!);
      else if (what === 'append') {
        const text = String(++texts);
        queue(actor, async () => {
          const expected = [...(told.get(actor) ?? []), text];
          assert.deepEqual(await ask(append as never, idOf(actor), text, twice), expected);
          told.set(actor, expected);
        });
      } else {
        queue(actor, async () => {
          const reply = await ask(remove as never, idOf(actor), undefined, twice);
          assert.deepEqual(reply, told.get(actor) ?? []);
          told.set(actor, []);
        });
      }
    }
    await Promise.all(queues.values());
    for (const actor of ['a', 'b']) {
      assert.deepEqual(await ask(read as never, idOf(actor), undefined, false), told.get(actor) ?? []);
    }
  } finally {
    // Time goes on until all have stopped: some wait for it.
    await Promise.all(nodes.map((node) => node.stop()));
    isOver = true;
    await ticking;
  }
}

const runs = (numRuns: number, faults?: ReadonlySet<string>) =>
  fc.check(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.infiniteStream(fate),
      async (steps, fates) => run(steps, fates, faults),
    ),
    { numRuns, endOnFailure: true },
  );

describe('actors whose shards change hands, on a store with bad days', () => {
  test('each change takes effect once, and is told as it happened', async () => {
    const found = await runs(12);
    assert(!found.failed, `seed ${found.seed}: ${String(found.errorInstance)}`);
  });

  for (const fault of [ACTOR_FAULT.commitWithoutVersion, ACTOR_FAULT.outcomesForgotten]) {
    test(`and the test would see otherwise: ${fault}`, async () => {
      assert((await runs(300, new Set([fault]))).failed);
    });
  }
});
