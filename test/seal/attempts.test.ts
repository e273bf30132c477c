/** Attempts with shares, on a real seal and actors over a store in memory, under a clock of their own. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ATTEMPT_MS, MINUTE_MS, REKEY_VERIFY_MS, WRONG_SHARES_MAX } from '../../src/model/limits.ts';
import { makeAttemptsActor } from '../../src/seal/attempts/actor.ts';
import { makeSealAttempts, type SealAttempts } from '../../src/seal/attempts/attempts.ts';
import { makeGivenShares } from '../../src/seal/attempts/given-shares.ts';
import type { SealDraft } from '../../src/seal/rekeying.ts';
import { makeSeal } from '../../src/seal/seal.ts';
import { makeSealedStorage } from '../../src/seal/sealed-storage.ts';
import { startCluster } from '../support/cluster.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { pgpPair } from '../support/pgp.ts';

const OTP = 'abcdefghijklmnopqrstuvwxyzAB';
const TOKEN = 'hvs.0123456789abcdefghijklmn';
const WANTED = { shares: 3, threshold: 2, pgpKeys: [], backup: false, verify: false };

async function world() {
  const storage = makeMemoryStorage();
  const clock = { ms: 1_000_000_000 };
  const seal = makeSeal({ storage, randomBytes, now: () => clock.ms });
  const shares = await seal.init({ shares: 3, threshold: 2 });
  const made: string[] = [];
  const hooks: { install?: (draft: SealDraft) => Promise<void> } = {};
  /** As another node would have them: the same store, another memory. */
  function start() {
    const install = async (draft: SealDraft, before: string) => {
      await hooks.install?.(draft);
      await seal.rekeying.install(draft, before);
    };
    const actor = makeAttemptsActor({ rekeying: seal.rekeying, install });
    const cluster = startCluster(makeSealedStorage(storage, seal.barrier), [actor.kind], () => clock.ms);
    const attempts = makeSealAttempts({
      actor,
      rekeying: seal.rekeying,
      cluster,
      install,
      makeRootToken: async () => {
        made.push(TOKEN);
        return TOKEN;
      },
      nonce: randomUUID,
    });
    return { attempts, cluster };
  }
  return { storage, clock, seal, shares, made, hooks, start, ...start() };
}

const refused =
  (text: string | RegExp, status = 400) =>
  (error: { messages: string[]; status: number }) => {
    assert.equal(error.status, status);
    if (typeof text === 'string') assert.equal(error.messages[0], text);
    else assert.match(error.messages[0]!, text);
    return true;
  };
const WRONG = refused('invalid key: it is no share of the key in question');

async function nonceOf(attempts: SealAttempts, name: 'rekey' | 'generate-root'): Promise<string> {
  return (await attempts.show(name)).attempt?.nonce ?? '';
}

const by = (nonce: string, share: Uint8Array, isTrusted = false) => ({ nonce, share, isTrusted });

test('a root token for enough shares, XORed with the password; the attempt is over then', async () => {
  const { attempts, shares, made } = await world();
  await attempts.startRoot({ otp: OTP, pgpKey: '' });
  const nonce = await nonceOf(attempts, 'generate-root');
  assert.deepEqual(await attempts.giveForRoot(by(nonce, shares[0]!)), {
    progress: 1,
    required: 2,
    complete: false,
    fingerprint: '',
    encodedToken: '',
  });
  assert.equal((await attempts.show('generate-root')).progress, 1);
  assert.deepEqual(made, []);
  const { complete, encodedToken } = await attempts.giveForRoot(by(nonce, shares[2]!));
  assert.equal(complete, true);
  assert.doesNotMatch(encodedToken, /=/);
  const token = Buffer.from(encodedToken, 'base64').map((byte, i) => byte ^ OTP.charCodeAt(i));
  assert.equal(Buffer.from(token).toString(), TOKEN);
  assert.deepEqual(made, [TOKEN]);
  await assert.rejects(
    attempts.giveForRoot(by(nonce, shares[1]!)),
    refused('no root generation in progress'),
  );
});

