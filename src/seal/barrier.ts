/**
 * The barrier: what stands between the store, which is not trusted, and all the rest. Values are sealed as Vault's records, names
 * deterministically, so that equal names under one context look equal and prefixes can be listed.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { hkdf, NONCE_BYTES } from './aead.ts';
import { activeTerm } from './keyring.ts';
import type { KeyringStore } from './keyring-store.ts';
import { makeNameCipher, type NameCipher } from './name-cipher.ts';
import { damaged, openRecord, sealRecord, termOf } from './record.ts';

/** Two AES-256 keys. */
const NAME_KEY_BYTES = 64;
const DERIVED_BYTES = 32;
/** Nonces drawn at a time: they are no secrets, and one call of the generator costs as much as one sealing. */
const NONCES_DRAWN = 256;

/** Thrown by `open` for a record under a term that the keyring in use does not have: another node may have begun it. */
export class UnknownTerm extends Error {
  readonly term: number;
  constructor(term: number) {
    super(`no decryption key available for term ${term}`);
    this.name = 'UnknownTerm';
    this.term = term;
  }
}

/** All but `isSealed` throw CodedError `sealed` while sealed. */
export interface Barrier {
  isSealed(): boolean;
  /** Asked before `seal`, in the same turn: resolves when `count` records may be sealed; undefined: at once. */
  reserve(count: number): Promise<void> | undefined;
  /** The record to store at `path`. Takes one encryption of what was reserved. */
  seal(path: string, plaintext: Uint8Array): Buffer;
  /** The plaintext of the record stored at `path`. @throws UnknownTerm; CodedError `internal` when it does not open. */
  open(path: string, record: Uint8Array): Buffer;
  /** Reads the keyring again. */
  reload(): Promise<void>;
  /** One path segment, sealed for `context`: base64url, 22 characters and 4 for each 3 bytes. Equal inputs give equal outputs. */
  sealName(context: string, segment: string): string;
  /** @throws CodedError `internal` when `sealed` was not made for this context. */
  openName(context: string, sealed: string): string;
  /** 32 bytes for the purpose that `label` names, the same for the life of the store. The caller wipes them. */
  derive(label: string): Buffer;
}

export interface OwnBarrier extends Barrier {
  /** Forgets what was derived. The keys themselves are the keyring store's to wipe. */
  wipe(): void;
}

export function makeBarrier(keys: KeyringStore, randomBytes: (bytes: number) => Uint8Array): OwnBarrier {
  let nonces: Uint8Array = new Uint8Array(0);
  let nameCipher: NameCipher | undefined;
  /** By label: they never change, and a login wants two. */
  const derivedKeys = new Map<string, Buffer>();

  function nonce(): Uint8Array {
    if (nonces.length === 0) nonces = randomBytes(NONCE_BYTES * NONCES_DRAWN);
    const next = nonces.subarray(0, NONCE_BYTES);
    nonces = nonces.subarray(NONCE_BYTES);
    return next;
  }

  function derived(purpose: string, bytes: number): Buffer {
    return hkdf(keys.current().namesKey, new Uint8Array(0), Buffer.from(purpose, 'utf8'), bytes);
  }

  function names(): NameCipher {
    if (keys.isSealed()) throw new CodedError('sealed');
    if (!nameCipher) {
      const key = derived('coffer/names/1', NAME_KEY_BYTES);
      nameCipher = makeNameCipher(key);
      key.fill(0);
    }
    return nameCipher;
  }

  return {
    isSealed: keys.isSealed,
    reserve: keys.reserve,
    seal(path, plaintext) {
      const { term, key } = activeTerm(keys.current());
      keys.spend();
      return sealRecord(key, term, path, nonce(), plaintext);
    },
    open(path, record) {
      const { terms } = keys.current();
      const wanted = termOf(record);
      const found = terms.find((candidate) => candidate.term === wanted);
      if (found === undefined) throw new UnknownTerm(wanted);
      return openRecord(found.key, path, record);
    },
    reload: keys.reload,
    sealName(context, segment) {
      if (!segment.isWellFormed()) throw new CodedError('bad_request', 'the path is not valid Unicode');
      return names().seal(context, Buffer.from(segment, 'utf8')).toString('base64url');
    },
    openName(context, sealed) {
      const cipher = names();
      const bytes = Buffer.from(sealed, 'base64url');
      // Node's decoder passes over what is not base64url; one name has one spelling.
      const canonical = bytes.toString('base64url') === sealed;
      const segment = canonical ? cipher.open(context, bytes) : undefined;
      if (segment === undefined) throw damaged('a stored name does not open');
      return segment.toString('utf8');
    },
    derive(label) {
      if (keys.isSealed()) throw new CodedError('sealed');
      let key = derivedKeys.get(label);
      if (!key) {
        key = derived(`coffer/derived/1/${label}`, DERIVED_BYTES);
        derivedKeys.set(label, key);
      }
      // The caller wipes what it gets.
      return Buffer.from(key);
    },
    wipe() {
      for (const key of derivedKeys.values()) key.fill(0);
      derivedKeys.clear();
      nameCipher?.wipe();
      nameCipher = undefined;
    },
  };
}
