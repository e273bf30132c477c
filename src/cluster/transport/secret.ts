/**
 * The cluster secret: 32 random bytes, base64 on one line of a file that only its owner reads. Who holds it may join.
 *
 * While a secret is replaced the file holds several, one a line: all are accepted, until the old line is taken out everywhere.
 * Lines that begin with `#` are comments.
 *
 * @module
 */
import { CLUSTER_SECRET_BYTES, CLUSTER_SECRETS_MAX, SECRET_FILE_BYTES_MAX } from '../../model/limits.ts';
import { readPrivateFile } from './private-file.ts';

/** What `coffer cluster secret` prints: 44 characters. @param randomBytes - cryptographically random */
export function newClusterSecret(randomBytes: (count: number) => Uint8Array): string {
  return Buffer.from(randomBytes(CLUSTER_SECRET_BYTES)).toString('base64');
}

/** @returns one to four secrets of 32 bytes, in the file's order. @throws Error in one sentence, without what it read. */
export function parseClusterSecrets(text: string): Uint8Array[] {
  const lines = text.split('\n').map((line) => line.trim());
  const secrets = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line, n) => {
      const bytes = Buffer.from(line, 'base64');
      // Buffer passes over what is no base64; so only what it would write itself was read whole.
      if (bytes.length !== CLUSTER_SECRET_BYTES || bytes.toString('base64') !== line) {
        throw new Error(
          `secret ${n + 1} is not ${CLUSTER_SECRET_BYTES} bytes in base64; \`coffer cluster secret\` makes one`,
        );
      }
      return bytes;
    });
  if (secrets.length === 0) throw new Error('it holds no secret; `coffer cluster secret` makes one');
  if (secrets.length > CLUSTER_SECRETS_MAX) {
    throw new Error(
      `it holds ${secrets.length} secrets; at most ${CLUSTER_SECRETS_MAX} are accepted at once`,
    );
  }
  return secrets;
}

/** Reads the file. @throws Error in one sentence that names the file: missing, readable by others, or not as above. */
export function readClusterSecrets(file: string): Uint8Array[] {
  try {
    return parseClusterSecrets(readPrivateFile(file, SECRET_FILE_BYTES_MAX));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'it does not exist; `coffer cluster secret` makes one' : message;
    throw new Error(`the cluster's secret file ${file} cannot be used: ${why}`, { cause: error });
  }
}
