import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeOrdered } from '../../../src/model/json-encoder.ts';
import { pgpPair } from '../../support/pgp.ts';
import { answer, ask, fakeCore, refusal } from './ask.ts';

const SHARE = Buffer.alloc(33, 5);

function uninitialised() {
  const core = fakeCore();
  core.sealNow = {
    type: 'shamir',
    initialized: false,
    sealed: true,
    threshold: 0,
    shares: 0,
    progress: 0,
    nonce: '',
  };
  return core;
}

function sealedCore() {
  const core = fakeCore();
  core.sealNow = { ...core.sealNow, sealed: true };
  return core;
}

test('seal-status: all members, in the order of Vault 1.19, ours beside its version', async () => {
  const { bare } = await ask(fakeCore(), 'read', 'seal-status');
  assert.match(
    encodeOrdered(bare),
    /^\{"type":"shamir","initialized":true,"sealed":false,"t":3,"n":5,"progress":0,"nonce":"","version":"1\.19\.5","coffer_version":"[^"]+","build_date":"[^"]+","commit_date":"[^"]+","migration":false,"cluster_name":"vault-cluster-01234567","cluster_id":"cluster id","recovery_seal":false,"storage_type":"inmem"\}$/,
  );
});

test('seal-status while sealed: the cluster has no name yet', async () => {
  const status = await answer(sealedCore(), 'read', 'seal-status');
  assert.equal(status.sealed, true);
  assert.equal('cluster_name' in status, false);
  assert.equal('cluster_id' in status, false);
});

test('init: keys in hex and base64, in that order of members', async () => {
  const core = uninitialised();
  assert.deepEqual(await answer(core, 'read', 'init'), { initialized: false });
  const made = (await ask(core, 'update', 'init', { body: { secret_shares: 5, secret_threshold: 3 } }))
    .bare as {
    keys: string[];
    keys_base64: string[];
  };
  assert.deepEqual(Object.keys(made), ['keys', 'keys_base64', 'root_token']);
  assert.equal(made.keys.length, 5);
  assert.equal(made.keys[0], '01'.repeat(33));
  assert.deepEqual(Buffer.from(made.keys_base64[4]!, 'base64'), Buffer.alloc(33, 5));
  assert.deepEqual(core.done, ['init 5/3']);
  assert.deepEqual(
    await refusal(core, 'update', 'init', { body: { secret_shares: 1, secret_threshold: 1 } }),
    [400, 'Vault is already initialized'],
  );
});

test('init: names match whatever their case, null is nothing, what is not known is left aside', async () => {
  const core = uninitialised();
  const body = {
    Secret_Shares: 1,
    SECRET_THRESHOLD: 1,
    pgp_keys: null,
    recovery_shares: 0,
    stored_shares: 1,
    x: {},
  };
  await ask(core, 'update', 'init', { body });
  assert.deepEqual(core.done, ['init 1/1']);
});

for (const [body, text] of [
  [{}, 'invalid seal configuration: shares must be at least one'],
  [{ secret_shares: 1 }, 'invalid seal configuration: threshold must be at least one'],
  [
    { secret_shares: 2, secret_threshold: 1 },
    'invalid seal configuration: threshold must be greater than one for multiple shares',
  ],
  [
    { secret_shares: 2, secret_threshold: 3 },
    'invalid seal configuration: threshold cannot be larger than shares',
  ],
  [{ secret_shares: 256, secret_threshold: 3 }, 'invalid seal configuration: shares must be less than 256'],
  [
    { secret_shares: '5', secret_threshold: 3 },
    'failed to parse JSON input: "secret_shares" is not a whole number',
  ],
  [
    { secret_shares: 1.5, secret_threshold: 1 },
    'failed to parse JSON input: "secret_shares" is not a whole number',
  ],
  [
    { secret_shares: 5, secret_threshold: 3, recovery_shares: 1, recovery_threshold: 1 },
    'parameters recovery_shares,recovery_threshold not applicable to seal type shamir',
  ],
  [
    { secret_shares: 2, secret_threshold: 2, pgp_keys: ['a'] },
    'invalid seal configuration: count mismatch between number of provided PGP keys and number of shares',
  ],
  [
    { secret_shares: 1, secret_threshold: 1, pgp_keys: ['a'] },
    'error decoding given PGP key: it is not base64',
  ],
  [
    { secret_shares: 1, secret_threshold: 1, pgp_keys: ['keybase:ada'] },
    'keybase: names are not looked up; give the public PGP key itself, in base64',
  ],
  [
    { secret_shares: 1, secret_threshold: 1, pgp_keys: 'a' },
    'failed to parse JSON input: "pgp_keys" is not a list of strings',
  ],
  [
    { secret_shares: 1, secret_threshold: 1, root_token_pgp_key: 'AAAA' },
    'error parsing given PGP key: it is not one OpenPGP key',
  ],
] as const) {
  test(`init of ${JSON.stringify(body)} is refused, and nothing is done`, async () => {
    const core = uninitialised();
    assert.deepEqual(await refusal(core, 'update', 'init', { body }), [400, text]);
    assert.deepEqual(core.done, []);
  });
}

