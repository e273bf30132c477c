import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeGlob } from '../../src/model/glob.ts';

test('as a regular expression would, whole or anywhere, in any case', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '*', '.', '/'), maxLength: 8 });
  fc.assert(
    fc.property(text, text, fc.boolean(), fc.boolean(), (pattern, subject, whole, ignoreCase) => {
      const parts = pattern.split('*').map((part) => RegExp.escape(part));
      const pieces = parts.join('[^]*');
      const expected = new RegExp(whole ? `^${pieces}$` : pieces, ignoreCase ? 'i' : '').test(subject);
      assert.equal(makeGlob(pattern, { whole, ignoreCase })(subject), expected);
    }),
    { numRuns: 5_000 },
  );
});

test('a hostile pattern takes no longer than its length times the text’s', () => {
  const fits = makeGlob(`${'*a'.repeat(2_000)}*b`, { whole: true });
  const startedMs = performance.now();
  assert(!fits(`${'a'.repeat(100_000)}c`));
  assert(performance.now() - startedMs < 2_000);
});
