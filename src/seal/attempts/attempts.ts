/**
 * Attempts with shares, as the node that was asked drives them: a root token, another seal. Asked for by anybody, done by whoever has enough
 * shares. What is secret and new (shares, root key, token) is made here and leaves with the answer alone; the actor is never told.
 *
 * @module
 */

import { encryptShares, readPgpKey, readPgpKeys } from '../../crypto/pgp.ts';
import { type Cluster, OWN_CLAIMS, type SendOptions } from '../../model/actor.ts';
import { badRequest } from '../../model/errors.ts';
import type { Ending, Giving, RekeyDone, RootGiven } from '../../model/seal.ts';
import { RekeyUnknown } from '../rekey-unknown.ts';
import type { Rekeying, SealDraft } from '../rekeying.ts';
import { ATTEMPTS_ID, type AttemptsActor, type Shown } from './actor.ts';
import type { AttemptName, Backup, RekeyAttempt, RekeyWanted, RootAttempt, RootWanted } from './state.ts';

/** As Vault's: a root token of its own takes as many characters. */
export const OTP_CHARS = 28;

export interface SealAttempts {
  show(name: AttemptName): Promise<Shown>;
  /** Reply what was begun. */
  startRoot(wanted: { otp: string; pgpKey: string }): Promise<Shown>;
  startRekey(wanted: Omit<RekeyWanted, 'fingerprints'>): Promise<Shown>;
  cancel(name: AttemptName, ending: Ending): Promise<void>;
  giveForRoot(giving: Giving): Promise<RootGiven>;
  /** Undefined: more are needed. */
  giveForRekey(giving: Giving): Promise<RekeyDone | undefined>;
  /** True: the new seal is in force. */
  verify(giving: Giving): Promise<boolean>;
  restartVerification(ending: Ending): Promise<void>;
  backup(): Promise<Backup | undefined>;
  deleteBackup(): Promise<void>;
}

export interface SealAttemptsOptions {
  readonly actor: AttemptsActor;
  readonly rekeying: Pick<Rekeying, 'draw'>;
  readonly cluster: Pick<Cluster, 'send'>;
  /** Puts a draft in force, and tells all nodes. */
  install(draft: SealDraft, before: string): Promise<void>;
  makeRootToken(): Promise<string>;
  nonce(): string;
}

/** Anybody may ask: the attempt's own rules decide. */
const OPEN: SendOptions = { claims: OWN_CLAIMS };

export function makeSealAttempts(options: SealAttemptsOptions): SealAttempts {
  const { actor, rekeying, cluster } = options;
  const { send } = cluster;

  async function finishRekey(attempt: RekeyAttempt): Promise<RekeyDone> {
    const { nonce, backup, verify } = attempt;
    const fingerprints = [...attempt.fingerprints];
    const draft = rekeying.draw(attempt);
    try {
      let keys: readonly Uint8Array[] = draft.shares;
      if (attempt.pgpKeys.length > 0) {
        keys = await encryptShares(draft.shares, await readPgpKeys(attempt.pgpKeys));
        for (const share of draft.shares) share.fill(0);
        if (backup) await send(actor.keepBackup, ATTEMPTS_ID, backupOf(nonce, fingerprints, keys), OPEN);
      }
      const done = { keys, fingerprints, backup };
      if (verify) {
        const verification = { nonce: options.nonce(), record: Buffer.from(draft.record).toString('base64') };
        await send(actor.awaitVerification, ATTEMPTS_ID, { nonce, verification }, OPEN);
        return { ...done, verificationNonce: verification.nonce };
      }
      try {
        await options.install(draft, attempt.seal);
      } catch (error) {
        if (!(error instanceof RekeyUnknown)) throw error;
        return { ...done, verificationNonce: undefined, warning: UNKNOWN };
      }
      return { ...done, verificationNonce: undefined };
    } finally {
      draft.rootKey.fill(0);
    }
  }

  async function encodedToken({ otp, pgpKey }: RootAttempt): Promise<string> {
    // First: a token that cannot be told to anybody must not be made.
    const holder = pgpKey === '' ? undefined : await readPgpKey(pgpKey);
    const token = Buffer.from(await options.makeRootToken());
    if (holder) return Buffer.from(await holder.encrypt(token)).toString('base64');
    return xor(token, Buffer.from(otp)).toString('base64').replace(/=+$/, '');
  }

  return {
    show: (name) => send(actor.show, ATTEMPTS_ID, name, OPEN),
    async startRoot({ otp, pgpKey }) {
      if (otp !== '') refuseOtp(otp);
      else if (pgpKey === '') throw badRequest('otp or pgp_key parameter must be provided');
      const fingerprint = otp === '' ? (await readPgpKey(pgpKey)).fingerprint : '';
      const wanted: RootWanted = { otp, pgpKey: otp === '' ? pgpKey : '', fingerprint };
      return send(actor.startRoot, ATTEMPTS_ID, { nonce: options.nonce(), wanted }, OPEN);
    },
    async startRekey(wanted) {
      const fingerprints = (await readPgpKeys(wanted.pgpKeys)).map(({ fingerprint }) => fingerprint);
      const params = { nonce: options.nonce(), wanted: { ...wanted, fingerprints } };
      return send(actor.startRekey, ATTEMPTS_ID, params, OPEN);
    },
    cancel: (name, ending) => send(actor.cancel, ATTEMPTS_ID, { name, ending }, OPEN),
    async giveForRoot(giving) {
      const given = await send(actor.give, ATTEMPTS_ID, { name: 'generate-root', giving }, OPEN);
      const { progress, required, complete } = given;
      const attempt = given.attempt as RootAttempt;
      const { fingerprint } = attempt;
      return {
        progress,
        required,
        complete,
        fingerprint,
        encodedToken: complete ? await encodedToken(attempt) : '',
      };
    },
    async giveForRekey(giving) {
      const given = await send(actor.give, ATTEMPTS_ID, { name: 'rekey', giving }, OPEN);
      return given.complete ? finishRekey(given.attempt as RekeyAttempt) : undefined;
    },
    verify: (giving) => send(actor.verify, ATTEMPTS_ID, giving, OPEN),
    restartVerification: (ending) =>
      send(actor.restartVerification, ATTEMPTS_ID, { fresh: options.nonce(), ending }, OPEN),
    backup: () => send(actor.backup, ATTEMPTS_ID, undefined, OPEN),
    deleteBackup: () => send(actor.deleteBackup, ATTEMPTS_ID, undefined, OPEN),
  };
}

const UNKNOWN =
  'the storage did not say whether these keys are in force: keep them and the former ones until one of both has unsealed a node';

/** XORed with the token it must cover all of it, byte for byte. */
function refuseOtp(otp: string): void {
  if (Buffer.byteLength(otp) !== OTP_CHARS) throw badRequest('OTP string has incorrect length');
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  if (a.length !== b.length) throw new Error('a token and its one-time password are not of one length');
  return Buffer.from(a.map((byte, i) => byte ^ b[i]!));
}

function backupOf(nonce: string, fingerprints: readonly string[], keys: readonly Uint8Array[]): Backup {
  const byHolder: Record<string, string[]> = {};
  for (const [i, key] of keys.entries()) {
    const holder = fingerprints[i]!;
    byHolder[holder] = [...(byHolder[holder] ?? []), Buffer.from(key).toString('hex')];
  }
  return { nonce, keys: byHolder };
}
