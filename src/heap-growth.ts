/**
 * How far V8's heap may grow before it is collected as a whole. V8 by itself lets a small heap grow several times over: memory for nothing in
 * a server that holds little. A fixed share, on the other hand, is little of a small heap, which a busy server would then collect several
 * times a second. So: a share, but at least a fixed room.
 *
 * @module
 */
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { HEAP_GROWTH_PERCENT_MIN, HEAP_ROOM_BYTES } from './model/limits.ts';

/** From now on, for the life of the process. */
export function boundHeapGrowth(): void {
  adjust();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
      if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) return adjust();
    }
  }).observe({ entryTypes: ['gc'] });
}

/** V8 reads the flag at the end of each full collection. */
function adjust(): void {
  const percent = Math.round((100 * HEAP_ROOM_BYTES) / getHeapStatistics().used_heap_size);
  setFlagsFromString(`--heap-growing-percent=${Math.max(HEAP_GROWTH_PERCENT_MIN, percent)}`);
}
