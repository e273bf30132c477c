import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  readPrivateFile,
  replacePrivateFile,
  writeNewPrivateFile,
} from '../../../src/cluster/transport/private-file.ts';
import { testFolder } from '../../support/test-folder.ts';

test('a new file stays as whoever came first wrote it; only a replaced one is another', () => {
  const folder = testFolder('private');
  const file = join(folder, 'secret');
  // Somebody was killed while writing.
  writeFileSync(`${file}.${process.pid}.new`, '');
  writeNewPrivateFile(file, 'first');
  writeNewPrivateFile(file, 'second');
  assert.equal(readPrivateFile(file, 100), 'first');
  replacePrivateFile(file, 'third');
  assert.equal(readFileSync(file, 'utf8'), 'third');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['secret'], 'no draft is left');
});

test('what cannot be written leaves no draft', () => {
  const folder = testFolder('private');
  assert.throws(() => replacePrivateFile(join(folder, 'none', 'secret'), 'x'), { code: 'ENOENT' });
  writeFileSync(join(folder, 'taken'), '');
  assert.throws(() => replacePrivateFile(join(folder, 'taken', 'secret'), 'x'), { code: 'ENOTDIR' });
  assert.deepEqual(readdirSync(folder), ['taken']);
});
