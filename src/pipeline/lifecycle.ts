/**
 * Opening and closing of everything that needs the barrier, on a node that is alone (one of several: `cluster/opening.ts`): what happens
 * between "the root key is here" and "requests are served", and the way back. One step at a time: an unseal, a seal and an init never
 * overlap.
 *
 * @module
 */
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import type { LocalCluster } from '../cluster/local.ts';
import type { Lifecycle } from '../cluster/opening-interface.ts';
import { CodedError } from '../model/errors.ts';
import { SWEEP_RETRY_MS } from '../model/limits.ts';
import type { Seal } from '../seal/seal.ts';
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
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  fault(what: string, error: unknown): void;
}

/** Of a node that is alone. */
export interface LocalLifecycle extends Lifecycle {
  /** Removes a mount's data in the background; its mount is in the table no more. */
  sweep(): void;
}

export function makeLifecycle(options: LifecycleOptions): LocalLifecycle {
  const { seal, cluster, catalog } = options;
  let open = false;
  let last: Promise<unknown> = Promise.resolve();
  let sweeping: Promise<void> | undefined;
  /** Fires when all is closed. */
  let closing = new AbortController();
  let sweepLater: { clear(): void } | undefined;

  /** One after another, whatever became of the one before. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const next = last.then(step, step);
    last = next.catch(() => {});
    return next;
  }

  async function openAll(): Promise<void> {
    closing = new AbortController();
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
    closing.abort();
    sweepLater?.clear();
    // Audit devices last: what ends now is still told to them.
    await cluster.stop();
    await sweeping;
    await options.close();
    catalog.clear();
    await seal.seal();
  }

  function sweep(): void {
    if (!open) return;
    sweepLater?.clear();
    sweeping ??= sweepAll(closing.signal)
      .catch((error: unknown) => {
        if (!open) return;
        options.fault('sweep', error);
        sweepLater = options.after(sweep, SWEEP_RETRY_MS);
      })
      .finally(() => {
        sweeping = undefined;
      });
  }

  async function sweepAll(signal: AbortSignal): Promise<void> {
    for (;;) {
      const [next] = sweepsOf(catalog.entries('mounts'));
      if (!next || signal.aborted) return;
      await cluster.sweepMount(next.namespace, next.uuid, signal);
      await catalog.change(mountSwept, { uuid: next.uuid });
    }
  }

  return {
    isSealed: () => !open,
    // Between "the key is here" and "all is open" nothing is served yet: still sealed.
    status: async () => ({ ...(await seal.status()), sealed: !open }),
    init: (config, more) =>
      inTurn(async () => {
        if (await seal.initialized()) throw new CodedError('bad_request', 'Vault is already initialized');
        let rootToken = '';
        try {
          const keys = await seal.init(config, async (made) => {
            cluster.start();
            rootToken = await options.found();
            await more?.({ keys: made, rootToken });
          });
          return { keys, rootToken };
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
    async reset() {
      seal.resetUnseal();
    },
    rotate: seal.rotate,
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
