/**
 * What clients did and were told, with the true instants of both.
 *
 * @module
 */

/**
 * `ok`: it happened, the output says how. `unknown`: it may have happened, may still happen, or never will. What certainly did not happen
 * (refused before it began) is taken out.
 */
export type Outcome = 'ok' | 'unknown' | 'none';

export interface HistoryEntry<I = unknown, O = unknown> {
  readonly client: string;
  readonly key: string;
  readonly input: I;
  readonly calledMs: number;
  /** Order of the call among all calls and returns of the run. */
  readonly calledAt: number;
  returnedMs: number | undefined;
  returnedAt: number | undefined;
  outcome: Outcome | undefined;
  output: O | undefined;
}

export interface History<I = unknown, O = unknown> {
  readonly entries: readonly HistoryEntry<I, O>[];
  call(client: string, key: string, input: I, nowMs: number): HistoryEntry<I, O>;
  back(entry: HistoryEntry<I, O>, outcome: Outcome, output: O | undefined, nowMs: number): void;
}

export function makeHistory<I, O>(): History<I, O> {
  const entries: HistoryEntry<I, O>[] = [];
  let order = 0;
  return {
    entries,
    call(client, key, input, nowMs) {
      const entry: HistoryEntry<I, O> = {
        client,
        key,
        input,
        calledMs: nowMs,
        calledAt: order++,
        returnedMs: undefined,
        returnedAt: undefined,
        outcome: undefined,
        output: undefined,
      };
      entries.push(entry);
      return entry;
    },
    back(entry, outcome, output, nowMs) {
      entry.returnedMs = nowMs;
      entry.returnedAt = order++;
      entry.outcome = outcome;
      entry.output = output;
    },
  };
}
