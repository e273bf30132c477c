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

/** A store whose transactions end when the test says so. */
function makeStore(outcome: (write: Numbered) => Outcome = (w) => w.id) {
  const groups: number[][] = [];
  const running: ((error?: Error) => void)[] = [];
  const commits = makeGroupCommit<Numbered>({
    write(group) {
      groups.push(group.map((w) => w.id));
      return new Promise((resolve, reject) => {
        running.push((error) => (error === undefined ? resolve(group.map(outcome)) : reject(error)));
      });
    },
    explain: async (error) => new Error('explained', { cause: error }),
  });
  /** Lets the promises that are due run. */
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  /** Waits for the next transaction where none runs, and ends it. */
  const endNext = async (error?: Error) => {
    while (running.length === 0) await turn();
    running.shift()!(error);
    await turn();
  };
  return { commits, groups, running, turn, endNext };
}

test('what comes while a transaction runs waits for the next one, which takes it all', async () => {
  const { commits, groups, turn, endNext } = makeStore();
  const first = commits.submit(write(1));
  await turn();
  const rest = [2, 3, 4].map((id) => commits.submit(write(id)));
  await endNext();
  assert.equal(await first, 1);
  await endNext();
  assert.deepEqual(await Promise.all(rest), [2, 3, 4]);
  assert.deepEqual(groups, [[1], [2, 3, 4]]);
  await commits.idle();
});

test('what comes before the transaction begins still belongs to it', async () => {
  const { commits, groups, endNext } = makeStore();
  const all = [1, 2, 3].map((id) => commits.submit(write(id)));
  await endNext();
  await Promise.all(all);
  assert.deepEqual(groups, [[1, 2, 3]]);
});

test('nothing is answered before the transaction has ended', async () => {
  const { commits, turn, endNext } = makeStore();
  let answered = false;
  const done = commits.submit(write(1)).then(() => {
    answered = true;
  });
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(answered, false);
  await endNext();
  await done;
});

test('one outcome is an error: only its caller sees it', async () => {
  const refusal = new Error('no');
  const { commits, endNext } = makeStore((w) => (w.id === 2 ? refusal : w.id));
  const all = Promise.allSettled([1, 2, 3].map((id) => commits.submit(write(id))));
  await endNext();
  assert.deepEqual(
    (await all).map((result) => (result.status === 'fulfilled' ? result.value : result.reason)),
    [1, refusal, 3],
  );
});

test('a failed transaction fails its whole group; later ones run', async () => {
  const { commits, endNext } = makeStore();
  const failed = Promise.allSettled([1, 2].map((id) => commits.submit(write(id))));
  await endNext(new Error('the disk is gone'));
  for (const result of await failed) assert.equal(result.status, 'rejected');
  const good = commits.submit(write(4));
  await endNext();
  assert.equal(await good, 4);
});

test('a group is bounded by changes and by bytes; one write may be larger than both', async () => {
  const { commits, groups, endNext } = makeStore();
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
  for (let group = 0; group < 5; group++) await endNext();
  await all;
  assert.deepEqual(groups, [[1, 2], [3], [4], [5], [6]]);
});

test('an aborted write is taken out as long as no transaction has taken it', async () => {
  const { commits, groups, turn, endNext } = makeStore();
  const abort = new AbortController();
  const first = commits.submit(write(1), abort.signal);
  const second = Promise.allSettled([commits.submit(write(2), abort.signal)]);
  const third = commits.submit(write(3));
  await turn();
  abort.abort(new Error('too late'));
  await endNext();
  assert.equal(await first, 1);
  assert.equal((await second)[0].status, 'fulfilled');
  assert.equal(await third, 3);

  const later = new AbortController();
  const stopped = Promise.allSettled([commits.submit(write(4), later.signal)]);
  const kept = commits.submit(write(5));
  later.abort(new Error('in time'));
  await endNext();
  assert.equal((await stopped)[0].status, 'rejected');
  assert.equal(await kept, 5);
  assert.deepEqual(groups, [[1, 2, 3], [5]]);
});

test('more than may wait is refused as overloaded', async () => {
  const { commits, running, turn, endNext } = makeStore();
  const all = Array.from({ length: STORAGE_WAITING_MAX }, (_, id) => commits.submit(write(id)));
  await assert.rejects(commits.submit(write(-1)), { name: 'CodedError', code: 'overloaded' });
  let done = false;
  const ended = Promise.all(all).then(() => {
    done = true;
  });
  while (!done) {
    if (running.length > 0) await endNext();
    else await turn();
  }
  await ended;
});

test('what waits when its transaction begins goes in the same one, each with its own outcome', async () => {
  const groups: number[][] = [];
  let begin = () => {};
  const commits = makeGroupCommit<Numbered>({
    async write(group, join) {
      await new Promise<void>((resolve) => {
        begin = resolve;
      });
      const all = [...group, ...join()];
      groups.push(all.map(({ id }) => id));
      if (all.some(({ id }) => id === 9)) throw new Error('lost');
      return all.map(({ id }) => (id === 3 ? new Error('refused') : id));
    },
    explain: async (error) => error as Error,
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const submit = (id: number) => commits.submit({ id, count: 1, bytes: 1 });
  const done = [submit(1)];
  await turn();
  await turn();
  done.push(submit(2), submit(3));
  begin();
  const settled = await Promise.allSettled(done);
  assert.deepEqual(groups, [[1, 2, 3]]);
  assert.deepEqual(
    settled.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.message)),
    [1, 2, 'refused'],
  );
  const lost = [submit(8)];
  await turn();
  await turn();
  lost.push(submit(9));
  begin();
  const failed = await Promise.allSettled(lost);
  assert.deepEqual(
    failed.map((each) => each.status === 'rejected' && each.reason.message),
    ['lost', 'lost'],
  );
  await commits.idle();
});
