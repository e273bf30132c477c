/**
 * Changes that a client numbers itself, by the id it gives a request: sent twice, through whatever nodes, they take effect once.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { CLIENT_ENTRIES, type Entry } from '../actors/memory.ts';

/** The same id of another caller, or with another operation, is another request: an outcome is told to nobody but who asked for it. */
export function clientEntry(clientId: string, accessor: string, op: string): Entry {
  const tag = hash('sha256', JSON.stringify([clientId, accessor, op]), 'base64url').slice(0, 22);
  return { inc: CLIENT_ENTRIES + tag, n: 1 };
}
