/**
 * Storage as everything above the barrier sees it: the same interface, with values sealed on the way down and opened on the way up.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import type { Change, Storage, Stored } from '../model/storage.ts';
import { FORMAT_PATH } from '../storage/format.ts';
import { type Barrier, UnknownTerm } from './barrier.ts';
import { KEYRING_PATH } from './keyring.ts';
import { damaged } from './record.ts';
import { FOUNDING_PATH, SEAL_PATH } from './seal-config.ts';

/** Records beside the barrier; a record of ours under one of these names would take their place. */
const OWN_PATHS: ReadonlySet<string> = new Set([SEAL_PATH, FOUNDING_PATH, KEYRING_PATH, FORMAT_PATH]);
const OWN_PATH_CHARS_MAX = Math.max(...[...OWN_PATHS].map((path) => path.length));

/** Entries of which the name, which is sealed by itself, says all: where nothing is stored under it there is nothing to be sealed. */
const SAID_BY_NAME = ['timer/', 'by/'];

function isBare(path: string, value: Uint8Array): boolean {
  return value.length === 0 && SAID_BY_NAME.some((prefix) => path.startsWith(prefix));
}

/** Every method rejects with CodedError `sealed` while the barrier is sealed. `storage` stays its owner's to close. */
export function makeSealedStorage(storage: Storage, barrier: Barrier): Storage {
  function refuse(path: string): void {
    if (barrier.isSealed()) throw new CodedError('sealed');
    // Hashing a long path costs more than all else here; ours are short.
    if (path.length <= OWN_PATH_CHARS_MAX && OWN_PATHS.has(path))
      throw new Error(`the record ${path} is not reached through the barrier`);
  }

  async function opened(path: string, stored: Stored): Promise<Stored> {
    try {
      return { value: barrier.open(path, stored.value), version: stored.version };
    } catch (error) {
      if (!(error instanceof UnknownTerm)) throw error;
    }
    // Another node may have begun the term.
    await barrier.reload();
    try {
      return { value: barrier.open(path, stored.value), version: stored.version };
    } catch (error) {
      throw error instanceof UnknownTerm ? damaged(error.message) : error;
    }
  }

  function sealAll(changes: readonly Change[]): Change[] {
    const sealed = changes.map(({ path, value }): Change => {
      return { path, value: value === undefined || isBare(path, value) ? value : barrier.seal(path, value) };
    });
    if (barrier.isSealed()) throw new CodedError('sealed');
    return sealed;
  }

  return {
    type: storage.type,
    async get(path, signal) {
      refuse(path);
      const stored = await storage.get(path, signal);
      return stored === undefined || isBare(path, stored.value) ? stored : opened(path, stored);
    },
    // Not async: each promise that stands between a commit and its caller costs as much as a lookup in the store.
    commit(changes, conditions, signal) {
      try {
        let count = 0;
        for (const { path, value } of changes) {
          refuse(path);
          if (value !== undefined && !isBare(path, value)) count++;
        }
        const waiting = barrier.reserve(count);
        const sealAndCommit = () => storage.commit(sealAll(changes), conditions, signal);
        return waiting === undefined ? sealAndCommit() : waiting.then(sealAndCommit);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async list(prefix, after, limit, signal) {
      if (barrier.isSealed()) throw new CodedError('sealed');
      return storage.list(prefix, after, limit, signal);
    },
    close: async () => {},
  };
}
