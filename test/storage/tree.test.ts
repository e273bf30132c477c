import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { children } from '../../src/storage/tree.ts';

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** A store of these paths that counts what it is asked for. */
function listing(paths: string[]) {
  const sorted = [...paths].sort(byBytes);
  const counted = { calls: 0, paths: 0 };
  const list = async (prefix: string, after: string, limit: number) => {
    const page = sorted
      .filter((path) => path.startsWith(prefix) && (after === '' || byBytes(path, after) > 0))
      .slice(0, limit);
    counted.calls++;
    counted.paths += page.length;
    return page;
  };
  return { list, counted };
}

/** The definition: cut each path after its first segment, once each, sorted. */
function expected(paths: string[], prefix: string): string[] {
  const names = paths
    .filter((path) => path.startsWith(prefix) && path !== prefix)
    .map((path) => path.slice(prefix.length).replace(/^([^/]*\/).*$/s, '$1'));
  return [...new Set(names)].sort(byBytes);
}

test('shows records and folders of one level, like Vault', async () => {
  const paths = ['s/a', 's/a/b', 's/a/c/d', 's/a.', 's/a0', 's/z/', 's', 't/x'];
  assert.deepEqual(await children(listing(paths), 's/', { limit: 10 }), ['a', 'a.', 'a/', 'a0', 'z/']);
  assert.deepEqual(await children(listing(paths), 's/a/', { limit: 10 }), ['b', 'c/']);
  assert.deepEqual(await children(listing(paths), '', { limit: 10 }), ['s', 's/', 't/']);
  assert.deepEqual(await children(listing(paths), 'none/', { limit: 10 }), []);
});

test('goes on after a name, whether it is a record, a folder or neither', async () => {
  const paths = ['s/a', 's/a/b', 's/b/1', 's/b/2', 's/c'];
  const from = (after: string) => children(listing(paths), 's/', { after, limit: 10 });
  assert.deepEqual(await from('a'), ['a/', 'b/', 'c']);
  assert.deepEqual(await from('a/'), ['b/', 'c']);
  assert.deepEqual(await from('a/b'), ['b/', 'c']);
  assert.deepEqual(await from('aa'), ['b/', 'c']);
  assert.deepEqual(await from('c'), []);
});

test('pages of any size show the whole level, each name once', async () => {
  const segment = fc.constantFrom(
    'a',
    'b',
    'ab',
    '',
    '.',
    '0',
    'é',
    '\u{10FFFF}',
    '\u{10FFFF}\u{10FFFF}',
    '～',
  );
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(path, { maxLength: 60 }),
      fc.constantFrom('', 'a/', 'b/ab/'),
      fc.integer({ min: 1, max: 7 }),
      async (paths, prefix, limit) => {
        const stored = paths.filter((p) => p !== '');
        const shown: string[] = [];
        for (;;) {
          const page = await children(listing(stored), prefix, { after: shown.at(-1), limit });
          shown.push(...page);
          if (page.length < limit) break;
        }
        assert.deepEqual(shown, expected(stored, prefix));
      },
    ),
  );
});

test('the cost is by the names shown, not by the records below them', async () => {
  const deep = Array.from({ length: 20 }, (_, i) =>
    Array.from({ length: 500 }, (_, j) => `s/${i}/${j}`),
  ).flat();
  const folders = listing(deep);
  assert.equal((await children(folders, 's/', { limit: 1_000 })).length, 20);
  assert(folders.counted.paths <= 20 * 10, `${folders.counted.paths} paths read for 20 folders`);

  const flat = listing(Array.from({ length: 5_000 }, (_, i) => `s/${i}`));
  assert.equal((await children(flat, 's/', { limit: 10_000 })).length, 5_000);
  assert(flat.counted.calls <= 12, `${flat.counted.calls} calls for 5,000 records`);
});
