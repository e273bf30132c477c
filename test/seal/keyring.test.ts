import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  KEYRING_PATH,
  type Keyring,
  openKeyring,
  ROTATION_DEFAULT,
  sealKeyring,
  wipeKeyring,
  withDebit,
  withTerm,
} from '../../src/seal/keyring.ts';
import { openRecord, sealRecord, termOf } from '../../src/seal/record.ts';
import { drawKey } from '../../src/seal/secret-bytes.ts';

const newKey = () => drawKey(randomBytes);
const nonce = () => randomBytes(12);
const AT = Date.UTC(2026, 10, 22, 4, 2, 26, 60);

function newKeyring(): Keyring {
  const terms = [{ term: 1, key: newKey(), installedAtMs: AT, encryptions: 0 }];
  return { rootKey: newKey(), namesKey: newKey(), terms, rotation: ROTATION_DEFAULT };
}

test('the record holds Vault’s JSON, and one member of ours', () => {
  const keyring = withDebit(newKeyring(), 5);
  const record = sealKeyring(keyring, nonce());
  assert.equal(termOf(record), 1);
  const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64');
  assert.deepEqual(JSON.parse(openRecord(keyring.rootKey, KEYRING_PATH, record).toString()), {
    MasterKey: base64(keyring.rootKey),
    Keys: [
      {
        Term: 1,
        Version: 1,
        Value: base64(keyring.terms[0]!.key),
        InstallTime: '2026-11-22T04:02:26.06Z',
        encryptions: 5,
      },
    ],
    RotationConfig: { Disabled: false, MaxOperations: 3_865_470_566, Interval: 0 },
    NamesKey: base64(keyring.namesKey),
  });
});

test('opens as it was sealed, with all its terms', () => {
  const interval = 365 * 24 * 3_600_000;
  const rotation = { enabled: false, operationsMax: 1_000_000, intervalMs: interval };
  const keyring = { ...withDebit(withTerm(withDebit(newKeyring(), 7), newKey(), AT + 1), 9), rotation };
  assert.deepEqual(openKeyring(keyring.rootKey, sealKeyring(keyring, nonce())), keyring);
});

test('does not open under another root key, damaged, or when it is no keyring', () => {
  const keyring = newKeyring();
  const record = sealKeyring(keyring, nonce());
  const refused = { name: 'CodedError', code: 'internal' };
  assert.throws(() => openKeyring(newKey(), record), refused);
  assert.throws(() => openKeyring(keyring.rootKey, record.subarray(0, 20)), refused);
  const flipped = Buffer.from(record);
  flipped[30]! ^= 1;
  assert.throws(() => openKeyring(keyring.rootKey, flipped), refused);
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"Keys":[],"MasterKey":"x","RotationConfig":{}}',
    '{"Keys":[{}]}',
  ]) {
    const odd = sealRecord(keyring.rootKey, 1, KEYRING_PATH, nonce(), Buffer.from(text));
    assert.throws(
      () => openKeyring(keyring.rootKey, odd),
      { ...refused, message: /the keyring is malformed/ },
      text,
    );
  }
});

test('wiping zeroes all keys but those that another state holds', () => {
  const keyring = newKeyring();
  const next = withTerm(keyring, newKey(), AT);
  const zero = (key: Uint8Array) => key.every((byte) => byte === 0);
  wipeKeyring(next, keyring);
  assert(zero(next.terms[1]!.key));
  assert(![keyring.rootKey, keyring.namesKey, keyring.terms[0]!.key].some(zero));
  wipeKeyring(keyring);
  assert([keyring.rootKey, keyring.namesKey, keyring.terms[0]!.key].every(zero));
});

test('a drawn key leaves nothing in what the generator gave', () => {
  const drawn = randomBytes(96);
  const before = Uint8Array.from(drawn.subarray(0, 32));
  assert.deepEqual(
    drawKey(() => drawn),
    before,
  );
  assert(drawn.every((byte) => byte === 0));
});
