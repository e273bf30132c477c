import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import * as openpgp from 'openpgp';
import { readPgpKey } from '../../src/crypto/pgp.ts';
import { CodedError } from '../../src/model/errors.ts';
import { PGP_KEY_BYTES_MAX } from '../../src/model/limits.ts';
import { testFolder } from '../support/test-folder.ts';

const SECRET = Buffer.from('0badcafe'.repeat(8));
const userIDs = [{ name: 'Ada', email: 'ada@example.com' }];

async function refusal(text: string): Promise<string> {
  const error = await readPgpKey(text).then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CodedError);
  assert.equal(error.status, 400);
  return error.messages.join();
}

async function generated(options: Partial<openpgp.KeyOptions> = {}) {
  const { privateKey, publicKey } = await openpgp.generateKey({ ...options, userIDs, format: 'object' });
  return { privateKey, publicKey, text: Buffer.from(publicKey.write()).toString('base64') };
}

test('what is encrypted to a key opens with it, and names it', async () => {
  const { privateKey, publicKey, text } = await generated();
  const key = await readPgpKey(text);
  assert.equal(key.fingerprint, publicKey.getFingerprint());
  const sealed = await key.encrypt(SECRET);
  const message = await openpgp.readMessage({ binaryMessage: sealed });
  const { data } = await openpgp.decrypt({ message, decryptionKeys: privateKey, format: 'binary' });
  assert.deepEqual(Buffer.from(data), SECRET);
  assert.equal(Buffer.from(sealed).includes(SECRET), false);
});

const hasGpg = spawnSync('gpg', ['--version']).status === 0;
// A home with a short path: gpg's agent listens there, and a socket's path may have 108 bytes.
const home = hasGpg ? testFolder('gpg') : '';
const env = { ...process.env, GNUPGHOME: home };
const gpg = (args: string[], input?: Uint8Array): Buffer =>
  execFileSync('gpg', ['--batch', '--quiet', '--no-tty', ...args], { env, input, timeout: 60_000 });

after(() => {
  if (hasGpg) spawnSync('gpgconf', ['--kill', 'all'], { env, timeout: 10_000 });
});

for (const [kind, parameters] of [
  ['RSA', ['Key-Type: RSA', 'Key-Length: 2048', 'Subkey-Type: RSA', 'Subkey-Length: 2048']],
  ['Curve25519', ['Key-Type: EDDSA', 'Key-Curve: ed25519', 'Subkey-Type: ECDH', 'Subkey-Curve: cv25519']],
] as const) {
  test(`GnuPG reads what was encrypted to its ${kind} key`, {
    skip: hasGpg ? false : 'no gpg here',
  }, async () => {
    const address = `${kind}@example.com`;
    const wanted = ['%no-protection', ...parameters, `Name-Email: ${address}`, '%commit', ''];
    gpg(['--generate-key'], Buffer.from(wanted.join('\n')));
    const key = await readPgpKey(gpg(['--export', address]).toString('base64'));
    assert.match(gpg(['--with-colons', '--list-keys', address]).toString(), new RegExp(key.fingerprint, 'i'));
    assert.deepEqual(gpg(['--decrypt'], await key.encrypt(SECRET)), SECRET);
  });
}

test('what is no key is refused, without a word of what it is', async () => {
  assert.match(await refusal('%%%'), /error decoding given PGP key/);
  assert.match(await refusal(''), /error decoding given PGP key/);
  assert.match(await refusal('AAAA'), /error parsing given PGP key: it is not one OpenPGP key/);
  const { publicKey } = await generated();
  const twice = Buffer.concat([publicKey.write(), publicKey.write()]).toString('base64');
  const other = await generated();
  const two = Buffer.concat([publicKey.write(), other.publicKey.write()]).toString('base64');
  assert.match(await refusal(two), /it is not one OpenPGP key/);
  assert.match(await refusal(twice), /it is not one OpenPGP key/);
});

test('a keybase name is refused in one sentence', async () => {
  assert.match(await refusal('keybase:ada'), /keybase: names are not looked up/);
});

test('a private key is refused', async () => {
  const { privateKey } = await generated();
  assert.match(await refusal(Buffer.from(privateKey.write()).toString('base64')), /it is a private key/);
});

test('a key that is over, revoked, or for signing only is refused', async () => {
  const over = await generated({ date: new Date(Date.now() - 86_400_000 * 2), keyExpirationTime: 3_600 });
  assert.match(await refusal(over.text), /expired/);
  const { privateKey } = await generated();
  const revoked = await openpgp.revokeKey({ key: privateKey, format: 'object' });
  assert.match(await refusal(Buffer.from(revoked.publicKey.write()).toString('base64')), /revoked/);
  const signing = await generated({ subkeys: [{ sign: true }] });
  assert.match(await refusal(signing.text), /signing only/);
});

test('a key that somebody else tied a subkey to is refused: the signature does not hold', async () => {
  const { publicKey } = await generated();
  const other = await generated();
  const packets = publicKey.toPacketList();
  const stolen = other.publicKey.toPacketList();
  const mixed = new openpgp.PacketList<openpgp.AnyPacket>();
  for (const packet of packets) {
    if (packet instanceof openpgp.PublicSubkeyPacket) break;
    mixed.push(packet);
  }
  let isSubkey = false;
  for (const packet of stolen) {
    isSubkey ||= packet instanceof openpgp.PublicSubkeyPacket;
    if (isSubkey) mixed.push(packet);
  }
  assert.match(
    await refusal(Buffer.from(mixed.write()).toString('base64')),
    /nothing can be encrypted to it/,
  );
});

test('a key above the bound is refused before it is read', async () => {
  const long = Buffer.alloc(PGP_KEY_BYTES_MAX + 1).toString('base64');
  assert.match(await refusal(long), /longer than/);
});