test('a root token encrypted to a PGP key', async () => {
  const { attempts, shares } = await world();
  const holder = await pgpPair();
  await attempts.startRoot({ otp: '', pgpKey: holder.text });
  const nonce = await nonceOf(attempts, 'generate-root');
  await attempts.giveForRoot(by(nonce, shares[0]!));
  const { fingerprint, encodedToken } = await attempts.giveForRoot(by(nonce, shares[1]!));
  assert.equal(fingerprint, holder.fingerprint);
  assert.equal(await holder.open(Buffer.from(encodedToken, 'base64')), TOKEN);
});

test('no password, one of another length, and no key: refused, and nothing has begun', async () => {
  const { attempts } = await world();
  const asked = [
    [{ otp: '', pgpKey: '' }, 'otp or pgp_key parameter must be provided'],
    [{ otp: OTP.slice(1), pgpKey: '' }, 'OTP string has incorrect length'],
    [{ otp: `${OTP.slice(1)}é`, pgpKey: '' }, 'OTP string has incorrect length'],
    [{ otp: '', pgpKey: 'AAAA' }, /it is not one OpenPGP key/],
  ] as const;
  for (const [wanted, text] of asked) await assert.rejects(attempts.startRoot(wanted), refused(text));
  assert.equal((await attempts.show('generate-root')).attempt, undefined);
});

test('the password is shown to nobody, and rests neither in the clear nor with the shares', async () => {
  const { attempts, shares, storage } = await world();
  await attempts.startRoot({ otp: OTP, pgpKey: '' });
  const { attempt } = await attempts.show('generate-root');
  assert.equal(JSON.stringify(attempt).includes(OTP), false);
  await attempts.giveForRoot(by(attempt!.nonce, shares[0]!));
  for (const { value } of storage.records.values())
    for (const secret of [OTP, Buffer.from(shares[0]!).toString('base64'), Buffer.from(shares[0]!)])
      assert.equal(Buffer.from(value).includes(secret), false);
});

test('what one gives does not count twice, nor under another nonce', async () => {
  const { attempts, shares } = await world();
  await attempts.startRekey(WANTED);
  const nonce = await nonceOf(attempts, 'rekey');
  await attempts.giveForRekey(by(nonce, shares[0]!));
  await assert.rejects(
    attempts.giveForRekey(by(nonce, shares[0]!)),
    refused('given key has already been provided during this generation operation'),
  );
  await assert.rejects(
    attempts.giveForRekey(by(randomUUID(), shares[1]!)),
    refused(`incorrect nonce supplied; nonce for this rekey operation is "${nonce}"`),
  );
  assert.equal((await attempts.show('rekey')).progress, 1);
});

test('a share of another seal, or none, is refused at once and does not disturb the count', async () => {
  const { attempts, shares, seal } = await world();
  await attempts.startRekey(WANTED);
  const nonce = await nonceOf(attempts, 'rekey');
  await attempts.giveForRekey(by(nonce, shares[0]!));
  const foreign = seal.rekeying.draw(WANTED).shares[0]!;
  for (const share of [foreign, randomBytes(33), randomBytes(32)])
    await assert.rejects(attempts.giveForRekey(by(nonce, share)), WRONG);
  await assert.rejects(
    attempts.giveForRekey(by(nonce, randomBytes(15))),
    refused('key is shorter than minimum 16 bytes'),
  );
  await assert.rejects(
    attempts.giveForRekey(by(nonce, randomBytes(34))),
    refused('key is longer than maximum 33 bytes'),
  );
  assert.equal((await attempts.show('rekey')).progress, 1);
  assert.equal((await attempts.giveForRekey(by(nonce, shares[1]!)))?.keys.length, 3);
});

