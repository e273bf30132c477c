/** Rekey and root tokens through the front door of a whole server. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';
import { pgpPair } from '../support/pgp.ts';

let inner: InnerCoffer;
/** Those in force, hex. */
let shares: string[];
const auditFile = join(tmpdir(), `coffer-attempts-${process.pid}.log`);
before(async () => {
  inner = await startInnerCoffer({ shares: 3, threshold: 2 });
  shares = inner.keys.map((key) => Buffer.from(key).toString('hex'));
  await well('POST', 'sys/audit/file', { type: 'file', options: { file_path: auditFile } }, inner.root);
  await well('POST', 'kv/a', { value: '1' }, inner.root);
});
after(async () => {
  await inner.coffer.stop();
  rmSync(auditFile, { force: true });
});

/** Without a token unless one is given. */
const ask = (method: string, path: string, body?: unknown, token = '') =>
  inner.ask(method, path, body, token);

async function well(method: string, path: string, body?: unknown, token = '') {
  const reply = await ask(method, path, body, token);
  assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply.body;
}

async function refused(text: string, method: string, path: string, body?: unknown, token = '') {
  const reply = await ask(method, path, body, token);
  assert.deepEqual([reply.status, reply.body?.errors?.[0]], [400, text], `${method} ${path}`);
}

const NEEDS = 'this needs the nonce of the operation, or a token with sudo on this path';

test('the status of nothing: all members, in order', async () => {
  assert.equal(
    (await ask('GET', 'sys/generate-root/attempt')).text,
    '{"nonce":"","started":false,"progress":0,"required":2,"complete":false,"encoded_token":"","encoded_root_token":"","pgp_fingerprint":"","otp":"","otp_length":28}\n',
  );
  assert.equal(
    (await ask('GET', 'sys/rekey/init')).text,
    '{"nonce":"","started":false,"t":0,"n":0,"progress":0,"required":2,"pgp_fingerprints":null,"backup":false,"verification_required":false}\n',
  );
  await refused('no rekey configuration found', 'GET', 'sys/rekey/verify');
});

test('a root token without a token: begun, two shares, decoded, root', async () => {
  const begun = await well('PUT', 'sys/generate-root/attempt');
  assert.equal(begun.started, true);
  assert.match(begun.otp, /^[0-9A-Za-z]{28}$/);
  const { nonce } = begun;
  assert.equal((await well('GET', 'sys/generate-root/attempt')).otp, '');
  const first = await well('PUT', 'sys/generate-root/update', { key: shares[0], nonce });
  assert.deepEqual([first.progress, first.required, first.complete, first.nonce], [1, 2, false, nonce]);
  // Names of any case, base64 as well as hex.
  const Key = Buffer.from(shares[2]!, 'hex').toString('base64');
  const last = await well('PUT', 'sys/generate-root/update', { Key, Nonce: nonce });
  assert.deepEqual([last.progress, last.complete, last.started], [2, true, true]);
  assert.equal(last.encoded_token, last.encoded_root_token);
  const decoded = await well('POST', 'sys/decode-token', {
    encoded_token: last.encoded_token,
    otp: begun.otp,
  });
  const { token } = decoded.data;
  assert.match(token, /^hvs\.\w{24}$/);
  const self = await well('GET', 'auth/token/lookup-self', undefined, token);
  assert.deepEqual([self.data.policies, self.data.ttl, self.data.path], [['root'], 0, 'auth/token/root']);
  assert.equal((await well('GET', 'sys/generate-root/attempt')).started, false);
});

