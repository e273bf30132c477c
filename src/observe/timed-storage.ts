/**
 * Storage with a watch beside it: Vault's `vault_barrier_get`, `_put`, `_delete` and `_list`, milliseconds.
 *
 * @module
 */
import type { Storage } from '../model/storage.ts';
import type { Metrics } from './metrics.ts';

export interface TimedStorage extends Storage {
  /** Commits that were begun and are not answered. */
  commitsRunning(): number;
}

export function timedStorage(storage: Storage, metrics: Pick<Metrics, 'samples'>): TimedStorage {
  let running = 0;
  const gets = metrics.samples('barrier.get', 'Milliseconds to read a record.');
  const puts = metrics.samples('barrier.put', 'Milliseconds until a commit that writes was durable.');
  const deletes = metrics.samples(
    'barrier.delete',
    'Milliseconds until a commit that only deletes was durable.',
  );
  const lists = metrics.samples('barrier.list', 'Milliseconds to list one page.');

  async function timed<T>(samples: typeof gets, act: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await act();
    } finally {
      samples.observe(performance.now() - began);
    }
  }

  return {
    type: storage.type,
    get: (path, signal) => timed(gets, () => storage.get(path, signal)),
    // Not async, and the store's own promise: it is on the way of every write.
    commit(changes, conditions, signal) {
      const samples = changes.some((change) => change.value !== undefined) ? puts : deletes;
      const began = performance.now();
      const ended = () => {
        running--;
        samples.observe(performance.now() - began);
      };
      const committing = storage.commit(changes, conditions, signal);
      running++;
      committing.then(ended, ended);
      return committing;
    },
    commitsRunning: () => running,
    list: (...args) => timed(lists, () => storage.list(...args)),
    sweepOrphans: storage.sweepOrphans && ((signal) => storage.sweepOrphans!(signal)),
    close: () => storage.close(),
  };
}
