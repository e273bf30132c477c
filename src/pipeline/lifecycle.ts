/**
 * Opening and closing of everything that needs the barrier: what happens between "the root key is here" and "requests are served", and
 * the way back. One step at a time: an unseal, a seal and an init never overlap.
 *
 * @module
 */
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import type { LocalCluster } from '../cluster/local.ts';
import { CodedError } from '../model/errors.ts';
import type { Seal, SealStatus } from '../seal/seal.ts';
import { mountSwept, sweepsOf } from './mount-table.ts';

export interface LifecycleOptions {
  readonly seal: Seal;
  readonly cluster: LocalCluster;
  readonly catalog: Catalog;
  /** Opens what hangs on the catalog, audit devices first; every step may be repeated. */
  open(): Promise<void>;
  /** The reverse of `open`. Must not fail. */
  close(): Promise<void>;
  /** Writes what a new store begins with. Returns the root token. */
  found(): Promise<string>;
  fault(what: string, error: unknown): void;
}

export interface Lifecycle {
  /** True until everything is open. */
  isSealed(): boolean;
  init(config: { shares: number; threshold: number }): Promise<{ keys: Uint8Array[]; rootToken: string }>;
  /** Gives one share. @throws CodedError where it does not fit. */
  unseal(share: Uint8Array): Promise<SealStatus>;
  seal(): Promise<void>;
  /** Removes a mount's data in the background; its mount is in the table no more. */
  sweep(): void;
}

export function makeLifecycle(options: LifecycleOptions): Lifecycle {
  const { seal, cluster, catalog } = options;
  let open = false;
  let last: Promise<unknown> = Promise.resolve();
  let sweeping: Promise<void> | undefined;

  /** One after another, whatever became of the one before. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const next = last.then(step, step);
    last = next.catch(() => {});
    return next;
  }

  async function openAll(): Promise<void> {
    cluster.start();
    try {
      await catalog.load();
      await options.open();
      await cluster.startTimers();
      open = true;
      sweep();
    } catch (error) {
      await closeAll();
      throw error;
    }
  }

  async function closeAll(): Promise<void> {
    open = false;
    await options.close();
    await cluster.stop();
    await sweeping;
    catalog.clear();
    await seal.seal();
  }

  function sweep(): void {
    sweeping ??= sweepAll()
      .catch((error: unknown) => {
        if (open) options.fault('sweep', error);
      })
      .finally(() => {
        sweeping = undefined;
      });
  }

  async function sweepAll(): Promise<void> {
    for (;;) {
      const [next] = sweepsOf(catalog.entries('mounts'));
      if (!next || !open) return;
      await cluster.sweepMount(next.namespace, next.uuid);
      await catalog.change(mountSwept, { uuid: next.uuid });
    }
  }

  return {
    isSealed: () => !open,
    init: (config) =>
      inTurn(async () => {
        if (await seal.initialized()) throw new CodedError('bad_request', 'Vault is already initialized');
        const keys = await seal.init(config);
        cluster.start();
        try {
          return { keys, rootToken: await options.found() };
        } finally {
          await closeAll();
        }
      }),
    unseal: (share) =>
      inTurn(async () => {
        const status = await seal.unseal(share);
        if (!status.sealed && !open) await openAll();
        return status;
      }),
    seal: () =>
      inTurn(async () => {
        if (open) await closeAll();
      }),
    sweep,
  };
}

/** Settings of the cluster as a whole. */
export const putSetting: SectionChange<{ key: string; value: unknown }, void> = {
  id: 'settings/put',
  section: 'settings',
  run: (_entries, { key, value }) => ({ patch: { [key]: value }, reply: undefined }),
};