test('init: shares and token are encrypted, each to its holder, before the store counts as initialised', async () => {
  const core = uninitialised();
  const holders = await Promise.all([pgpPair(), pgpPair(), pgpPair()]);
  const [first, second, third] = holders;
  const body = {
    secret_shares: 2,
    secret_threshold: 2,
    pgp_keys: [first!.text, second!.text],
    root_token_pgp_key: third!.text,
  };
  const made = await answer(core, 'update', 'init', { body });
  assert.equal(await first!.open(Buffer.from(made.keys[0], 'hex')), '01'.repeat(33));
  assert.equal(await second!.open(Buffer.from(made.keys_base64[1], 'base64')), '02'.repeat(33));
  assert.equal(await third!.open(Buffer.from(made.root_token, 'base64')), 'hvs.root');
  assert.deepEqual(core.done, ['init 2/2']);
});

test('unseal: hex and base64, any case of the member; the status after it is the answer', async () => {
  const core = sealedCore();
  const first = await answer(core, 'update', 'unseal', { body: { key: SHARE.toString('hex') } });
  assert.deepEqual([first.sealed, first.progress, first.nonce], [true, 1, 'n']);
  await ask(core, 'update', 'unseal', { body: { Key: SHARE.toString('hex').toUpperCase() } });
  const last = await answer(core, 'update', 'unseal', {
    body: { KEY: SHARE.toString('base64'), migrate: false },
  });
  assert.deepEqual([last.sealed, last.progress], [false, 0]);
  assert.deepEqual(core.done, Array(3).fill(`unseal ${SHARE.toString('hex')}`));
});

test('unseal: what is hex, but of no length a share has, is read as base64', async () => {
  const core = sealedCore();
  await ask(core, 'update', 'unseal', { body: { key: 'deadbeef'.repeat(2).repeat(3) } });
  const hexOf20Bytes = 'deadbeef'.repeat(5);
  await ask(core, 'update', 'unseal', { body: { key: hexOf20Bytes } });
  assert.deepEqual(core.done, [`unseal ${'deadbeef'.repeat(6)}`, `unseal ${hexOf20Bytes}`]);
  const tooLongInHex = 'a'.repeat(68);
  assert.deepEqual(
    await refusal(sealedCore(), 'update', 'unseal', { body: { key: tooLongInHex } }),
    [400, 'invalid key: key is longer than maximum 33 bytes'],
    'as base64 it has 51 bytes',
  );
  const shortInHex = 'a'.repeat(24);
  const other = sealedCore();
  await ask(other, 'update', 'unseal', { body: { key: shortInHex } });
  assert.deepEqual(other.done, [`unseal ${Buffer.from(shortInHex, 'base64').toString('hex')}`]);
});

test('unseal when unsealed already: the status, not a mistake, whatever the share', async () => {
  const core = fakeCore();
  const status = await answer(core, 'update', 'unseal', { body: { key: 'abcd' } });
  assert.equal(status.sealed, false);
  assert.deepEqual(core.done, []);
});

for (const [state, body, text] of [
  ['sealed', {}, "'key' must be specified in request body as JSON, or 'reset' set to true"],
  ['sealed', undefined, "'key' must be specified in request body as JSON, or 'reset' set to true"],
  ['sealed', { key: 'zz!' }, "'key' must be a valid hex or base64 string"],
  ['sealed', { key: 'abcd' }, 'invalid key: key is shorter than minimum 16 bytes'],
  ['sealed', { key: 'ab'.repeat(36) }, 'invalid key: key is longer than maximum 33 bytes'],
  ['sealed', { key: 5 }, 'failed to parse JSON input: "key" is not a string'],
  ['unsealed', { reset: true }, 'vault is unsealed'],
  ['uninitialised', { key: SHARE.toString('hex') }, 'Vault is not initialized'],
] as const) {
  test(`unseal with ${JSON.stringify(body)} while ${state} is refused`, async () => {
    const core = state === 'sealed' ? sealedCore() : state === 'unsealed' ? fakeCore() : uninitialised();
    assert.deepEqual(await refusal(core, 'update', 'unseal', { body }), [400, text]);
    assert.deepEqual(core.done, []);
  });
}

test('unseal with reset forgets the shares given so far', async () => {
  const core = sealedCore();
  await ask(core, 'update', 'unseal', { body: { key: SHARE.toString('hex') } });
  assert.equal((await answer(core, 'update', 'unseal', { body: { reset: true } })).progress, 0);
});

test('seal, step-down and rotate answer nothing; key-status is injected', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'update', 'step-down'), {});
  assert.deepEqual(await ask(core, 'update', 'rotate'), {});
  assert.deepEqual(core.done, ['rotate']);
  const { inject, data } = await ask(core, 'read', 'key-status');
  assert.equal(inject, true);
  assert.deepEqual(data, { term: 2, install_time: '2026-01-02T03:04:05.678Z', encryptions: 7 });
  assert.deepEqual(await ask(core, 'update', 'seal'), {});
  assert.deepEqual(core.done, ['rotate', 'seal']);
  assert.equal(core.sealNow.sealed, true);
});

test('seal of this node alone', async () => {
  const core = fakeCore();
  assert.deepEqual(await ask(core, 'update', 'seal', { body: { node: true } }), {});
  assert.deepEqual(core.done, ['seal node']);
});
