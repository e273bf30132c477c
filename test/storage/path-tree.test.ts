import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byBytes } from '../../src/storage/path.ts';
import { PathTree } from '../../src/storage/path-tree.ts';

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
        const tree = new PathTree();
        paths.forEach((path, index) => {
          tree.add(path);
          // Lists in between: what is sorted once is added to.
          if (index === listedAt) Array.from(tree.under('', ''));
        });
        for (const prefix of [...asked.map(({ prefix }) => prefix), ...paths])
          for (const after of ['', ...asked.map(({ after }) => after), ...paths.slice(0, 5)]) {
            const expected = paths
              .filter((path) => path.startsWith(prefix) && byBytes(path, after) > 0)
              .sort(byBytes);
            assert.deepEqual(Array.from(tree.under(prefix, after)), expected);
            if (expected.length > 0) assert(tree.hasUnder(prefix));
          }
      },
    ),
    { numRuns: 300 },
  );
});

test('of a folder without paths it knows nothing', () => {
  const tree = new PathTree();
  tree.add('a/b/c');
  assert(!tree.hasUnder('b/'));
  assert(!tree.hasUnder('a/b/c/'));
  tree.clear();
  assert(!tree.hasUnder('a/'));
  assert.deepEqual(Array.from(tree.under('', '')), []);
});
