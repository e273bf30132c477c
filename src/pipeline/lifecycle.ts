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
import type { Seal } from '../seal/seal.ts';
import type { MountSweeps } from './mount-sweeps.ts';

export interface LifecycleOptions {
  readonly seal: Seal;
  readonly cluster: LocalCluster;
  readonly catalog: Catalog;
  readonly sweeps: MountSweeps;
  /** Opens what hangs on the catalog, audit devices first; every step may be repeated. */
  open(): Promise<void>;
  /** The reverse of `open`. Must not fail. */
  close(): Promise<void>;
  /** Writes what a new store begins with. Returns the root token. */
  found(): Promise<string>;
}

export function makeLifecycle(options: LifecycleOptions): Lifecycle {
  const { seal, cluster, catalog, sweeps } = options;
  let open = false;
  let last: Promise<unknown> = Promise.resolve();

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
      sweeps.start();
    } catch (error) {
      await closeAll();
      throw error;
    }
  }

  async function closeAll(): Promise<void> {
    open = false;
    // Audit devices last: what ends now is still told to them.
    await Promise.all([sweeps.stop(), cluster.stop()]);
    await options.close();
    catalog.clear();
    await seal.seal();
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
    async rotateIfDue() {
      if (open) await seal.rotateIfDue();
    },
    replaceSeal: seal.rekeying.install,
    seal: () =>
      inTurn(async () => {
        if (open) await closeAll();
      }),
  };
}

/** Settings of the cluster as a whole. */
export const putSetting: SectionChange<{ key: string; value: unknown }, void> = {
  id: 'settings/put',
  section: 'settings',
  run: (_entries, { key, value }) => ({ patch: { [key]: value }, reply: undefined }),
};