test('ten wrong shares a minute, whatever they are for; then nobody is let try but who has authority', async () => {
  const { attempts, shares, clock } = await world();
  await attempts.startRekey(WANTED);
  await attempts.startRoot({ otp: OTP, pgpKey: '' });
  const rekey = await nonceOf(attempts, 'rekey');
  const root = await nonceOf(attempts, 'generate-root');
  for (let i = 0; i < WRONG_SHARES_MAX; i++) {
    const giving = by(i % 2 ? rekey : root, randomBytes(33));
    await assert.rejects(i % 2 ? attempts.giveForRekey(giving) : attempts.giveForRoot(giving), WRONG);
  }
  assert.equal(WRONG_SHARES_MAX, 10);
  const tooMany = refused('too many wrong shares were given; try again in a minute', 429);
  await assert.rejects(attempts.giveForRekey(by(rekey, randomBytes(33))), tooMany);
  await assert.rejects(attempts.giveForRekey(by(rekey, shares[0]!)), tooMany);
  await assert.rejects(attempts.giveForRoot(by(root, shares[0]!)), tooMany);
  assert.equal(await attempts.giveForRekey(by(rekey, shares[0]!, true)), undefined);
  clock.ms += MINUTE_MS - 1;
  await assert.rejects(attempts.giveForRekey(by(rekey, shares[1]!)), tooMany);
  clock.ms += 1;
  assert.notEqual(await attempts.giveForRekey(by(rekey, shares[1]!)), undefined);
});

