import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byBytes } from '../../src/storage/path.ts';
import { SortedPaths } from '../../src/storage/sorted-paths.ts';

/** Few characters, so that paths share beginnings; U+FFFD and U+1F511 sort otherwise as code units than as bytes. */
const piece = fc.array(fc.constantFrom('a', 'b', '-', '/', '/', '\u{fffd}', '\u{1f511}'), { maxLength: 8 });
const text = piece.map((characters) => characters.join(''));

test('lists what is added as a sorted list of paths would', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(
        text.filter((path) => path !== ''),
        { maxLength: 40 },
      ),
      fc.array(fc.record({ prefix: text, after: text }), { minLength: 1, maxLength: 20 }),
      fc.nat(40),
      (paths, asked, listedAt) => {
        const sorted = new SortedPaths();
        paths.forEach((path, index) => {
          sorted.add(path);
          // Lists in between: what is sorted once is added to.
          if (index === listedAt) Array.from(sorted.under('', ''));
        });
        for (const prefix of [...asked.map(({ prefix }) => prefix), ...paths])
          for (const after of ['', ...asked.map(({ after }) => after), ...paths.slice(0, 5)]) {
            const expected = paths
              .filter((path) => path.startsWith(prefix) && byBytes(path, after) > 0)
              .sort(byBytes);
            assert.deepEqual(Array.from(sorted.under(prefix, after)), expected);
            if (expected.length > 0) assert(sorted.hasUnder(prefix));
          }
      },
    ),
    { numRuns: 300 },
  );
});

test('of what begins otherwise it knows nothing', () => {
  const sorted = new SortedPaths();
  sorted.add('a/b/c');
  assert(!sorted.hasUnder('b/'));
  assert(!sorted.hasUnder('a/b/c/'));
  sorted.clear();
  assert(!sorted.hasUnder('a/'));
  assert.deepEqual(Array.from(sorted.under('', '')), []);
});

test('many paths, more than one run holds, are in order, and a list goes on though more come', () => {
  const sorted = new SortedPaths();
  // A prime: each number once, in no order.
  const names = Array.from({ length: 2_000 }, (_, n) => `${n % 3 === 0 ? 'é' : 'a'}/${(n * 7_919) % 2_003}`);
  const lists: { list: Generator<string>; from: number }[] = [];
  names.forEach((path, index) => {
    sorted.add(path);
    if (index % 97 === 0) lists.push({ list: sorted.under('a/', 'a/1'), from: index });
    for (const { list, from } of lists) if ((index - from) % 5 === 0) list.next();
  });
  assert.deepEqual(Array.from(sorted.under('', '')), names.toSorted(byBytes));
  for (const { list } of lists) {
    const rest = [...list];
    assert.deepEqual(rest, rest.toSorted(byBytes));
  }
  for (const prefix of ['a/7', 'é/1', 'b']) {
    const expected = names.filter((path) => path.startsWith(prefix)).sort(byBytes);
    assert.deepEqual(Array.from(sorted.under(prefix, '')), expected);
    assert.equal(sorted.hasUnder(prefix), expected.length > 0);
  }
});
