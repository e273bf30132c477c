import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { gcmOpen, gcmSeal, hkdf } from '../../src/seal/aead.ts';
import { byHand, missing } from '../support/missing.ts';

const folder = process.env.VECTORS_DIR ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url));
const hex = (text: string) => Buffer.from(text, 'hex');

interface WycheproofFile {
  testGroups: { ivSize?: number; tagSize?: number; tests: Record<string, string>[] }[];
}

/** The groups of a Wycheproof file; undefined where the vectors are not here. */
function wycheproof(name: string): WycheproofFile['testGroups'] | undefined {
  const file = join(folder, 'wycheproof', `${name}.json.gz`);
  if (!existsSync(file)) return undefined;
  return (JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as WycheproofFile).testGroups;
}

/** A clone has no vectors beside it; a folder that was named and is not there is a defect. */
const noVectors =
  process.env.VECTORS_DIR === undefined
    ? byHand('the Wycheproof vectors are not beside this checkout: set VECTORS_DIR')
    : missing('the Wycheproof vectors in VECTORS_DIR');

test('AES-GCM: Wycheproof, 96-bit nonces', (t) => {
  const groups = wycheproof('aes_gcm_test')?.filter((group) => group.ivSize === 96 && group.tagSize === 128);
  if (groups === undefined) return t.skip(noVectors);
  let count = 0;
  for (const { tests } of groups) {
    for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
      const sealed = hex(iv! + ct! + tag!);
      const opened = gcmOpen(hex(key!), hex(aad!), sealed);
      assert.equal(opened?.toString('hex'), result === 'valid' ? msg : undefined, `test ${tcId}`);
      if (result === 'valid')
        assert.deepEqual(gcmSeal(hex(key!), hex(iv!), hex(aad!), hex(msg!)), sealed, `test ${tcId}`);
      count++;
    }
  }
  assert(count > 50, `${count} vectors`);
});

test('HKDF-SHA256: Wycheproof', (t) => {
  const groups = wycheproof('hkdf_sha256_test');
  if (groups === undefined) return t.skip(noVectors);
  let count = 0;
  for (const { tests } of groups) {
    for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
      const make = () => hkdf(hex(ikm!), hex(salt!), hex(info!), Number(size));
      if (result === 'valid') assert.equal(make().toString('hex'), okm, `test ${tcId}`);
      else assert.throws(make, `test ${tcId}`);
      count++;
    }
  }
  assert(count > 50, `${count} vectors`);
});

test('AES-GCM: what is too short to be sealed does not open, and nothing is thrown', () => {
  const key = Buffer.alloc(32, 1);
  const sealed = Buffer.from(gcmSeal(key, Buffer.alloc(12, 2), Buffer.from('path'), Buffer.from('text')));
  assert.equal(gcmOpen(key, Buffer.from('path'), sealed)?.toString(), 'text');
  for (let length = 0; length < sealed.length; length++) {
    assert.equal(gcmOpen(key, Buffer.from('path'), sealed.subarray(0, length)), undefined, `${length} bytes`);
  }
});
