import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterPrefix, checkPath, pathBytes, prefixBytes } from '../../src/storage/path.ts';

test('different paths have different bytes', () => {
  const path = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(path, path, (a, b) => {
      fc.pre(a.isWellFormed() && b.isWellFormed());
      assert.equal(pathBytes(a).equals(pathBytes(b)), a === b);
    }),
  );
});

test('a lone surrogate is refused: UTF-8 has no bytes for it', () => {
  for (const path of ['\uD800', 'a\uDFFFb', '\uDC00\uD800']) {
    assert.throws(() => pathBytes(path), { code: 'bad_request' });
    assert.throws(() => prefixBytes(path), { code: 'bad_request' });
  }
});

test('afterPrefix is the first key behind all that begin with the prefix', () => {
  assert.equal(afterPrefix(Buffer.alloc(0)), undefined);
  assert.equal(afterPrefix(Buffer.from([0xff, 0xff])), undefined);
  assert.deepEqual(afterPrefix(Buffer.from([1, 0xff])), Buffer.from([2]));
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc.uint8Array({ maxLength: 4 }),
      (prefix, other) => {
        const end = afterPrefix(prefix);
        const inside = Buffer.concat([prefix, other]);
        if (end !== undefined) assert(Buffer.compare(inside, end) < 0);
        const between =
          Buffer.compare(other, prefix) >= 0 && (end === undefined || Buffer.compare(other, end) < 0);
        const begins = Buffer.from(other).subarray(0, prefix.length).equals(Buffer.from(prefix));
        assert.equal(between, begins || (end === undefined && Buffer.compare(other, prefix) >= 0));
      },
    ),
  );
});

test('a path is checked without its bytes as it is with them', () => {
  const refusal = (check: () => unknown) => {
    try {
      check();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const lengths = [0, 1, 633, 634, 1_900, 1_901].map((length) => 'x'.repeat(length));
  const wide = [633, 634].map((length) => '\u4e2d'.repeat(length));
  const paths = [...lengths, ...wide, '\ud800', `${'x'.repeat(1_000)}\ud800`];
  for (const path of paths) {
    assert.equal(
      refusal(() => checkPath(path)),
      refusal(() => pathBytes(path)),
      `${path.length} of ${path[0]}`,
    );
  }
});
