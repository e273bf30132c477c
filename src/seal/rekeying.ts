/**
 * Another seal in place of the one in force: new shares of a new unseal key, which encrypts a new root key, which encrypts the keyring. Seal and
 * keyring change in one commit (protocol §15): before it the old shares open the store, after it the new ones, and never both or neither.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import { CodedError } from '../model/errors.ts';
import type { Storage } from '../model/storage.ts';
import { drawSeal } from './drawn-seal.ts';
import type { KeyringStore } from './keyring-store.ts';
import {
  decodeSealConfig,
  encodeSealConfig,
  SEAL_PATH,
  type SealConfig,
  sealId,
  unwrapRootKey,
} from './seal-config.ts';
import { copySecret, drawKey, KEY_BYTES } from './secret-bytes.ts';
import { combine } from './shamir.ts';
import { isChecked } from './share-checks.ts';

/** A seal as it is stored. */
export interface SealInForce {
  /** Another one has another. */
  readonly id: string;
  readonly shares: number;
  readonly threshold: number;
}

/** A seal that is not in force yet. */
export interface SealDraft {
  /** As it is to be stored: nothing in it is secret. */
  readonly record: Uint8Array;
  /** What it encrypts. */
  readonly rootKey: Uint8Array;
}

/** All throw CodedError `sealed` while sealed. Shares and keys that are given stay the caller's. */
export interface Rekeying {
  inForce(): Promise<SealInForce>;
  /**
   * Is it a share of the seal in force, or of `record`? Undefined: the seal is of an older build, and one share alone tells nothing.
   */
  isShare(share: Uint8Array, record?: Uint8Array): Promise<boolean | undefined>;
  /** Do these, as many as the threshold, open the seal in force, and is what it holds the root key in use? */
  proves(shares: readonly Uint8Array[]): Promise<boolean>;
  /** A new seal, and its shares. Nothing is stored. The caller wipes shares and root key. */
  draw(config: { readonly shares: number; readonly threshold: number }): SealDraft & {
    readonly shares: Uint8Array[];
  };
  /** What these shares, as many as its threshold, open in a draft's record; undefined: nothing. The caller wipes it. */
  open(record: Uint8Array, shares: readonly Uint8Array[]): Uint8Array | undefined;
  /**
   * Puts a draft in force, in one commit. Done already, it succeeds.
   * @param before - id of the seal that it replaces.
   * @throws CodedError `bad_request` where another one is in force by now; RekeyUnknown where nobody knows.
   */
  install(draft: SealDraft, before: string): Promise<void>;
  /** The root key that the keyring may lie under from now on. Copied. */
  expect(rootKey: Uint8Array): void;
}

export interface RekeyingParts {
  readonly storage: Storage;
  readonly keys: KeyringStore;
  randomBytes(bytes: number): Uint8Array;
  /** The seal in force is known to be this one. */
  found(config: SealConfig): void;
}

export function makeRekeying({ storage, keys, randomBytes, found }: RekeyingParts): Rekeying {
  async function stored(): Promise<{ config: SealConfig; id: string; version: number }> {
    keys.current();
    const record = await storage.get(SEAL_PATH);
    if (record === undefined) throw new CodedError('not_initialized');
    const config = decodeSealConfig(record.value);
    found(config);
    return { config, id: sealId(record.value), version: record.version };
  }

  return {
    async inForce() {
      const { config, id } = await stored();
      return { id, shares: config.shares, threshold: config.threshold };
    },
    async isShare(share, record) {
      const { checks } = record ? decodeSealConfig(record) : (await stored()).config;
      return checks && isChecked(share, checks, keys.current().namesKey);
    },
    async proves(shares) {
      const { config } = await stored();
      const rootKey = opened(config, shares);
      if (rootKey === undefined) return false;
      const current = keys.current().rootKey;
      const isIt = rootKey.length === current.length && timingSafeEqual(rootKey, current);
      rootKey.fill(0);
      return isIt;
    },
    draw(wanted) {
      const { namesKey } = keys.current();
      const rootKey = drawKey(randomBytes);
      const { config, shares } = drawSeal(wanted, { rootKey, namesKey }, randomBytes);
      return { rootKey, shares, record: encodeSealConfig(config) };
    },
    open: (record, shares) => opened(decodeSealConfig(record), shares),
    async install({ record, rootKey }, before) {
      const { id, version } = await stored();
      if (id === sealId(record)) return;
      if (id !== before) throw new CodedError('bad_request', 'the unseal key was changed meanwhile');
      await keys.rekey(rootKey, { path: SEAL_PATH, value: record }, { path: SEAL_PATH, version });
      found(decodeSealConfig(record));
    },
    expect: keys.expect,
  };
}

/** @returns the root key, which the caller wipes; undefined where these shares do not open it. */
function opened(config: SealConfig, shares: readonly Uint8Array[]): Uint8Array | undefined {
  let kek: Uint8Array;
  try {
    kek = config.threshold === 1 ? copySecret(shares[0]!) : combine(shares);
  } catch {
    return undefined;
  }
  try {
    return kek.length === KEY_BYTES ? unwrapRootKey(kek, config) : undefined;
  } finally {
    kek.fill(0);
  }
}
