/**
 * The coordinator of a process that is alone on its storage, whose exclusive lock it holds: nobody else could change a record, so they are in
 * memory. With ALONE_TIMES the membership is in time for ever, by the same code as in a cluster (protocol §18).
 *
 * @module
 */
import {
  type Coordinator,
  type CoordinatorOutcome,
  type CoordinatorRecord,
  type CoordinatorStep,
  checkCoordinatorKey,
} from '../../model/coordinator.ts';

export function makeAloneCoordinator(): Coordinator {
  const stored = new Map<string, CoordinatorRecord>();
  let counter = 0;

  function step({ conditions, changes, reads = [], lists = [] }: CoordinatorStep): CoordinatorOutcome {
    for (const key of [...reads, ...lists]) checkCoordinatorKey(key);
    const isGood = conditions.every(({ key, version }) => (stored.get(key)?.version ?? 0) === version);
    if (isGood && changes.length > 0) counter++;
    for (const { key, value } of isGood ? changes : []) {
      if (value === undefined) stored.delete(key);
      else stored.set(key, { value, version: counter });
    }
    const asked = new Set([...reads, ...(isGood ? [] : conditions.map(({ key }) => key))]);
    const records = new Map(
      [...stored].filter(([key]) => asked.has(key) || lists.some((prefix) => key.startsWith(prefix))),
    );
    return isGood ? { outcome: 'ok', version: counter, records } : { outcome: 'refused', records };
  }

  return {
    type: 'alone',
    sharesClock: true,
    async step(asked) {
      try {
        return step(asked);
      } catch (cause) {
        return { outcome: 'unknown', cause };
      }
    },
    watch: () => ({ stop: () => {} }),
    close: () => Promise.resolve(),
  };
}
