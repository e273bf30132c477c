import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pgpKeyIn, pgpKeysIn } from '../../src/cli/pgp-files.ts';
import { pgpPair } from '../support/pgp.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('pgp');

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

test('armored, binary and base64 files give the same key', async () => {
  const { armored, text } = await pgpPair();
  const withHeaders = armored.replace('BLOCK-----\n', 'BLOCK-----\nComment: of Ada\n');
  for (const content of [
    armored,
    armored.replaceAll('\n', '\r\n'),
    withHeaders,
    `a line before\n${armored}`,
    Buffer.from(text, 'base64'),
    `${text}\n`,
  ])
    assert.equal(pgpKeyIn('pgp-key', file('key', content)), text);
  assert.equal(pgpKeyIn('pgp-key', `@${file('key', armored)}`), text);
});

test('several files, separated by commas or named one by one', async () => {
  const [ada, bob] = [await pgpPair(), await pgpPair()];
  const files = [file('ada', ada.armored), file('bob', bob.armored)];
  assert.deepEqual(pgpKeysIn('pgp-keys', [files.join(', ')]), [ada.text, bob.text]);
  assert.deepEqual(pgpKeysIn('pgp-keys', files), [ada.text, bob.text]);
  assert.equal(pgpKeysIn('pgp-keys', []), undefined);
});

test('two keys in one file, no file, and a keybase name are refused', async () => {
  const { armored } = await pgpPair();
  assert.throws(() => pgpKeyIn('pgp-key', file('two', armored + armored)), /more than one key found in file/);
  assert.throws(
    () => pgpKeyIn('pgp-key', join(folder, 'none')),
    /^CommandFailure: invalid value ".*none" for flag -pgp-key: open .*none: no such file or directory$/,
  );
  assert.throws(() => pgpKeyIn('pgp-key', 'keybase:ada'), /keybase: names are not looked up; give a file/);
  assert.throws(() => pgpKeyIn('pgp-key', ''), /empty path/);
});