test('who begins is told of the attempt that is theirs, however many others begin at once', async () => {
  // Told of another's, an operator would have shares given to what a stranger began, who chose whom the new ones are encrypted to.
  const counts = Array.from({ length: 20 }, (_, n) => n + 2);
  const begun = await Promise.all(
    counts.map((n) => well('PUT', 'sys/rekey/init', { secret_shares: n, secret_threshold: 2 })),
  );
  assert.deepEqual(
    begun.map(({ n }) => n),
    counts,
  );
  assert.equal(new Set(begun.map(({ nonce }) => nonce)).size, counts.length);
  const roots = await Promise.all(counts.map(() => well('PUT', 'sys/generate-root/attempt')));
  assert.equal(new Set(roots.map(({ nonce }) => nonce)).size, counts.length);
  for (const path of ['sys/rekey/init', 'sys/generate-root/attempt']) {
    const { nonce } = await well('GET', path);
    const last = path === 'sys/rekey/init' ? begun : roots;
    assert(
      last.some((one) => one.nonce === nonce),
      'the one that stands is one of them',
    );
    await well('DELETE', path, { nonce });
  }
});

test('what does not fit is refused in words that clients know, and a root token is none of it', async () => {
  await refused('OTP string has incorrect length', 'PUT', 'sys/generate-root/attempt', { otp: 'short' });
  await refused("'key' must be specified in request body as JSON", 'PUT', 'sys/generate-root/update', {});
  await refused("'key' must be a valid hex or base64 string", 'PUT', 'sys/generate-root/update', {
    key: '!',
  });
  await refused('no root generation in progress', 'PUT', 'sys/generate-root/update', { key: shares[0] });
  await refused(
    "provided 'encoded_token' or 'otp' is empty",
    'PUT',
    'sys/decode-token',
    { encoded_token: 'AAAA' },
    inner.root,
  );
  for (const [encoded_token, otp] of [
    ['AAAA', 'ab'],
    ['%', 'a'],
  ])
    assert.equal((await ask('PUT', 'sys/decode-token', { encoded_token, otp })).status, 400);
});

test('an attempt is ended by its nonce, in body or query, or by a token with sudo; else by nobody', async () => {
  for (const [path, body] of [
    ['sys/generate-root/attempt', {}],
    ['sys/rekey/init', { secret_shares: 3, secret_threshold: 2 }],
  ] as const) {
    const begin = async () => (await well('POST', path, body)).nonce as string;
    const started = async () => (await well('GET', path)).started;
    let nonce = await begin();
    await well(
      'POST',
      'sys/policies/acl/weak',
      { policy: 'path "sys/*" { capabilities = ["update", "delete"] }' },
      inner.root,
    );
    const weak = (await well('POST', 'auth/token/create', { policies: ['weak'] }, inner.root)).auth
      .client_token;
    await refused(NEEDS, 'DELETE', path);
    await refused(NEEDS, 'DELETE', path, undefined, weak);
    await refused(NEEDS, 'DELETE', path, undefined, 'hvs.none');
    await refused(NEEDS, 'DELETE', path, { nonce: 'another' });
    assert.equal(await started(), true);
    assert.equal((await ask('DELETE', path, { nonce })).status, 204);
    assert.equal(await started(), false);
    nonce = await begin();
    assert.equal((await ask('DELETE', `${path}?nonce=${nonce}`)).status, 204);
    nonce = await begin();
    assert.equal((await ask('DELETE', path, undefined, inner.root)).status, 204);
    assert.equal(await started(), false);
    assert.equal((await ask('DELETE', path)).status, 204);
  }
});

