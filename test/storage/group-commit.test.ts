import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  STORAGE_GROUP_BYTES_MAX,
  STORAGE_GROUP_CHANGES_MAX,
  STORAGE_WAITING_MAX,
} from '../../src/model/limits.ts';
import { makeGroupCommit, type Outcome } from '../../src/storage/group-commit.ts';

interface Numbered {
  readonly id: number;
  readonly count: number;
  readonly bytes: number;
}
const write = (id: number, count = 1, bytes = 10): Numbered => ({ id, count, bytes });

/** A store whose transactions start and end when the test says so. */
function makeStore(apply: (write: Numbered) => Outcome = (w) => w.id) {
  const groups: number[][] = [];
  const running: { start(): void; end(error?: Error): void }[] = [];
  const commits = makeGroupCommit<Numbered>({
    transact: (body) =>
      new Promise((resolve, reject) => {
        running.push({ start: body, end: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
    apply(group) {
      groups.push(group.map((w) => w.id));
      return group.map(apply);
    },
    explain: async (error) => new Error('explained', { cause: error }),
  });
  /** Lets the promises that are due run. */
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const runNext = async (error?: Error) => {
    const transaction = running.shift();
    assert(transaction !== undefined);
    transaction.start();
    transaction.end(error);
    await turn();
  };
  return { commits, groups, running, turn, runNext };
}

test('what comes while a transaction runs waits for the next one, which takes it all', async () => {
  const { commits, groups, running, turn, runNext } = makeStore();
  const first = commits.submit(write(1));
  running[0]!.start();
  const rest = [2, 3, 4].map((id) => commits.submit(write(id)));
  running.shift()!.end();
  assert.equal(await first, 1);
  await turn();
  await runNext();
  assert.deepEqual(await Promise.all(rest), [2, 3, 4]);
  assert.deepEqual(groups, [[1], [2, 3, 4]]);
  await commits.idle();
});

test('what comes before the transaction begins still belongs to it', async () => {
  const { commits, groups, runNext } = makeStore();
  const all = [1, 2, 3].map((id) => commits.submit(write(id)));
  await runNext();
  await Promise.all(all);
  assert.deepEqual(groups, [[1, 2, 3]]);
});

test('nothing is answered before the transaction has ended', async () => {
  const { commits, running, turn } = makeStore();
  let answered = false;
  const done = commits.submit(write(1)).then(() => {
    answered = true;
  });
  running[0]!.start();
  await turn();
  assert.equal(answered, false);
  running[0]!.end();
  await done;
});

test('one outcome is an error: only its caller sees it', async () => {
  const refusal = new Error('no');
  const { commits, runNext } = makeStore((w) => (w.id === 2 ? refusal : w.id));
  const all = Promise.allSettled([1, 2, 3].map((id) => commits.submit(write(id))));
  await runNext();
  assert.deepEqual(
    (await all).map((result) => (result.status === 'fulfilled' ? result.value : result.reason)),
    [1, refusal, 3],
  );
});

test('a failed transaction fails its whole group, begun or not; later ones run', async () => {
  const { commits, running, turn, runNext } = makeStore();
  const failed = Promise.allSettled([1, 2].map((id) => commits.submit(write(id))));
  running.shift()!.end(new Error('never began'));
  for (const result of await failed) assert.equal(result.status, 'rejected');
  const again = Promise.allSettled([commits.submit(write(3))]);
  await runNext(new Error('began'));
  assert.equal((await again)[0].status, 'rejected');
  await turn();
  const good = commits.submit(write(4));
  await runNext();
  assert.equal(await good, 4);
});

test('a group is bounded by changes and by bytes; one write may be larger than both', async () => {
  const { commits, groups, running, runNext } = makeStore();
  const half = STORAGE_GROUP_CHANGES_MAX / 2;
  const writes = [
    write(1, half),
    write(2, half),
    write(3),
    write(4, 1, STORAGE_GROUP_BYTES_MAX + 1),
    write(5, STORAGE_GROUP_CHANGES_MAX * 2),
    write(6),
  ];
  const all = Promise.all(writes.map((w) => commits.submit(w)));
  while (running.length > 0) await runNext();
  await all;
  assert.deepEqual(groups, [[1, 2], [3], [4], [5], [6]]);
});

test('an aborted write is taken out as long as no transaction has taken it', async () => {
  const { commits, groups, running, runNext } = makeStore();
  const abort = new AbortController();
  const first = commits.submit(write(1), abort.signal);
  const second = Promise.allSettled([commits.submit(write(2), abort.signal)]);
  const third = commits.submit(write(3));
  running[0]!.start();
  abort.abort(new Error('too late'));
  running.shift()!.end();
  assert.equal(await first, 1);
  assert.equal((await second)[0].status, 'fulfilled');
  assert.equal(await third, 3);

  const later = new AbortController();
  const stopped = Promise.allSettled([commits.submit(write(4), later.signal)]);
  const kept = commits.submit(write(5));
  later.abort(new Error('in time'));
  await runNext();
  assert.equal((await stopped)[0].status, 'rejected');
  assert.equal(await kept, 5);
  assert.deepEqual(groups, [[1, 2, 3], [5]]);
});

test('more than may wait is refused as overloaded', async () => {
  const { commits, running, runNext } = makeStore();
  const all = Array.from({ length: STORAGE_WAITING_MAX }, (_, id) => commits.submit(write(id)));
  await assert.rejects(commits.submit(write(-1)), { name: 'CodedError', code: 'overloaded' });
  while (running.length > 0) await runNext();
  await Promise.all(all);
});
