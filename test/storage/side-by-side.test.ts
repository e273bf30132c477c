import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DriverWrite } from '../../src/storage/driver.ts';
import { makeGroupCommit } from '../../src/storage/group-commit.ts';
import { makeTouchedKeys } from '../../src/storage/touched-keys.ts';

interface Numbered extends DriverWrite {
  readonly id: number;
}
const write = (id: number, changed: string[], compared: string[] = []): Numbered => ({
  id,
  changes: changed.map((key) => ({ key, value: Buffer.from('v') })),
  conditions: compared.map((key) => ({ key, version: 1 })),
  count: 1,
  bytes: 10,
});

/** A store that does two groups at once, which end when the test says so. */
function makeStore() {
  const groups: Numbered[][] = [];
  const running = new Map<readonly Numbered[], () => void>();
  const commits = makeGroupCommit<Numbered>({
    sideBySide: { groups: 2, newTouched: makeTouchedKeys },
    write(group) {
      groups.push([...group]);
      return new Promise((resolve) => running.set(group, () => resolve(group.map(({ id }) => id))));
    },
    explain: async (error) => error as Error,
  });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const end = async (at: number) => {
    const [group, finish] = [...running][at]!;
    running.delete(group);
    finish();
    await turn();
  };
  return { commits, running, turn, end, ids: () => groups.map((group) => group.map(({ id }) => id)) };
}

test('a second group does not wait for the first, a third one does', async () => {
  const { commits, running, turn, end, ids } = makeStore();
  const all = [];
  for (const id of [1, 2, 3, 4]) {
    all.push(commits.submit(write(id, [`k${id}`], ['fence'])));
    await turn();
    await turn();
  }
  assert.deepEqual(ids(), [[1], [2]]);
  await end(1);
  assert.deepEqual(ids(), [[1], [2], [3, 4]]);
  let isIdle = false;
  const idle = commits.idle().then(() => {
    isIdle = true;
  });
  await end(0);
  assert.equal(isIdle, false);
  await end(0);
  assert.equal(running.size, 0);
  await idle;
  assert.deepEqual(await Promise.all(all), [1, 2, 3, 4]);
});

test('who changes what a commit under way compares waits for it, and who must wait for that one too', async () => {
  const { commits, turn, end, ids } = makeStore();
  const all = [commits.submit(write(1, ['a'], ['fence']))];
  await turn();
  await turn();
  all.push(commits.submit(write(2, ['fence', 'b'])));
  all.push(commits.submit(write(3, ['b'])));
  all.push(commits.submit(write(4, ['c'], ['d'])));
  await turn();
  await turn();
  assert.deepEqual(ids(), [[1], [4]]);
  await end(0);
  assert.deepEqual(ids(), [[1], [4], [2, 3]]);
  await end(0);
  await end(0);
  assert.deepEqual(await Promise.all(all), [1, 2, 3, 4]);
});

test('whatever comes and ends when: each once, and none beside or before one that it must wait for', async () => {
  const keys = fc.subarray(['a', 'b', 'c', 'd', 'e', 'f'], { maxLength: 2 });
  const step = fc.oneof(
    fc.record({ changed: keys, compared: keys }),
    fc.constant('turn' as const),
    fc.constant('turn' as const),
    fc.nat({ max: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const { commits, running, turn, end, ids } = makeStore();
      const writes: Numbered[] = [];
      const all: Promise<number>[] = [];
      const meets = (one: Numbered, other: Numbered) => {
        const touched = makeTouchedKeys();
        touched.add(one);
        return touched.meets(other);
      };
      const ended = new Set<number>();
      const look = () => {
        const under = [...running.keys()];
        assert(under.length <= 2);
        for (const one of under[0] ?? [])
          for (const other of under[1] ?? [])
            assert(!meets(one, other) && !meets(other, one), `${one.id} beside ${other.id}`);
        for (const { id } of under.flat()) {
          for (const before of writes.slice(0, id)) {
            const isTogether = under.some((g) => g.some((w) => w.id === id) && g.includes(before));
            assert(ended.has(before.id) || isTogether || !meets(before, writes[id]!), `${id} overtook`);
          }
        }
      };
      const finish = async (at: number) => {
        for (const { id } of [...running.keys()][at]!) ended.add(id);
        await end(at);
        look();
      };
      for (const one of steps) {
        if (one === 'turn') await turn();
        else if (typeof one === 'object') {
          writes.push(write(writes.length, one.changed, one.compared));
          all.push(commits.submit(writes.at(-1)!));
        } else if (running.size > one) await finish(one);
        look();
      }
      while (ended.size < writes.length) {
        if (running.size > 0) await finish(0);
        else await turn();
      }
      assert.deepEqual(
        await Promise.all(all),
        writes.map(({ id }) => id),
      );
      assert.deepEqual(
        ids()
          .flat()
          .toSorted((a, b) => a - b),
        writes.map(({ id }) => id),
      );
      await commits.idle();
    }),
    { numRuns: 300 },
  );
});
