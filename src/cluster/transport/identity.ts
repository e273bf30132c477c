/**
 * A node's identity: an Ed25519 key pair in its data folder, outside the barrier, so that a sealed node can already speak. Who
 * copies the file is that node to its peers; it opens nothing that is stored.
 *
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import type { PeerId } from '../../model/transport.ts';
import { readPrivateFile, writeNewPrivateFile } from './private-file.ts';

export const IDENTITY_FILE = 'node-identity.pem';
const FILE_BYTES_MAX = 4 * 1024;
const SEED_BYTES = 32;
/** PKCS #8 around an Ed25519 seed (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface Identity {
  readonly peer: PeerId;
  readonly key: Ed25519PrivateKey;
}

/**
 * The identity in `folder`; makes one where there is none, on disk before it returns.
 * @param randomBytes - cryptographically random
 * @throws Error in one sentence that names the file.
 */
export async function openIdentity(
  folder: string,
  randomBytes: (count: number) => Uint8Array,
): Promise<Identity> {
  const file = join(folder, IDENTITY_FILE);
  try {
    return await readIdentity(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(file, error);
  }
  try {
    writeNewPrivateFile(file, seedToPem(randomBytes(SEED_BYTES)));
    return await readIdentity(file);
  } catch (error) {
    throw unusable(file, error);
  }
}

/** An identity that is kept nowhere, as tests and tools want it. @param seed - 32 bytes */
export async function identityFromSeed(seed: Uint8Array): Promise<Identity> {
  const key = await generateKeyPairFromSeed('Ed25519', seed);
  return { key, peer: peerIdFromPrivateKey(key).toString() };
}

async function readIdentity(file: string): Promise<Identity> {
  const key = createPrivateKey({ key: readPrivateFile(file, FILE_BYTES_MAX), format: 'pem' });
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`its key is ${key.asymmetricKeyType}, not ed25519`);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const seed = der.subarray(PKCS8_HEAD.length, PKCS8_HEAD.length + SEED_BYTES);
  try {
    return await identityFromSeed(seed);
  } finally {
    der.fill(0);
  }
}

function seedToPem(seed: Uint8Array): string {
  const der = Buffer.concat([PKCS8_HEAD, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function unusable(file: string, error: unknown): Error {
  return new Error(`the node's identity ${file} cannot be used: ${(error as Error).message}`, {
    cause: error,
  });
}
