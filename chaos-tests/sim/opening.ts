/**
 * The real opening in a simulated node: the real seal, and what a node opens and closes with it, as in `src/member.ts`. What actors store is
 * not sealed here: a trace is to be read.
 *
 * @module
 */
import type { Faults } from '../../src/cluster/faults.ts';
import type { Membership } from '../../src/cluster/membership.ts';
import { makeOpening, type Opening } from '../../src/cluster/opening.ts';
import type { Storage } from '../../src/model/storage.ts';
import { makeSeal } from '../../src/seal/seal.ts';
import type { SimProcess } from './process.ts';
import type { Routed } from './routed.ts';

export interface SimOpeningOptions {
  readonly process: SimProcess;
  readonly storage: Storage;
  readonly owning: Routed;
  membership(): Membership;
  /** Ids of requests that were let in and are not answered. */
  requestsRunning(): readonly string[];
  /** It begins to serve, or does no longer. */
  changed(open: boolean): void;
  fault(what: string, error: unknown): void;
  readonly faults: Faults | undefined;
}

export interface SimOpening extends Opening {
  /** Keys are in its memory. */
  hasKeys(): boolean;
}

export function bootOpening({ process, storage, owning, ...options }: SimOpeningOptions): SimOpening {
  const { clock } = process;
  const seal = makeSeal({
    storage,
    randomBytes: (bytes) => process.random.bytes(bytes),
    now: () => clock.wallMs(),
    fault: options.fault,
  });
  const opening = makeOpening({
    clock,
    seal,
    post: owning.post,
    membership: options.membership,
    cluster: { start: owning.open, stop: owning.close },
    catalog: owning.catalog,
    open: async () => {},
    close: async () => {},
    found: async () => 'root',
    requestsRunning: options.requestsRunning,
    changed(isOpen) {
      if (isOpen) owning.startTimers();
      options.changed(isOpen);
    },
    fault: options.fault,
    faults: options.faults,
  });
  return { ...opening, hasKeys: () => !seal.barrier.isSealed() };
}
