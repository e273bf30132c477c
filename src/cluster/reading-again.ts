/**
 * The catalog's reads, over a store that loses an answer now and then. A call waits for its answer much longer than a proposed view waits for a
 * joiner, and who prepares to join reads many records: one answer that is lost would cost it all it has read. So what is not answered soon is
 * asked for again, beside the first question, and what failed after a pause, for as long as a proposal may be pending. The first answer
 * counts: it is as new as any commit that was acknowledged before the call.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { PREPARE_MS, READ_AGAIN_MAX_MS, READ_AGAIN_MS, READ_FAILED_PAUSE_MS } from '../model/limits.ts';
import { type Storage, StorageFailed, type Stored } from '../model/storage.ts';

export function makeReadingAgain(storage: Storage, clock: Clock): Storage {
  function get(path: string, signal?: AbortSignal): Promise<Stored | undefined> {
    return new Promise((resolve, reject) => {
      const beganMs = clock.monotonicMs();
      let pauseMs = READ_AGAIN_MS;
      let running = 0;
      let isOver = false;
      let timer: { clear(): void } | undefined;

      function end(): void {
        isOver = true;
        timer?.clear();
      }

      function askIn(ms: number): boolean {
        timer?.clear();
        timer = undefined;
        if (clock.monotonicMs() + ms - beganMs > PREPARE_MS) return false;
        timer = clock.after(ask, ms);
        return true;
      }

      function ask(): void {
        running++;
        storage.get(path, signal).then(
          (stored) => {
            end();
            resolve(stored);
          },
          (error: unknown) => {
            running--;
            if (isOver) return;
            const isLast = running === 0 && !askIn(READ_FAILED_PAUSE_MS);
            if (error instanceof StorageFailed && signal?.aborted !== true && !isLast) return;
            end();
            reject(error);
          },
        );
        askIn(pauseMs);
        pauseMs = Math.min(2 * pauseMs, READ_AGAIN_MAX_MS);
      }

      ask();
    });
  }

  return {
    type: storage.type,
    get,
    list: (...asked) => storage.list(...asked),
    commit: (...asked) => storage.commit(...asked),
    close: () => storage.close(),
  };
}
