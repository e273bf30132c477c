import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ActorId, type ActorKind, type ActorOperation, OWN_CLAIMS } from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import { StorageFailed } from '../../src/model/storage.ts';
import { startCluster } from '../support/cluster.ts';
import { type Fate, makeFaultyStorage } from '../support/faulty-storage.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';

/** Appends: its state is the list of all that was ever written, so that nothing can be lost or doubled unseen. */
interface Journal {
  readonly entries: readonly number[];
  readonly dueMs?: number;
}

const journal: ActorKind<Journal | undefined> = {
  kind: 'journal',
  // Small, so that actors come and go while others are at work.
  activeMax: 3,
  idleMs: 60_000,
  mailboxMax: 100,
  decode: (head) => (head ? (JSON.parse(Buffer.from(head).toString()) as Journal) : undefined),
  encode: (state) => (state ? Buffer.from(JSON.stringify(state)) : undefined),
  dueAt: (state) => state?.dueMs,
  async onDue(_state, id, cluster) {
    await cluster.send(fired, id, undefined, { claims: OWN_CLAIMS });
  },
};

type Op<P, R> = ActorOperation<Journal | undefined, P, R>;

const append: Op<number, readonly number[]> = {
  id: 'append',
  actor: journal,
  mode: 'change',
  run(state, entry) {
    if (entry % 7 === 0) throw new CodedError('bad_request', JSON.stringify(state?.entries ?? []));
    const entries = [...(state?.entries ?? []), entry];
    const records = [{ name: 'last', value: Buffer.from(JSON.stringify(entries)) }];
    return { reply: entries, next: { state: { ...state, entries }, records } };
  },
};
const readAll: Op<undefined, readonly number[]> = {
  id: 'read',
  actor: journal,
  mode: 'read',
  run: (state) => ({ reply: state?.entries ?? [] }),
};
/** A read that has to wait: the record must be of the head's own state. */
const readRecord: Op<undefined, readonly number[]> = {
  id: 'read-record',
  actor: journal,
  mode: 'read',
  async run(state, _params, ctx) {
    await new Promise((resolve) => setImmediate(resolve));
    const record = await ctx.record('last');
    const entries = record ? (JSON.parse(Buffer.from(record).toString()) as number[]) : [];
    assert.deepEqual(entries.length - (state?.entries.length ?? 0), 0, 'head and record of two states');
    return { reply: entries };
  },
};
const setDue: Op<number, void> = {
  id: 'due',
  actor: journal,
  mode: 'change',
  run: (state, dueMs) => ({ reply: undefined, next: { state: { entries: state?.entries ?? [], dueMs } } }),
};
const fired: Op<undefined, void> = {
  id: 'fired',
  actor: journal,
  mode: 'change',
  run: (state) => ({
    reply: undefined,
    next: { state: { entries: [...(state?.entries ?? []), -1] } },
  }),
};

const id = (name: string): ActorId => ({ kind: 'journal', namespace: 'root', mount: 'm', name });
const own = { claims: OWN_CLAIMS };

const fate: fc.Arbitrary<Fate> = fc.record({
  kind: fc.constantFrom('well' as const, 'well' as const, 'well' as const, 'fails before', 'fails after'),
  turns: fc.nat(4),
});
const step = fc.record({
  actor: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  what: fc.constantFrom('append' as const, 'append' as const, 'read', 'wait'),
});

const isPrefix = (short: readonly number[], long: readonly number[]) =>
  short.every((entry, at) => long[at] === entry);

