/**
 * PGP key pairs for tests.
 *
 * @module
 */
import * as openpgp from 'openpgp';

export interface PgpPair {
  readonly fingerprint: string;
  /** The public key, binary in base64: what the API takes. */
  readonly text: string;
  /** As `gpg --export --armor` gives it. */
  readonly armored: string;
  /** The text of a binary message. @throws where it is not for this key. */
  open(message: Uint8Array): Promise<string>;
}

export async function pgpPair(): Promise<PgpPair> {
  const userIDs = [{ name: 'Ada', email: 'ada@example.com' }];
  const { privateKey, publicKey } = await openpgp.generateKey({ userIDs, format: 'object' });
  return {
    fingerprint: publicKey.getFingerprint(),
    text: Buffer.from(publicKey.write()).toString('base64'),
    armored: publicKey.armor(),
    async open(message) {
      const read = await openpgp.readMessage({ binaryMessage: message });
      return (await openpgp.decrypt({ message: read, decryptionKeys: privateKey })).data;
    },
  };
}
