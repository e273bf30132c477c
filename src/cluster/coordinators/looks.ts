/**
 * A watch made of looks: one small read every now and then. It needs no connection of its own, nothing is lost while the coordinator is away
 * or has compacted its history, and it comes back by itself.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import type { Coordinator } from '../../model/coordinator.ts';

/** Calls `onHint` when the record's version differs from the last look's. The first look only remembers it. */
export function watchByLooking(
  coordinator: Pick<Coordinator, 'step'>,
  clock: Clock,
  key: string,
  everyMs: number,
  onHint: () => void,
): { stop(): void } {
  let last: number | undefined;
  let stopped = false;
  let timer = clock.after(() => void look(), everyMs);

  async function look(): Promise<void> {
    const seen = await coordinator.step({ conditions: [], changes: [], reads: [key] });
    if (stopped) return;
    timer = clock.after(() => void look(), everyMs);
    if (seen.outcome === 'unknown') return;
    const version = seen.records.get(key)?.version ?? 0;
    const isNews = last !== undefined && last !== version;
    last = version;
    if (isNews) onHint();
  }

  return {
    stop() {
      stopped = true;
      timer.clear();
    },
  };
}
