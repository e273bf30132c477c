/**
 * Storage as everything above the barrier sees it: values are sealed on the way down and opened on the way up, under their whole path.
 *
 * @module
 */
import type { Storage } from '../model/storage.ts';
import { type Barrier, UnknownTerm } from './barrier.ts';

/** @param reloadKeyring - called where a record names a term we do not have: another node may have made it. */
export function makeSealedStorage(
  storage: Storage,
  barrier: Barrier,
  reloadKeyring: () => Promise<void>,
): Storage {
  async function open(path: string, record: Uint8Array): Promise<Uint8Array> {
    try {
      return barrier.open(path, record);
    } catch (error) {
      if (!(error instanceof UnknownTerm)) throw error;
      await reloadKeyring();
      return barrier.open(path, record);
    }
  }

  return {
    type: storage.type,
    async get(path, signal) {
      const stored = await storage.get(path, signal);
      return stored && { value: await open(path, stored.value), version: stored.version };
    },
    async commit(changes, conditions, signal) {
      const sealed = changes.map(({ path, value }) => ({ path, value: value && barrier.seal(path, value) }));
      return storage.commit(sealed, conditions, signal);
    },
    list: (prefix, after, limit, signal) => storage.list(prefix, after, limit, signal),
    close: () => storage.close(),
  };
}
