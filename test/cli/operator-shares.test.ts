/** Root tokens and rekeys on the command line. Lines, members and exit codes: Vault's documentation, commands/operator. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';
import { pgpPair } from '../support/pgp.ts';
import { testFolder } from '../support/test-folder.ts';
import { runInProcess } from './in-process.ts';

const dir = testFolder('shares');
let inner: InnerCoffer;
/** Base64, in force. */
let shares: string[];
before(async () => {
  inner = await startInnerCoffer({ shares: 3, threshold: 2 });
  shares = inner.keys.map((key) => Buffer.from(key).toString('base64'));
});
after(() => inner.coffer.stop());

/** Without a token: nothing of this needs one. */
const run = (args: string[], stdin = '', token = '') =>
  runInProcess(
    ['operator', ...args],
    { COFFER_ARGV0: 'vault', HOME: dir, VAULT_ADDR: inner.address, VAULT_TOKEN: token },
    stdin,
  );

async function well(args: string[], stdin = '', token = ''): Promise<string> {
  const { exit, stdout, stderr } = await run(args, stdin, token);
  assert.equal(exit, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

const cell = (text: string, key: string) => new RegExp(`^${key} +(.*)$`, 'm').exec(text)?.[1];

test('a root token: password drawn, begun, shares by argument and standard input, decoded', async () => {
  const otp = await well(['generate-root', '-generate-otp']);
  assert.match(otp, /^\w{28}$/);
  const begun = await well(['generate-root', '-init', `-otp=${otp}`]);
  const nonce = cell(begun, 'Nonce')!;
  assert.match(
    begun,
    /^Nonce +[\da-f-]{36}\nStarted +true\nProgress +0\/2\nComplete +false\nOTP Length +28\n$/,
  );
  const first = await well(['generate-root', `-nonce=${nonce}`, shares[0]!]);
  assert.equal(cell(first, 'Progress'), '1/2');
  assert.equal(cell(await well(['generate-root', '-status']), 'Progress'), '1/2');
  const last = await well(['generate-root', `-nonce=${nonce}`, '-'], `${shares[2]}\n`);
  assert.equal(cell(last, 'Complete'), 'true');
  const encoded = cell(last, 'Encoded Token')!;
  const token = await well(['generate-root', `-decode=${encoded}`, `-otp=${otp}`]);
  assert.match(token, /^hvs\.\w{24}$/);
  assert.equal(
    (await inner.ask('GET', 'auth/token/lookup-self', undefined, token)).body.data.path,
    'auth/token/root',
  );
  assert.equal(await well(['generate-root', '-decode=-', `-otp=${otp}`], encoded), token);
  const json = await well(['generate-root', `-decode=${encoded}`, `-otp=${otp}`, '-format=json']);
  assert.deepEqual(JSON.parse(json), { token });
});

test('the password that the server draws is shown once, with a word that it is needed', async () => {
  const { stdout, stderr } = await run(['generate-root', '-init']);
  assert.match(cell(stdout, 'OTP')!, /^\w{28}$/);
  assert.match(stderr, /one-time password was drawn/);
  const json = JSON.parse(await well(['generate-root', '-status', '-format=json']));
  assert.deepEqual(Object.keys(json), [
    ...['nonce', 'started', 'progress', 'required', 'complete', 'encoded_token', 'encoded_root_token'],
    ...['pgp_fingerprint', 'otp', 'otp_length'],
  ]);
  assert.equal(json.otp, '');
  const { exit, stderr: refused } = await run(['generate-root', '-cancel']);
  assert.equal(exit, 2);
  assert.match(refused, /^Error canceling root token generation: [\s\S]*needs the nonce of the operation/);
  assert.equal(
    await well(['generate-root', '-cancel', `-nonce=${json.nonce}`]),
    'Success! Root token generation canceled (if it was started)\n',
  );
  const none = await run(['generate-root', shares[0]!]);
  assert.equal(none.exit, 1);
  assert.match(
    none.stderr,
    /^No root generation is in progress\. Start a root generation by running "vault\s+operator\s+generate-root -init"\./,
  );
});

test('what cannot be: exit code 1, and nothing is asked', async () => {
  for (const [args, text] of [
    [
      ['generate-root', '-init', '-otp=a', '-pgp-key=b'],
      'Error initializing: cannot specify both -otp and -pgp-key',
    ],
    [
      ['generate-root', '-init', '-pgp-key=keybase:ada'],
      'keybase: names are not looked up; give a file with the key',
    ],
    [['generate-root', '-decode=AAAA'], 'Missing otp: use -otp to supply it'],
    [['generate-root', '-decode=AAAA', '-otp=a'], 'Error decoding root token: error xoring token'],
    [['generate-root', 'a', 'b'], 'Too many arguments (expected 0-1, got 2)'],
    [['rekey', '-target=moon'], 'Unknown target: moon'],
    [['rekey', '-init', '-pgp-keys=/none/such'], 'no such file'],
  ] as const) {
    const { exit, stderr } = await run([...args]);
    assert.equal(exit, 1, args.join(' '));
    assert.ok(stderr.includes(text), stderr);
  }
});

test('a rekey with verification: Vault’s rows at each step', async () => {
  assert.match(await well(['rekey', '-status']), /^Key +Value\n--- +-----\nNonce +n\/a\nStarted +false\n$/);
  const init = ['rekey', '-init', '-key-shares=2', '-key-threshold=2', '-verify'];
  const begun = await run(init);
  assert.match(begun.stderr, /^WARNING! The new unseal keys are shown once/);
  const { stdout } = begun;
  assert.match(
    stdout,
    /^Key +Value\n--- +-----\nNonce +[\da-f-]{36}\nStarted +true\nRekey Progress +0\/2\nNew Shares +2\nNew Threshold +2\nVerification Required +true\n$/,
  );
  const nonce = cell(stdout, 'Nonce')!;
  assert.equal(cell(await well(['rekey', `-nonce=${nonce}`, shares[0]!]), 'Rekey Progress'), '1/2');
  const done = await well(['rekey', `-nonce=${nonce}`, '-'], shares[1]!);
  const fresh = [1, 2].map((i) => new RegExp(`^Key ${i}: (\\S{44})$`, 'm').exec(done)![1]!);
  assert.match(done, new RegExp(`^Operation nonce: ${nonce}$`, 'm'));
  assert.match(
    done.replaceAll('\n', ' '),
    /Vault has created a new unseal key, split into 2 key shares and a key threshold of 2\./,
  );
  const verification = cell(done, 'Verification Nonce')!;
  assert.equal(cell(done, 'Verification Progress'), '0/2');
  const json = JSON.parse(await well(['rekey', '-verify', '-status', '-format=json']));
  assert.deepEqual(json, { nonce: verification, started: true, t: 2, n: 2, progress: 0 });
  const one = await well(['rekey', '-verify', `-nonce=${verification}`, fresh[0]!]);
  assert.equal(cell(one, 'Verification Progress'), '1/2');
  const verified = await well(['rekey', '-verify', `-nonce=${verification}`, fresh[1]!]);
  assert.match(verified, /^Rekey verification successful\./);
  shares = fresh;
});

test('a rekey to PGP keys in files, kept and deleted', async () => {
  const holder = await pgpPair();
  const file = join(dir, 'ada.asc');
  writeFileSync(file, holder.armored);
  const init = ['rekey', '-init', '-n=2', '-t=2', `-pgp-keys=${file},${file}`, '-backup', '-format=json'];
  const begun = JSON.parse(await well(init));
  assert.deepEqual(begun.pgp_fingerprints, [holder.fingerprint, holder.fingerprint]);
  await well(['rekey', `-nonce=${begun.nonce}`, shares[0]!]);
  const done = await well(['rekey', `-nonce=${begun.nonce}`, shares[1]!]);
  const fresh = [];
  for (const i of [1, 2]) {
    const line = new RegExp(`^Key ${i} fingerprint: ${holder.fingerprint}; value: (\\S+)$`, 'm');
    fresh.push(await holder.open(Buffer.from(line.exec(done)![1]!, 'base64')));
  }
  assert.match(
    done.replaceAll('\n', ' '),
    /Vault unseal keys rekeyed to 2 key shares and a key threshold of 2\./,
  );
  const kept = JSON.parse(await well(['rekey', '-backup-retrieve', '-format=json'], '', inner.root));
  assert.equal(kept.keys[holder.fingerprint].length, 2);
  assert.equal(
    await well(['rekey', '-backup-delete'], '', inner.root),
    'Success! Deleted backed up keys (if they existed)\n',
  );
  assert.equal((await run(['rekey', '-backup-retrieve'], '', inner.root)).exit, 2);
  shares = fresh;
});

test('a rekey for machines', async () => {
  const begun = JSON.parse(await well(['rekey', '-init', '-n=1', '-t=1', '-format=json']));
  assert.deepEqual(Object.keys(begun), [
    ...['nonce', 'started', 't', 'n', 'progress', 'required', 'pgp_fingerprints', 'backup'],
    ...['verification_required', 'verification_nonce'],
  ]);
  const one = JSON.parse(await well(['rekey', '-format=json', `-nonce=${begun.nonce}`, shares[0]!]));
  assert.equal(one.progress, 1);
  const done = JSON.parse(await well(['rekey', '-format=json', `-nonce=${begun.nonce}`, shares[1]!]));
  assert.deepEqual(Object.keys(done), [
    ...['nonce', 'complete', 'keys', 'keys_base64', 'pgp_fingerprints', 'backup', 'verification_required'],
  ]);
  shares = done.keys_base64;
  assert.equal(shares.length, 1);
});

test('ended with its nonce, or with a token; the recovery target is refused', async () => {
  const { nonce } = JSON.parse(await well(['rekey', '-init', '-n=1', '-t=1', '-format=json']));
  assert.equal((await run(['rekey', '-cancel'])).exit, 2);
  assert.equal(
    await well(['rekey', '-cancel', `-nonce=${nonce}`]),
    'Success! Canceled rekeying (if it was started)\n',
  );
  await well(['rekey', '-init', '-n=1', '-t=1']);
  await well(['rekey', '-cancel'], '', inner.root);
  const none = await run(['rekey', `-nonce=${nonce}`, shares[0]!]);
  assert.equal(none.exit, 1);
  assert.match(
    none.stderr,
    /^No rekey is in progress\. Start a rekey process by running "vault operator\s+rekey -init"/,
  );
  const recovery = await run(['rekey', '-target=recovery', '-status']);
  assert.equal(recovery.exit, 2);
  assert.match(recovery.stderr, /^Error reading rekey status: [\s\S]*recovery rekeying not supported/);
});

test('without a terminal a share is not asked for', async () => {
  await well(['rekey', '-init', '-n=1', '-t=1']);
  const { exit, stdout, stderr } = await run(['rekey']);
  assert.equal(exit, 1);
  assert.match(stdout, /^Rekey operation nonce: [\da-f-]{36}\nUnseal Key \(will be hidden\): \n$/);
  assert.match(stderr, /file descriptor 0 is not a terminal\n$/);
  const refused = await run(['rekey', '-non-interactive']);
  assert.match(refused.stderr, /^Refusing to read from stdin with -non-interactive specified/);
  const nonceless = await run(['rekey', shares[0]!]);
  assert.equal(nonceless.stderr, 'Missing nonce value: specify it via the -nonce flag\n');
});
