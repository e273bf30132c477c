/**
 * The seal: keeps the root key closed under a key that is split by Shamir, and opens the barrier once enough shares were given.
 *
 * Two records, neither behind the barrier: `seal` (JSON: shares, threshold, and the root key under the seal key) and `keyring` (a record of term 1
 * under the root key).
 *
 * @module
 */
import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';
import { badRequest, CodedError } from '../model/errors.ts';
import { SHARES_MAX, TERM_SLICE } from '../model/limits.ts';
import { Conflict, type Storage } from '../model/storage.ts';
import { type Barrier, makeBarrier } from './barrier.ts';
import {
  decodeKeyring,
  encodeKeyring,
  type Keyring,
  newKeyring,
  OPERATIONS_MAX,
  wipeKeyring,
  withDebit,
  withNewTerm,
} from './keyring.ts';
import { openRecord, sealRecord } from './record.ts';
import { combine, split } from './shamir.ts';

const SEAL_PATH = 'seal';
const KEYRING_PATH = 'keyring';
const KEYRING_TERM = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SealStatus {
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** 0 where not initialised, as is `shares`. */
  readonly threshold: number;
  readonly shares: number;
  readonly progress: number;
  /** UUID of the unseal under way; '' where there is none. */
  readonly nonce: string;
}

export interface KeyStatus {
  readonly term: number;
  readonly installedAtMs: number;
  /** Made under this term since it was installed; after a crash at most one slice too many. */
  readonly encryptions: number;
}

export interface Seal {
  readonly barrier: Barrier;
  initialized(): Promise<boolean>;
  status(): Promise<SealStatus>;
  /**
   * Makes the keys of a new store and leaves the barrier open.
   * @returns shares, for the caller to wipe: with one share the seal key itself, 32 bytes; else 33 bytes each.
   * @throws CodedError `bad_request` where it is initialised, or the numbers do not fit.
   */
  init(config: { shares: number; threshold: number }): Promise<{ keys: Uint8Array[] }>;
  /** Gives one share; opens the barrier with the last one needed. @throws CodedError `bad_request` where the shares do not open it; they are forgotten. */
  unseal(share: Uint8Array): Promise<SealStatus>;
  resetUnseal(): void;
  /** Closes the barrier and wipes all keys. */
  seal(): Promise<void>;
  /** A new term; old ones stay, for what is stored under them. */
  rotate(): Promise<void>;
  keyStatus(): KeyStatus;
  /** Reads the keyring again, as another node may have made a term. */
  reloadKeyring(): Promise<void>;
}

interface SealRecord {
  readonly format: 1;
  readonly type: 'shamir';
  readonly secret_shares: number;
  readonly secret_threshold: number;
  /** Base64 of nonce, ciphertext and tag: AES-256-GCM under the seal key. */
  readonly root_key: string;
}

export interface SealOptions {
  readonly storage: Storage;
  randomBytes(bytes: number): Buffer;
  now(): number;
  fault(what: string, error: unknown): void;
}