test('a rekey with verification: bare answers, the new shares in force at the end alone', async () => {
  const body = { secret_shares: 4, secret_threshold: 3, require_verification: true };
  const begun = await well('PUT', 'sys/rekey/init', body);
  assert.deepEqual([begun.started, begun.t, begun.n, begun.required], [true, 3, 4, 2]);
  assert.equal(begun.verification_required, true);
  const { nonce } = begun;
  const first = await well('PUT', 'sys/rekey/update', { key: shares[0], nonce });
  assert.deepEqual([first.progress, first.started, 'complete' in first], [1, true, false]);
  await refused('rekey already in progress', 'PUT', 'sys/rekey/init', body);
  const done = await well('PUT', 'sys/rekey/update', { key: shares[1], nonce });
  assert.deepEqual(Object.keys(done), [
    'nonce',
    'complete',
    'keys',
    'keys_base64',
    'pgp_fingerprints',
    'backup',
    'verification_required',
    'verification_nonce',
  ]);
  assert.equal(done.keys.length, 4);
  assert.deepEqual(Buffer.from(done.keys_base64[3], 'base64').toString('hex'), done.keys[3]);
  const waiting = await well('GET', 'sys/rekey/verify');
  assert.deepEqual(waiting, { nonce: done.verification_nonce, started: true, t: 3, n: 4, progress: 0 });
  assert.equal((await well('GET', 'sys/rekey/init')).verification_nonce, done.verification_nonce);
  await refused(NEEDS, 'DELETE', 'sys/rekey/verify');
  const again = await well('DELETE', 'sys/rekey/verify', undefined, inner.root);
  assert.notEqual(again.nonce, done.verification_nonce);
  for (const key of done.keys.slice(0, 2))
    assert.equal((await well('PUT', 'sys/rekey/verify', { key, nonce: again.nonce })).started, true);
  assert.deepEqual(await well('PUT', 'sys/rekey/verify', { key: done.keys[3], nonce: again.nonce }), {
    nonce: again.nonce,
    complete: true,
  });
  await unsealsWith(done.keys.slice(1), shares);
  shares = done.keys;
});

/** Sealed, it is opened by these and not by those; what was stored is there. */
async function unsealsWith(right: readonly string[], wrong: readonly string[]): Promise<void> {
  await well('PUT', 'sys/seal', undefined, inner.root);
  const statuses = [];
  for (const key of wrong) statuses.push((await ask('PUT', 'sys/unseal', { key })).status);
  assert.ok(statuses.includes(400), statuses.join());
  assert.equal((await well('GET', 'sys/seal-status')).sealed, true);
  await well('PUT', 'sys/unseal', { reset: true });
  for (const key of right) await well('PUT', 'sys/unseal', { key });
  assert.equal((await well('GET', 'sys/seal-status')).sealed, false);
  assert.equal((await well('GET', 'kv/a', undefined, inner.root)).data.value, '1');
}

test('a rekey to PGP keys, kept in the store until it is deleted', async () => {
  await refused(
    'cannot request a backup of the new keys without providing PGP keys for encryption',
    'PUT',
    'sys/rekey/init',
    { secret_shares: 1, secret_threshold: 1, backup: true },
  );
  const holder = await pgpPair();
  await refused('incorrect number of PGP keys for rekey', 'PUT', 'sys/rekey/init', {
    secret_shares: 2,
    secret_threshold: 2,
    pgp_keys: [holder.text],
  });
  await refused('no backed-up keys found', 'GET', 'sys/rekey/backup', undefined, inner.root);
  const body = { secret_shares: 2, secret_threshold: 2, pgp_keys: [holder.text, holder.text], backup: true };
  const { nonce, pgp_fingerprints } = await well('PUT', 'sys/rekey/init', body);
  assert.deepEqual(pgp_fingerprints, [holder.fingerprint, holder.fingerprint]);
  let done = { keys: [] as string[], complete: false };
  for (const key of shares.slice(0, 3)) done = await well('PUT', 'sys/rekey/update', { key, nonce });
  assert.equal(done.complete, true);
  const opened: string[] = [];
  for (const key of done.keys) opened.push(await holder.open(Buffer.from(key, 'hex')));
  const kept = await well('GET', 'sys/rekey/backup', undefined, inner.root);
  assert.deepEqual(kept.data.keys, { [holder.fingerprint]: done.keys });
  assert.deepEqual(kept.keys, kept.data.keys);
  assert.equal((await ask('GET', 'sys/rekey/backup')).status, 403);
  await unsealsWith(opened, shares.slice(0, 3));
  shares = opened;
  assert.equal((await ask('DELETE', 'sys/rekey/backup', undefined, inner.root)).status, 204);
  await refused('no backed-up keys found', 'GET', 'sys/rekey/backup', undefined, inner.root);
});

