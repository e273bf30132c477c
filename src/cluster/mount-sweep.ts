/**
 * Removes all records of a mount that is in no mount table any more.
 *
 * @module
 */
import { COMMIT_OPERATIONS } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';

/**
 * @param removed - told how many more are gone, and waited for.
 * Safe to repeat, and safe whoever owns its actors: a mount's uuid never comes back, so there is nothing to be compared.
 * @throws the signal's reason where it fires first.
 */
export async function sweepMountRecords(
  storage: Storage,
  namespace: string,
  mount: string,
  signal?: AbortSignal,
  removed?: (count: number) => Promise<void>,
): Promise<void> {
  const prefix = `data/${namespace}/${mount}/`;
  for (;;) {
    signal?.throwIfAborted();
    const paths = await storage.list(prefix, '', COMMIT_OPERATIONS);
    if (paths.length === 0) return;
    await storage.commit(
      paths.map((path) => ({ path, value: undefined })),
      [],
    );
    await removed?.(paths.length);
  }
}