for (const name of ['rekey', 'generate-root'] as const) {
  const start = (attempts: SealAttempts) =>
    name === 'rekey' ? attempts.startRekey(WANTED) : attempts.startRoot({ otp: OTP, pgpKey: '' });
  const give = (attempts: SealAttempts, nonce: string, share: Uint8Array) =>
    name === 'rekey' ? attempts.giveForRekey(by(nonce, share)) : attempts.giveForRoot(by(nonce, share));

  test(`${name}: until a share proved right the next beginner takes its place; then none does`, async () => {
    const { attempts, shares } = await world();
    await start(attempts);
    const first = await nonceOf(attempts, name);
    await assert.rejects(give(attempts, first, randomBytes(33)), WRONG);
    await start(attempts);
    const second = await nonceOf(attempts, name);
    assert.notEqual(first, second);
    await assert.rejects(give(attempts, first, shares[0]!), refused(/incorrect nonce supplied/));
    await give(attempts, second, shares[0]!);
    await assert.rejects(start(attempts), refused(/already in progress/));
    assert.equal(await nonceOf(attempts, name), second);
    assert.equal((await attempts.show(name)).progress, 1);
  });

  test(`${name}: it lapses ten minutes after its beginning, or its last right share`, async () => {
    const { attempts, shares, clock } = await world();
    await start(attempts);
    const nonce = await nonceOf(attempts, name);
    clock.ms += ATTEMPT_MS - 1;
    assert.equal(await nonceOf(attempts, name), nonce);
    await give(attempts, nonce, shares[0]!);
    clock.ms += ATTEMPT_MS - 1;
    assert.equal((await attempts.show(name)).progress, 1);
    await assert.rejects(give(attempts, nonce, randomBytes(33)), WRONG);
    clock.ms += 1;
    assert.equal(await nonceOf(attempts, name), '');
    await assert.rejects(
      give(attempts, nonce, shares[1]!),
      refused(/no (barrier rekey|root generation) in progress/),
    );
    await start(attempts);
    assert.notEqual(await nonceOf(attempts, name), nonce);
    assert.equal((await attempts.show(name)).progress, 0);
  });

  test(`${name}: ended by its nonce, or by who has authority; else nothing changes`, async () => {
    const { attempts, shares } = await world();
    await start(attempts);
    const nonce = await nonceOf(attempts, name);
    await give(attempts, nonce, shares[0]!);
    const needs = refused('this needs the nonce of the operation, or a token with sudo on this path');
    for (const wrong of ['', randomUUID()])
      await assert.rejects(attempts.cancel(name, { nonce: wrong, isTrusted: false }), needs);
    assert.equal((await attempts.show(name)).progress, 1);
    await attempts.cancel(name, { nonce, isTrusted: false });
    assert.equal(await nonceOf(attempts, name), '');
    // Nothing to end: as in Vault no mistake.
    await attempts.cancel(name, { nonce: '', isTrusted: false });
    await start(attempts);
    await attempts.cancel(name, { nonce: '', isTrusted: true });
    assert.equal(await nonceOf(attempts, name), '');
  });

  test(`${name}: where another node takes over, nonce and wishes stay, and the shares are given again`, async () => {
    const { attempts, shares, start: startNode } = await world();
    await start(attempts);
    const nonce = await nonceOf(attempts, name);
    await give(attempts, nonce, shares[0]!);
    const other = startNode();
    assert.deepEqual(
      [await nonceOf(other.attempts, name), (await other.attempts.show(name)).progress],
      [nonce, 0],
    );
    await give(other.attempts, nonce, shares[1]!);
    await give(other.attempts, nonce, shares[0]!);
    assert.equal(await nonceOf(other.attempts, name), '');
  });

  test(`${name}: its timer takes it away, or puts itself off`, async () => {
    const { attempts, shares, clock, cluster, storage } = await world();
    await start(attempts);
    const nonce = await nonceOf(attempts, name);
    clock.ms += ATTEMPT_MS - 1;
    await give(attempts, nonce, shares[0]!);
    clock.ms += 1;
    const heads = () => storage.paths('a/').length + storage.paths('timer/').length;
    const before = heads();
    assert.ok(before > 0);
    await cluster.startTimers();
    assert.equal(await nonceOf(attempts, name), nonce);
    await cluster.stop();
    cluster.start();
    clock.ms += ATTEMPT_MS;
    await cluster.startTimers();
    for (let i = 0; storage.paths('timer/').length > 0; i++) {
      assert.ok(i < 500, 'the timer is still there');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(heads(), 0);
    assert.deepEqual(cluster.faults, []);
  });
}

test('shares are wiped where the node lets go of the attempt, and where it is over', async () => {
  const given = makeGivenShares();
  const share = Buffer.alloc(33, 7);
  given.add('a', share, 1);
  given.add('b', share, 1);
  share.fill(0);
  const [kept, dropped] = [given.of('a')[0]!, given.of('b')[0]!];
  given.keepOnly(new Set(['a']));
  assert.deepEqual([kept[0], dropped[0]], [7, 0]);
  given.clear();
  assert.equal(kept[0], 0);

  const { attempts, shares, cluster } = await world();
  await attempts.startRekey(WANTED);
  const nonce = await nonceOf(attempts, 'rekey');
  await attempts.giveForRekey(by(nonce, shares[0]!));
  await cluster.stop();
  cluster.start();
  const { attempt, progress } = await attempts.show('rekey');
  assert.deepEqual([attempt?.nonce, progress], [nonce, 0]);
});

test('a rekey: the new shares open the seal, the old ones do not', async () => {
  const { attempts, shares, seal } = await world();
  await attempts.startRekey({ ...WANTED, shares: 4, threshold: 3 });
  const nonce = await nonceOf(attempts, 'rekey');
  assert.equal(await attempts.giveForRekey(by(nonce, shares[0]!)), undefined);
  const done = await attempts.giveForRekey(by(nonce, shares[1]!));
  assert.deepEqual([done?.keys.length, done?.fingerprints, done?.verificationNonce], [4, [], undefined]);
  assert.equal(await seal.rekeying.proves(done!.keys.slice(1)), true);
  assert.equal(await seal.rekeying.proves(shares.slice(1)), false);
  assert.equal((await attempts.show('rekey')).required, 3);
  assert.equal((await attempts.show('rekey')).attempt, undefined);
});

test('what was begun under one seal is over under the next', async () => {
  const { attempts, shares } = await world();
  await attempts.startRoot({ otp: OTP, pgpKey: '' });
  const root = await nonceOf(attempts, 'generate-root');
  await attempts.giveForRoot(by(root, shares[0]!));
  await attempts.startRekey(WANTED);
  const nonce = await nonceOf(attempts, 'rekey');
  for (const share of shares.slice(0, 2)) await attempts.giveForRekey(by(nonce, share));
  await assert.rejects(attempts.giveForRoot(by(root, shares[1]!)), refused('no root generation in progress'));
});

test('shares encrypted to their holders, and kept until they are deleted', async () => {
  const { attempts, shares, seal } = await world();
  const holders = await Promise.all([pgpPair(), pgpPair()]);
  const pgpKeys = [holders[0]!.text, holders[1]!.text, holders[0]!.text];
  await attempts.startRekey({ ...WANTED, pgpKeys, backup: true });
  const { attempt } = await attempts.show('rekey');
  const fingerprints = [0, 1, 0].map((i) => holders[i]!.fingerprint);
  assert.deepEqual(attempt && 'fingerprints' in attempt && attempt.fingerprints, fingerprints);
  assert.equal(await attempts.backup(), undefined);
  await attempts.giveForRekey(by(attempt!.nonce, shares[0]!));
  const done = (await attempts.giveForRekey(by(attempt!.nonce, shares[2]!)))!;
  assert.deepEqual(done.fingerprints, fingerprints);
  const opened = [];
  for (const [i, key] of done.keys.entries()) opened.push(await holders[i === 1 ? 1 : 0]!.open(key));
  const fresh = opened.map((hex) => Buffer.from(hex, 'hex'));
  assert.equal(await seal.rekeying.proves(fresh.slice(1)), true);
  const hex = done.keys.map((key) => Buffer.from(key).toString('hex'));
  assert.deepEqual(await attempts.backup(), {
    nonce: attempt!.nonce,
    keys: { [fingerprints[0]!]: [hex[0], hex[2]], [fingerprints[1]!]: [hex[1]] },
  });
  await attempts.deleteBackup();
  assert.equal(await attempts.backup(), undefined);
});

test('a key that will not do begins no rekey', async () => {
  const { attempts } = await world();
  await assert.rejects(attempts.startRekey({ ...WANTED, pgpKeys: ['AAAA', 'AAAA', 'AAAA'] }), {
    status: 400,
  });
  assert.equal((await attempts.show('rekey')).attempt, undefined);
});

async function verifying() {
  const made = await world();
  const { attempts, shares } = made;
  await attempts.startRekey({ ...WANTED, verify: true });
  const nonce = await nonceOf(attempts, 'rekey');
  for (const share of shares.slice(0, 1)) await attempts.giveForRekey(by(nonce, share));
  const done = (await attempts.giveForRekey(by(nonce, shares[1]!)))!;
  return { ...made, nonce, fresh: done.keys, verification: done.verificationNonce! };
}

test('a verified rekey: the old shares are in force until enough of the new ones were given', async () => {
  const { attempts, shares, seal, nonce, fresh, verification } = await verifying();
  assert.equal(await seal.rekeying.proves(shares.slice(0, 2)), true);
  await assert.rejects(
    attempts.giveForRekey(by(nonce, shares[2]!)),
    refused(
      `rekey operation already finished; verification must be performed; nonce for the verification operation is "${verification}"`,
    ),
  );
  await assert.rejects(attempts.startRekey(WANTED), refused('rekey already in progress'));
  await assert.rejects(
    attempts.verify(by(nonce, fresh[0]!)),
    refused(`incorrect nonce supplied; nonce for this verify operation is "${verification}"`),
  );
  await assert.rejects(attempts.verify(by(verification, shares[0]!)), WRONG);
  assert.equal(await attempts.verify(by(verification, fresh[0]!)), false);
  await assert.rejects(
    attempts.verify(by(verification, fresh[0]!)),
    refused('given key has already been provided during this verify operation'),
  );
  assert.equal((await attempts.show('rekey')).verified, 1);
  assert.equal(await seal.rekeying.proves(shares.slice(0, 2)), true);
  assert.equal(await attempts.verify(by(verification, fresh[2]!)), true);
  assert.equal(await seal.rekeying.proves(shares.slice(0, 2)), false);
  assert.equal(await seal.rekeying.proves(fresh.slice(0, 2)), true);
  await assert.rejects(attempts.verify(by(verification, fresh[1]!)), refused('no barrier rekey in progress'));
});

test('the verification begins anew under another nonce, for who may', async () => {
  const { attempts, nonce, fresh, verification } = await verifying();
  await attempts.verify(by(verification, fresh[0]!));
  await assert.rejects(attempts.restartVerification({ nonce: '', isTrusted: false }), { status: 400 });
  await attempts.restartVerification({ nonce: verification, isTrusted: false });
  const { attempt, verified } = await attempts.show('rekey');
  const again = attempt && 'verification' in attempt ? attempt.verification!.nonce : '';
  assert.notEqual(again, verification);
  assert.equal(verified, 0);
  await assert.rejects(attempts.verify(by(verification, fresh[0]!)), { status: 400 });
  await attempts.restartVerification({ nonce, isTrusted: false });
  await attempts.restartVerification({ nonce: '', isTrusted: true });
  const last = (await attempts.show('rekey')).attempt;
  const now = last && 'verification' in last ? last.verification!.nonce : '';
  await attempts.verify(by(now, fresh[1]!));
  assert.equal(await attempts.verify(by(now, fresh[2]!)), true);
});

test('another node takes over a verification; it may take a day, and no longer', async () => {
  const { start, shares, clock, seal, fresh, verification, attempts } = await verifying();
  await attempts.verify(by(verification, fresh[0]!));
  const other = start();
  clock.ms += REKEY_VERIFY_MS - 1;
  assert.equal(await other.attempts.verify(by(verification, fresh[1]!)), false);
  assert.equal(await other.attempts.verify(by(verification, fresh[2]!)), true);
  assert.equal(await seal.rekeying.proves(fresh.slice(0, 2)), true);

  const late = await verifying();
  late.clock.ms += REKEY_VERIFY_MS;
  await assert.rejects(late.attempts.verify(by(late.verification, late.fresh[0]!)), { status: 400 });
  assert.equal(await late.seal.rekeying.proves(late.shares.slice(0, 2)), true);
  assert.equal(shares.length, 3);
});

test('where the new seal could not be put in force the last share may be given again', async () => {
  const { attempts, hooks, seal, fresh, verification } = await verifying();
  await attempts.verify(by(verification, fresh[0]!));
  hooks.install = async () => {
    hooks.install = undefined;
    throw Object.assign(new Error('away'), { status: 503 });
  };
  await assert.rejects(attempts.verify(by(verification, fresh[1]!)), { message: 'away' });
  assert.equal(await attempts.verify(by(verification, fresh[1]!)), true);
  assert.equal(await seal.rekeying.proves(fresh.slice(0, 2)), true);
});

test('an attempt of a store of an older build: shares count, and only enough of them prove anything', async () => {
  const { attempts, shares, storage } = await world();
  const record = JSON.parse(Buffer.from(storage.records.get('seal')!.value).toString());
  delete record.share_checks;
  await storage.commit([{ path: 'seal', value: Buffer.from(JSON.stringify(record)) }], []);
  await attempts.startRekey(WANTED);
  // Nobody knows whether it is right: it does not keep the next beginner out.
  await attempts.giveForRekey(by(await nonceOf(attempts, 'rekey'), randomBytes(33)));
  await attempts.startRekey(WANTED);
  const nonce = await nonceOf(attempts, 'rekey');
  await attempts.giveForRekey(by(nonce, shares[0]!));
  await assert.rejects(
    attempts.giveForRekey(by(nonce, randomBytes(33))),
    refused('root key verification failed'),
  );
  assert.equal((await attempts.show('rekey')).progress, 0);
  await attempts.giveForRekey(by(nonce, shares[0]!));
  assert.equal((await attempts.giveForRekey(by(nonce, shares[1]!)))?.keys.length, 3);
});
