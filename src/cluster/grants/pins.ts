/**
 * Actors by which a request was authorized that is on its way to another node (protocol §8): as long as one is pinned, nobody is told that
 * nothing can start under it any more.
 *
 * @module
 */
import { FAULT, type Faults } from '../faults.ts';

export interface Pins {
  /** @returns what takes the pins away; calling it twice does no harm. */
  pin(keys: readonly string[]): () => void;
  /** Undefined: not pinned in this turn. Otherwise resolves when no pin is left, those made meanwhile included. */
  whenFree(key: string): Promise<void> | undefined;
  keys(): Iterable<string>;
}

interface Pin {
  count: number;
  readonly free: Promise<void>;
  readonly resolve: () => void;
}

export function makePins(faults?: Faults): Pins {
  const pins = new Map<string, Pin>();

  function add(key: string): void {
    const pin = pins.get(key);
    if (pin) {
      pin.count++;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    pins.set(key, { count: 1, free: promise, resolve });
  }

  function take(key: string): void {
    const pin = pins.get(key)!;
    if (--pin.count > 0) return;
    pins.delete(key);
    pin.resolve();
  }

  return {
    pin(keys) {
      if (faults?.has(FAULT.pinsIgnored)) return () => {};
      for (const key of keys) add(key);
      let isTaken = false;
      return () => {
        if (isTaken) return;
        isTaken = true;
        for (const key of keys) take(key);
      };
    },
    whenFree: (key) => pins.get(key)?.free,
    keys: () => pins.keys(),
  };
}