export function makeSeal({ storage, randomBytes, now, fault }: SealOptions): Seal {
  let keyring: Keyring | undefined;
  let keyringVersion = 0;
  /** Encryptions made under the active term, and how many of them storage knows to be possible. */
  let spent = 0;
  let given: Uint8Array[] = [];
  let nonce = '';
  let writing: Promise<unknown> = Promise.resolve();
  let debiting = false;
  const barrier = makeBarrier(randomBytes, countEncryption);

  function countEncryption(): void {
    const debited = keyring!.terms.get(keyring!.activeTerm)!.encryptions;
    if (spent >= debited) throw new CodedError('overloaded');
    spent++;
    if (debited - spent < TERM_SLICE / 2 && !debiting) {
      debiting = true;
      extend()
        .catch((error: unknown) => fault('term budget', error))
        .finally(() => {
          debiting = false;
        });
    }
  }

  /** One more slice for the active term, or a new term where it has had all it may. */
  async function extend(): Promise<void> {
    const active = keyring?.terms.get(keyring.activeTerm);
    if (!active) return;
    if (active.encryptions + TERM_SLICE > OPERATIONS_MAX) await rotate();
    else
      await writeKeyring((current) =>
        withDebit(current, current.terms.get(current.activeTerm)!.encryptions + TERM_SLICE),
      );
  }

  /** Changes the keyring in storage, then here. One change at a time. */
  function writeKeyring(change: (current: Keyring) => Keyring, alreadySpent?: number): Promise<void> {
    const step = async () => {
      if (!keyring) throw new CodedError('sealed');
      const next = change(keyring);
      keyringVersion = await commitKeyring(next, keyringVersion);
      take(next, alreadySpent);
    };
    const done = writing.then(step, step);
    writing = done.catch(() => {});
    return done;
  }

  async function commitKeyring(next: Keyring, version: number): Promise<number> {
    const plain = encodeKeyring(next);
    try {
      const value = sealRecord(KEYRING_TERM, next.rootKey, randomBytes(NONCE_BYTES), KEYRING_PATH, plain);
      return await storage.commit([{ path: KEYRING_PATH, value }], [{ path: KEYRING_PATH, version }]);
    } catch (error) {
      if (error instanceof Conflict)
        throw new CodedError('conflict', 'the keyring was changed by another node; try again');
      throw error;
    } finally {
      plain.fill(0);
    }
  }

  /** @param alreadySpent - of the active term's budget; unchanged where absent. */
  function take(next: Keyring, alreadySpent = spent): void {
    spent = alreadySpent;
    keyring = next;
    barrier.use(next);
  }

  async function rotate(): Promise<void> {
    // The new term begins with its first slice: it has to encrypt at once.
    await writeKeyring((current) => withDebit(withNewTerm(current, randomBytes(32), now()), TERM_SLICE), 0);
  }

  async function readSeal(): Promise<SealRecord | undefined> {
    const stored = await storage.get(SEAL_PATH);
    if (!stored) return undefined;
    const record = JSON.parse(Buffer.from(stored.value).toString()) as SealRecord;
    if (record.format !== 1 || record.type !== 'shamir')
      throw new Error('the seal was written by a later release');
    return record;
  }

  async function openKeyring(rootKey: Buffer): Promise<void> {
    const stored = await storage.get(KEYRING_PATH);
    if (!stored) throw new CodedError('internal', 'the store has a seal but no keyring');
    const plain = openRecord(rootKey, KEYRING_PATH, stored.value);
    try {
      keyringVersion = stored.version;
      const next = decodeKeyring(plain);
      // What was debited before, by us or by others, may have been spent.
      const isNew = next.activeTerm !== keyring?.activeTerm;
      take(next, isNew ? next.terms.get(next.activeTerm)!.encryptions : spent);
    } finally {
      plain.fill(0);
    }
  }

  async function status(): Promise<SealStatus> {
    const record = await readSeal();
    return {
      initialized: record !== undefined,
      sealed: !barrier.isOpen,
      threshold: record?.secret_threshold ?? 0,
      shares: record?.secret_shares ?? 0,
      progress: given.length,
      nonce,
    };
  }

  function resetUnseal(): void {
    for (const share of given) share.fill(0);
    given = [];
    nonce = '';
  }

  async function openWith(record: SealRecord, shares: readonly Uint8Array[]): Promise<void> {
    let sealKey: Uint8Array | undefined;
    let rootKey: Buffer | undefined;
    try {
      sealKey = record.secret_shares === 1 ? Uint8Array.from(shares[0]!) : combine(shares);
      rootKey = openUnder(sealKey, Buffer.from(record.root_key, 'base64'));
    } catch {
      throw badRequest('unseal failed, invalid key');
    } finally {
      sealKey?.fill(0);
    }
    try {
      await openKeyring(rootKey);
    } finally {
      rootKey.fill(0);
    }
    // What an earlier process debited it may have spent: this one begins behind it, with a slice of its own.
    await extend();
  }

  return {
    barrier,
    initialized: async () => (await readSeal()) !== undefined,
    status,
    async init({ shares, threshold }) {
      checkShares(shares, threshold);
      const fresh = newKeyring(randomBytes, now());
      const sealKey = randomBytes(32);
      try {
        const record: SealRecord = {
          format: 1,
          type: 'shamir',
          secret_shares: shares,
          secret_threshold: threshold,
          root_key: sealUnder(sealKey, fresh.rootKey, randomBytes(NONCE_BYTES)).toString('base64'),
        };
        const plain = encodeKeyring(withDebit(fresh, TERM_SLICE));
        const value = sealRecord(KEYRING_TERM, fresh.rootKey, randomBytes(NONCE_BYTES), KEYRING_PATH, plain);
        plain.fill(0);
        // Both or neither: a seal without its keyring could never be opened.
        const changes = [
          { path: SEAL_PATH, value: Buffer.from(JSON.stringify(record)) },
          { path: KEYRING_PATH, value },
        ];
        const absent = changes.map(({ path }) => ({ path, version: 0 }));
        try {
          keyringVersion = await storage.commit(changes, absent);
        } catch (error) {
          if (error instanceof Conflict) throw badRequest('Vault is already initialized');
          throw error;
        }
        take(withDebit(fresh, TERM_SLICE), 0);
        const keys =
          shares === 1 ? [Uint8Array.from(sealKey)] : split(sealKey, shares, threshold, randomBytes);
        return { keys };
      } finally {
        sealKey.fill(0);
      }
    },
    async unseal(share) {
      const record = await readSeal();
      if (!record) throw new CodedError('not_initialized');
      if (barrier.isOpen) return status();
      if (!given.some((other) => other.length === share.length && timingSafeEqual(other, share))) {
        if (given.length === 0) nonce = uuid(randomBytes(16));
        given.push(Uint8Array.from(share));
      }
      if (given.length >= record.secret_threshold) {
        try {
          await openWith(record, given);
        } finally {
          resetUnseal();
        }
      }
      return status();
    },
    resetUnseal,
    async seal() {
      await writing;
      resetUnseal();
      barrier.use(undefined);
      if (keyring) wipeKeyring(keyring);
      keyring = undefined;
    },
    rotate,
    keyStatus() {
      if (!keyring) throw new CodedError('sealed');
      const { installedAtMs } = keyring.terms.get(keyring.activeTerm)!;
      return { term: keyring.activeTerm, installedAtMs, encryptions: spent };
    },
    async reloadKeyring() {
      if (!keyring) throw new CodedError('sealed');
      await openKeyring(Buffer.from(keyring.rootKey));
    },
  };
}

function checkShares(shares: number, threshold: number): void {
  const wrong = (what: string) => badRequest(`invalid seal configuration: ${what}`);
  if (shares < 1) throw wrong('shares must be at least one');
  if (threshold < 1) throw wrong('threshold must be at least one');
  if (shares > 1 && threshold === 1) throw wrong('threshold must be greater than one for multiple shares');
  if (shares > SHARES_MAX) throw wrong(`shares must be less than ${SHARES_MAX + 1}`);
  if (threshold > shares) throw wrong('threshold cannot be larger than shares');
}

function sealUnder(key: Uint8Array, plain: Uint8Array, nonce: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openUnder(key: Uint8Array, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  return Buffer.concat([
    decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)),
    decipher.final(),
  ]);
}

/** A version 4 UUID of 16 random bytes. */
function uuid(bytes: Buffer): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
