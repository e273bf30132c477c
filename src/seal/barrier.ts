/**
 * The barrier: nothing passes to storage but sealed, nothing comes from it but opened, and neither while there is no keyring.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { CodedError } from '../model/errors.ts';
import type { Keyring } from './keyring.ts';
import { openRecord, sealRecord, termOf } from './record.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Barrier {
  readonly isOpen: boolean;
  /** @throws CodedError `sealed`. */
  seal(path: string, plain: Uint8Array): Buffer;
  /** @throws UnknownTerm, CodedError `sealed`, `internal` where it does not open. */
  open(path: string, record: Uint8Array): Buffer;
  /**
   * Seals one segment of a name, deterministically (AES-256-SIV, RFC 5297): under one context equal segments look equal, and nothing else is told
   * but the length. @returns base64url.
   */
  sealName(context: string, segment: string): string;
  /** @throws CodedError `internal` where it was not sealed under this context. */
  openName(context: string, sealed: string): string;
  /** 32 bytes for one purpose, the same for the life of the store (HKDF-SHA256, RFC 5869). The caller wipes them. */
  derive(label: string): Buffer;
}

/** The record was sealed under a term this keyring does not have. */
export class UnknownTerm extends Error {
  constructor(term: number) {
    super(`a stored record is sealed under term ${term}, which the keyring does not have`);
    this.name = 'UnknownTerm';
  }
}

/** A barrier and the hands that open it, which only the seal has. */
export interface OwnedBarrier extends Barrier {
  /** Opens it, or replaces the keyring. The barrier does not wipe what it is given. */
  use(keyring: Keyring | undefined): void;
}

/** @param encrypting - called before each encryption under the active term: counts, and may refuse. */
export function makeBarrier(randomBytes: (bytes: number) => Buffer, encrypting: () => void): OwnedBarrier {
  let keyring: Keyring | undefined;
  /** Two keys of AES-256-SIV, derived once per opening. */
  let sivKey: Buffer | undefined;

  const ready = (): Keyring => {
    if (!keyring) throw new CodedError('sealed');
    return keyring;
  };
  const deriveFrom = (from: Keyring, label: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', from.namesKey, '', `coffer ${label}`, bytes));

  return {
    get isOpen() {
      return keyring !== undefined;
    },
    use(next) {
      sivKey?.fill(0);
      keyring = next;
      sivKey = next && deriveFrom(next, 'names', 64);
    },
    seal(path, plain) {
      const { terms, activeTerm } = ready();
      encrypting();
      return sealRecord(activeTerm, terms.get(activeTerm)!.key, randomBytes(NONCE_BYTES), path, plain);
    },
    open(path, record) {
      const { terms } = ready();
      const term = termOf(record);
      const entry = terms.get(term);
      if (!entry) throw new UnknownTerm(term);
      return openRecord(entry.key, path, record);
    },
    sealName(context, segment) {
      ready();
      const cipher = createCipheriv('aes-256-siv' as 'aes-256-gcm', sivKey!, null as never, {
        authTagLength: TAG_BYTES,
      });
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(segment, 'utf8'), cipher.final()]);
      return Buffer.concat([cipher.getAuthTag(), body]).toString('base64url');
    },
    openName(context, sealed) {
      ready();
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-siv' as 'aes-256-gcm', sivKey!, null as never, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context));
      try {
        decipher.setAuthTag(bytes.subarray(0, TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(TAG_BYTES)), decipher.final()]).toString();
      } catch (cause) {
        throw new CodedError('internal', 'a stored name does not open: it was damaged or moved', { cause });
      }
    },
    derive: (label) => deriveFrom(ready(), label, 32),
  };
}