describe('actors on a store with bad days', () => {
  test('no acknowledged write is lost or doubled, none is seen that was not written, nothing goes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fate), async (steps, fates) => {
        const memory = makeMemoryStorage();
        const cluster = startCluster(
          makeFaultyStorage(memory, () => fates.next().value as Fate),
          [journal],
        );
        const acknowledged = new Map<string, number[]>();
        const refused = new Set<number>();
        /** Per actor, what was ever shown. */
        const shown = new Map<string, (readonly number[])[]>();
        const longest = new Map<string, number>();
        /** Takes what is answered to what is asked now: never older than what anybody was shown before. */
        const asked = (name: string) => {
          const atLeast = longest.get(name) ?? 0;
          return (entries: readonly number[]): void => {
            assert(entries.length >= atLeast, 'older after newer');
            longest.set(name, Math.max(entries.length, longest.get(name) ?? 0));
            shown.set(name, [...(shown.get(name) ?? []), entries]);
          };
        };
        const running: Promise<void>[] = [];
        let entry = 0;
        for (const { actor, what } of steps) {
          if (what === 'wait') await new Promise((resolve) => setImmediate(resolve));
          else if (what === 'read') {
            for (const op of [readAll, readRecord]) {
              running.push(cluster.send(op, id(actor), undefined, own).then(asked(actor)));
            }
          } else {
            const mine = ++entry;
            const note = asked(actor);
            running.push(
              cluster.send(append, id(actor), mine, own).then(
                (entries) => {
                  note(entries);
                  acknowledged.set(actor, [...(acknowledged.get(actor) ?? []), mine]);
                },
                (error: CodedError) => {
                  if (error.code === 'bad_request') note(JSON.parse(error.messages[0]!));
                  else assert.equal(error.code, 'storage_failed');
                  const known = error.cause instanceof StorageFailed && error.cause.outcomeKnown;
                  if (error.code === 'bad_request' || known) refused.add(mine);
                },
              ),
            );
          }
        }
        await Promise.all(running).finally(() => cluster.stop());

        const after = startCluster(memory, [journal]);
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          const stored = await after.send(readAll, id(name), undefined, own);
          assert.equal(new Set(stored).size, stored.length, 'written twice');
          for (const mine of acknowledged.get(name) ?? []) assert(stored.includes(mine), 'lost');
          for (const mine of stored) assert(!refused.has(mine), 'refused, and there');
          // Whatever anybody was shown, a refusal included, is what the store went through.
          for (const entries of shown.get(name) ?? [])
            assert(isPrefix(entries, stored), `${entries} was shown, ${stored} is stored`);
        }
        await after.stop();
      }),
      { numRuns: 150 },
    );
  });

  test('a timer that is seen in the store before its actor has heard of it fires', async () => {
    const memory = makeMemoryStorage();
    let slow = false;
    const cluster = startCluster(
      makeFaultyStorage(memory, () => ({ kind: 'well', turns: slow ? 30 : 0 })),
      [journal],
    );
    const now = Date.now();
    // Its shard is looked at all the time.
    await cluster.send(setDue, id('a'), now - 1_000, own);
    await cluster.startTimers();
    slow = true;
    await cluster.send(setDue, id('a'), now - 500, own);
    slow = false;
    const deadline = Date.now() + 5_000;
    while (memory.paths('timer/').length > 0) {
      assert(Date.now() < deadline, 'a due time was forgotten');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const entries = await cluster.send(readAll, id('a'), undefined, own);
    assert(entries.length >= 1, 'it never fired');
    await cluster.stop();
  });

  test('a timer whose commit failed with an unknown outcome fires', async () => {
    const memory = makeMemoryStorage();
    let kind: Fate['kind'] = 'fails after';
    const cluster = startCluster(
      makeFaultyStorage(memory, () => ({ kind, turns: 0 })),
      [journal],
    );
    await cluster.startTimers();
    await assert.rejects(cluster.send(setDue, id('a'), Date.now() + 20, own));
    kind = 'well';
    const deadline = Date.now() + 5_000;
    while ((await cluster.send(readAll, id('a'), undefined, own)).length === 0) {
      assert(Date.now() < deadline, 'a due time was forgotten');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await cluster.stop();
  });

  test('a stop lets what runs end, and answers all that waits', async () => {
    const memory = makeMemoryStorage();
    const cluster = startCluster(
      makeFaultyStorage(memory, () => ({ kind: 'well', turns: 5 })),
      [journal],
    );
    const sent = Array.from({ length: 40 }, (_, n) => cluster.send(append, id(`s${n % 5}`), 7 * n + 1, own));
    const read = cluster.send(readRecord, id('s0'), undefined, own);
    await cluster.stop();
    const commits = memory.commits;
    const outcomes = await Promise.allSettled([...sent, read]);
    for (const outcome of outcomes) assert.equal(outcome.status, 'fulfilled');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(memory.commits, commits, 'written after the stop');
    assert.deepEqual(cluster.counts(), { journal: 0 });
  });
});
