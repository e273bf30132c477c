/**
 * The record `cluster` of a store: which store this is, so that a node that was given another one by mistake is told apart (protocol §3). Not
 * sealed: a sealed node shows it too.
 *
 * @module
 */
import { Conflict, type Storage } from '../model/storage.ts';
import { asText, parseFields } from './record-fields.ts';

const PATH = 'cluster';
const BYTES_MAX = 1_024;
const ID_CHARS_MAX = 64;

/** The store's id; made where it has none. @param storage - as it is below the barrier. */
export async function storageIdOf(
  storage: Storage,
  randomBytes: (bytes: number) => Uint8Array,
): Promise<string> {
  for (;;) {
    const stored = await storage.get(PATH);
    if (stored) return asText(parseFields(stored.value, BYTES_MAX).storage_id, 'storage_id', ID_CHARS_MAX);
    const id = Buffer.from(randomBytes(16)).toString('hex');
    try {
      const value = Buffer.from(JSON.stringify({ storage_id: id }));
      await storage.commit([{ path: PATH, value }], [{ path: PATH, version: 0 }]);
      return id;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}
