/**
 * A store that has bad days: commits that fail before or after they were written, come late, or overtake each other. What it says is
 * the truth: `outcomeKnown` where nothing was written.
 *
 * @module
 */
import { type Storage, StorageFailed } from '../../src/model/storage.ts';

/** What becomes of one commit; `turns`: how long it takes before, and its answer after. */
export interface Fate {
  /** `lands late`: nobody knows, and only then it is written, if it still can be. */
  readonly kind: 'well' | 'fails before' | 'fails after' | 'lands late';
  readonly turns: number;
}

const LATE_TURNS = 8;

async function wait(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** @param fateOf - asked for each commit. Commits with different waits overtake each other. */
export function makeFaultyStorage(inner: Storage, fateOf: () => Fate): Storage {
  return {
    type: inner.type,
    async get(path) {
      return inner.get(path);
    },
    list: (prefix, after, limit) => inner.list(prefix, after, limit),
    async commit(changes, conditions) {
      const { kind, turns } = fateOf();
      await wait(turns);
      if (kind === 'lands late') {
        void wait(LATE_TURNS * turns)
          .then(() => inner.commit(changes, conditions))
          .catch(() => {});
        throw new StorageFailed('nobody knows', false);
      }
      if (kind === 'fails before') throw new StorageFailed('nothing was written', true);
      const version = await inner.commit(changes, conditions);
      // Seen by readers of the store before the writer hears of it.
      await wait(turns);
      if (kind === 'fails after') throw new StorageFailed('nobody knows', false);
      return version;
    },
    close: () => inner.close(),
  };
}