test('a seal that is changed for a share that is not known: wrong ones are refused, ten a minute', async () => {
  const { nonce } = await well('PUT', 'sys/rekey/init', { secret_shares: 1, secret_threshold: 1 });
  const key = '00'.repeat(33);
  for (let i = 0; i < 10; i++)
    await refused('invalid key: it is no share of the key in question', 'PUT', 'sys/rekey/update', {
      key,
      nonce,
    });
  assert.equal((await ask('PUT', 'sys/rekey/update', { key: shares[0], nonce })).status, 429);
  const trusted = await well('PUT', 'sys/rekey/update', { key: shares[0], nonce }, inner.root);
  assert.equal(trusted.progress, 1);
  assert.equal((await ask('DELETE', 'sys/rekey/init', { nonce })).status, 204);
});

test("OpenBao's paths want a token, and answer in an envelope", async () => {
  for (const path of ['sys/generate-root-token/attempt', 'sys/rotate/root/init'])
    assert.equal((await ask('GET', path)).status, 403);
  const status = await well('GET', 'sys/generate-root-token/attempt', undefined, inner.root);
  assert.equal(status.data.otp_length, 28);
  const begun = await well(
    'PUT',
    'sys/rotate/root/init',
    { secret_shares: 2, secret_threshold: 2 },
    inner.root,
  );
  assert.equal(begun.data.started, true);
  assert.equal((await well('GET', 'sys/rekey/init')).nonce, begun.data.nonce);
  assert.equal((await ask('DELETE', 'sys/rotate/root/init', undefined, inner.root)).status, 204);
});

test('what only a seal that unseals itself has is refused', async () => {
  for (const [method, path] of [
    ['GET', 'sys/rekey-recovery-key/init'],
    ['PUT', 'sys/rekey-recovery-key/init'],
    ['DELETE', 'sys/rekey-recovery-key/init'],
    ['PUT', 'sys/rekey-recovery-key/update'],
    ['GET', 'sys/rekey-recovery-key/verify'],
  ] as const)
    await refused('recovery rekeying not supported', method, path, method === 'PUT' ? {} : undefined);
  for (const [method, path] of [
    ['GET', 'sys/rekey/recovery-key-backup'],
    ['GET', 'sys/rotate/recovery/init'],
    ['PUT', 'sys/rotate/recovery/init'],
    ['DELETE', 'sys/rotate/recovery/init'],
    ['PUT', 'sys/rotate/recovery/update'],
    ['PUT', 'sys/rotate/recovery/verify'],
    ['GET', 'sys/rotate/recovery/backup'],
  ] as const) {
    const body = method === 'PUT' ? {} : undefined;
    await refused('recovery rekeying not supported', method, path, body, inner.root);
    assert.equal((await ask(method, path, body)).status, 403, path);
  }
});

test('audited, with no word of a share, a password or a new key', async () => {
  const log = readFileSync(auditFile, 'utf8');
  for (const path of ['sys/rekey/init', 'sys/rekey/update', 'sys/rekey/verify', 'sys/generate-root/update'])
    assert.ok(log.includes(`"path":"${path}"`), path);
  for (const key of shares) {
    assert.equal(log.includes(key), false);
    assert.equal(log.includes(Buffer.from(key, 'hex').toString('base64')), false);
  }
});

test('sealed, nothing of it answers', async () => {
  await well('PUT', 'sys/seal', undefined, inner.root);
  for (const path of ['sys/rekey/init', 'sys/generate-root/attempt'])
    for (const method of ['GET', 'PUT', 'DELETE']) assert.equal((await ask(method, path)).status, 503);
});
