/**
 * How many of something run at a time.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { STORAGE_WAITING_MAX } from '../model/limits.ts';

/** Runs at most `max` at a time. @throws CodedError `overloaded` beyond STORAGE_WAITING_MAX that wait. */
export function makeSlots(max: number): <T>(act: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return async (act) => {
    if (taken >= max) {
      if (waiting.length >= STORAGE_WAITING_MAX) throw new CodedError('overloaded');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      taken++;
    }
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) taken--;
      else next();
    }
  };
}
