/**
 * A store that a real OpenBao wrote, opened by our parts from the shares up: the formats are Vault's.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gcmOpen } from '../../src/seal/aead.ts';
import { openRecord, termOf } from '../../src/seal/record.ts';
import { decodeSecretJson } from '../../src/seal/secret-json.ts';
import { combine } from '../../src/seal/shamir.ts';

const store = JSON.parse(readFileSync(new URL('../vectors/openbao-store.json', import.meta.url), 'utf8')) as {
  shares: string[];
  records: Record<string, string>;
};
const record = (path: string) => Buffer.from(store.records[path]!, 'base64');

test('shares → unseal key → root key → keyring with both terms → a policy', () => {
  const kek = combine(store.shares.slice(1, 4).map((share) => Buffer.from(share, 'hex')));
  // A protobuf BlobInfo: field 1, its length in one byte, and then nonce, ciphertext, tag; no additional data.
  const blob = record('core/hsm/barrier-unseal-keys');
  assert.equal(blob[0], 0x0a);
  const keys = gcmOpen(kek, Buffer.alloc(0), blob.subarray(2, 2 + blob[1]!));
  assert(keys !== undefined);
  const [rootKey] = decodeSecretJson(keys) as [Uint8Array];

  const sealedKeyring = record('core/keyring');
  assert.equal(termOf(sealedKeyring), 1);
  const keyring = decodeSecretJson(openRecord(rootKey, 'core/keyring', sealedKeyring)) as {
    MasterKey: Uint8Array;
    Keys: { Term: number; Version: number; Value: Uint8Array; InstallTime: string }[];
    RotationConfig: { MaxOperations: number };
  };
  assert.deepEqual(keyring.MasterKey, rootKey);
  assert.deepEqual(keyring.Keys.map((entry) => entry.Term).sort(), [1, 2]);
  assert.equal(keyring.RotationConfig.MaxOperations, 3_865_470_566);

  const policy = record('sys/policy/probe');
  assert.equal(termOf(policy), 2);
  const key = keyring.Keys.find((entry) => entry.Term === 2)!.Value;
  const { Raw } = JSON.parse(openRecord(key, 'sys/policy/probe', policy).toString()) as { Raw: string };
  assert.equal(Raw, 'path "a" { capabilities = ["read"] }');
});
