/**
 * OpenPGP, for who wants shares and tokens encrypted to their holders (RFC 9580, RFC 4880). The library behind it takes 70 ms and 25 MB to load,
 * so it is loaded when the first key comes, and not before.
 *
 * @module
 */

import type { Key } from 'openpgp';
import { isBase64 } from '../model/base64.ts';
import { badRequest, type CodedError } from '../model/errors.ts';
import { PGP_KEY_BYTES_MAX } from '../model/limits.ts';

export interface PgpKey {
  /** Of its primary key, lower-case hex: 40 digits, 64 of a version 6 key. */
  readonly fingerprint: string;
  /** A binary OpenPGP message that the key's owner alone can read. @param secret - stays the caller's. */
  encrypt(secret: Uint8Array): Promise<Uint8Array>;
}

/**
 * A public key that may be encrypted to: its own signatures hold, it is neither over nor revoked.
 * @param text - base64 of the binary form, of at most PGP_KEY_BYTES_MAX.
 * @throws CodedError `bad_request` where it will not do.
 */
export async function readPgpKey(text: string): Promise<PgpKey> {
  if (/^\s*keybase:/i.test(text))
    throw badRequest('keybase: names are not looked up; give the public PGP key itself, in base64');
  const bare = text.replaceAll(/[\r\n]/g, '');
  if (!isBase64(bare) || bare === '') throw badRequest('error decoding given PGP key: it is not base64');
  const bytes = Buffer.from(bare, 'base64');
  if (bytes.length > PGP_KEY_BYTES_MAX) throw refused(`it is longer than ${PGP_KEY_BYTES_MAX} bytes`);
  const pgp = await import('openpgp');
  let key: Key | undefined;
  try {
    const keys = await pgp.readKeys({ binaryKeys: bytes });
    if (keys.length === 1) key = keys[0];
  } catch {
    // What the library says may quote what it read.
  }
  if (!key) throw refused('it is not one OpenPGP key');
  // What is secret is nobody's business here, and must not be stored.
  if (key.isPrivate()) throw refused('it is a private key');
  try {
    await key.getEncryptionKey();
  } catch {
    throw refused('nothing can be encrypted to it: it is expired, revoked, or made for signing only');
  }
  return { fingerprint: key.getFingerprint(), encrypt };

  async function encrypt(secret: Uint8Array): Promise<Uint8Array> {
    const message = await pgp.createMessage({ binary: secret, format: 'binary' });
    const encryptionKeys = key!;
    return pgp.encrypt({ message, encryptionKeys, format: 'binary' }) as Promise<Uint8Array>;
  }
}

/** One key for each share, in that order. @throws CodedError `bad_request`. */
export function readPgpKeys(texts: readonly string[]): Promise<PgpKey[]> {
  return Promise.all(texts.map(readPgpKey));
}

/** PGP messages, one for each share, to the holder in the same place. What they hold is the share's hex, as Vault's do. */
export function encryptShares(
  shares: readonly Uint8Array[],
  holders: readonly PgpKey[],
): Promise<Uint8Array[]> {
  return Promise.all(
    shares.map((share, i) => holders[i]!.encrypt(Buffer.from(Buffer.from(share).toString('hex')))),
  );
}

function refused(why: string): CodedError {
  return badRequest(`error parsing given PGP key: ${why}`);
}
