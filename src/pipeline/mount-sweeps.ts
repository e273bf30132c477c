/**
 * What mounts leave behind that are in no table any more: their records are removed in the background, page by page, by whoever may; a sweep
 * that is broken off goes on with what is left. How far it has come is noted now and then, for whoever asks at any node.
 *
 * @module
 */
import type { Catalog } from '../cluster/catalog.ts';
import { SWEEP_NOTED_MS, SWEEP_RETRY_MS } from '../model/limits.ts';
import {
  GONE,
  goneNamespacesOf,
  noteRemoval,
  type Removal,
  SWEEP,
  type Sweep,
  sweepsOf,
} from './mount-entries.ts';
import { mountSwept } from './mount-table.ts';
import { namespaceSwept } from './namespaces.ts';
import { forgetQuotas, quotaKeysOf } from './quota-scopes.ts';

/** Told how many more were removed, and waited for. */
export type Removed = (count: number) => Promise<void>;

export interface MountSweepsOptions {
  readonly catalog: Pick<Catalog, 'entries' | 'change' | 'watch'>;
  /** Is it this node's to do, in this turn? */
  isOurs(): boolean;
  /** Wall clock, ms. Absent: how far a sweep has come is not noted. */
  now?(): number;
  /** Removes all that is stored of it. Safe to repeat. @throws the signal's reason when it fires first. */
  sweep(mount: Sweep, signal: AbortSignal, removed: Removed): Promise<void>;
  /** Removes what a namespace had besides its mounts: tokens, policies. Safe to repeat. @throws the signal's reason when it fires first. */
  sweepNamespace(id: string, signal: AbortSignal, removed: Removed): Promise<void>;
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  fault(what: string, error: unknown): void;
}

export interface MountSweeps {
  /** Looks for something to sweep from now on. */
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export function makeMountSweeps(options: MountSweepsOptions): MountSweeps {
  const { catalog } = options;
  let stopping: AbortController | undefined;
  let sweeping: Promise<void> | undefined;
  let later: { clear(): void } | undefined;

  function isClean(): boolean {
    const entries = catalog.entries('mounts');
    return sweepsOf(entries).length === 0 && goneNamespacesOf(entries).length === 0;
  }

  function look(): void {
    if (!stopping || sweeping || isClean()) return;
    later?.clear();
    const { signal } = stopping;
    sweeping = sweepAll(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) options.fault('sweep', error);
      })
      .finally(() => {
        sweeping = undefined;
        // What came meanwhile, what failed, and what was another's to do, who may be gone by then.
        if (!signal.aborted) later = options.after(look, SWEEP_RETRY_MS);
      });
  }

  function noting(key: string, { removed = 0 }: Removal): Removed {
    const { now } = options;
    if (!now) return async () => {};
    let notedMs = now();
    let count = removed;
    return async (more) => {
      count += more;
      if (now() - notedMs < SWEEP_NOTED_MS) return;
      await catalog.change(noteRemoval, { key, removed: count });
      notedMs = now();
    };
  }

  /** Its quotas hold nothing since it is gone. */
  async function forget(gone: { mount?: string; namespace?: string }): Promise<void> {
    if (quotaKeysOf(catalog.entries('settings'), gone).length > 0) await catalog.change(forgetQuotas, gone);
  }

  async function sweepAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && options.isOurs()) {
      const [next] = sweepsOf(catalog.entries('mounts'));
      if (next) {
        await options.sweep(next, signal, noting(SWEEP + next.uuid, next));
        await forget({ mount: next.uuid });
        await catalog.change(mountSwept, { uuid: next.uuid });
        continue;
      }
      // Its id may be drawn again once this is through: so it comes last.
      const [gone] = goneNamespacesOf(catalog.entries('mounts'));
      if (!gone) return;
      await options.sweepNamespace(gone.id, signal, noting(GONE + gone.id, gone));
      await forget({ namespace: gone.id });
      await catalog.change(namespaceSwept, { id: gone.id });
    }
  }

  catalog.watch('mounts', look);
  return {
    start() {
      stopping = new AbortController();
      look();
    },
    async stop() {
      stopping?.abort();
      stopping = undefined;
      later?.clear();
      await sweeping;
    },
  };
}
