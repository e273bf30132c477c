/** Each row of `docs/security-lessons.md` names its tests, or with what they come. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const text = readFileSync(new URL('../../docs/security-lessons.md', import.meta.url), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:What happened|---)/.test(line))
  .map((line) => line.split(' | '));

test('every lesson names tests that are there, or the part that it waits for', () => {
  assert(rows.length > 35, String(rows.length));
  for (const row of rows) {
    const [what = '', , tests = ''] = row;
    assert.equal(row.length, 3, what);
    const files = [...tests.matchAll(/`([^`]+)`/g)].map((found) => found[1] ?? '');
    for (const file of files) {
      assert.match(file, /\.test\.ts$/, what);
      assert(existsSync(new URL(`../${file}`, import.meta.url)), `${what}: ${file} is not there`);
    }
    assert(files.length > 0 || /^later: \w/.test(tests), what);
  }
});
