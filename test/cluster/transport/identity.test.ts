import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { IDENTITY_FILE, openIdentity } from '../../../src/cluster/transport/identity.ts';
import { testFolder } from '../../support/test-folder.ts';

test('it is made once, for its owner alone, and stays', async () => {
  const data = testFolder('identity');
  const first = await openIdentity(data, randomBytes);
  assert.match(first.peer, /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/);
  assert.deepEqual(readdirSync(data), [IDENTITY_FILE]);
  assert.equal(statSync(join(data, IDENTITY_FILE)).mode & 0o777, 0o600);
  const again = await openIdentity(data, () => assert.fail('nothing is drawn a second time'));
  assert.equal(again.peer, first.peer);
  assert.deepEqual(again.key.raw, first.key.raw);
  assert.notEqual((await openIdentity(testFolder('identity'), randomBytes)).peer, first.peer);
});

test('it is a plain PKCS #8 file', async () => {
  const data = testFolder('identity');
  const { key } = await openIdentity(data, randomBytes);
  const file = join(data, IDENTITY_FILE);
  assert.match(
    readFileSync(file, 'latin1'),
    /^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=]+\n-----END PRIVATE KEY-----\n$/,
  );
  const spki = execFileSync('openssl', ['pkey', '-in', file, '-pubout', '-outform', 'DER']);
  assert.deepEqual(Buffer.from(spki.subarray(-32)), Buffer.from(key.publicKey.raw));
});

test('two that start at once have one identity', async () => {
  const data = testFolder('identity');
  const all = await Promise.all(Array.from({ length: 4 }, () => openIdentity(data, randomBytes)));
  assert.equal(new Set(all.map(({ peer }) => peer)).size, 1);
});

test('a file that others may use, or that is none, is refused by name', async () => {
  const data = testFolder('identity');
  await openIdentity(data, randomBytes);
  const file = join(data, IDENTITY_FILE);
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(file, mode);
    await assert.rejects(openIdentity(data, randomBytes), (error: Error) => {
      assert(error.message.includes(file));
      assert.match(error.message, /chmod 600/);
      return true;
    });
  }
  chmodSync(file, 0o600);
  for (const text of [
    '',
    'nonsense',
    execFileSync('openssl', ['genpkey', '-algorithm', 'x25519']).toString(),
  ]) {
    writeFileSync(file, text);
    await assert.rejects(openIdentity(data, randomBytes), /cannot be used/);
  }
});
