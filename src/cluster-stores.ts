/**
 * The store and the coordinator that the configuration names, opened.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConsulStore, EtcdStore, StoreTlsFiles } from './config/storage.ts';
import type { Clock } from './model/clock.ts';
import type { Coordinator } from './model/coordinator.ts';
import type { Storage } from './model/storage.ts';
import type { ClusterSettings } from './server-settings.ts';
import type { StoreTls } from './storage/store-calls.ts';

/** What all keys of a store on the network begin with, below the configured path: data and coordination are apart. */
const DATA = 'data/';
const COORDINATION = 'coordinator/';

type Stores = Pick<ClusterSettings, 'storage' | 'coordinator'>;

/** @throws Error in one sentence where it is not to be had. */
export async function openStore({ storage }: Stores, clock: Clock): Promise<Storage> {
  if (storage.type === 'file') {
    const { openLmdb } = await import('./storage/lmdb.ts');
    return openLmdb({ type: 'file', folder: storage.folder, shared: true });
  }
  if (storage.type === 'etcd') {
    const { openEtcd } = await import('./storage/etcd.ts');
    return openEtcd({ ...optionsOf(storage, DATA, clock), randomBytes });
  }
  const { openConsul } = await import('./storage/consul.ts');
  return openConsul({ ...optionsOf(storage, DATA, clock), randomBytes });
}

/** @throws Error in one sentence where it cannot be used. */
export async function openCoordinator({ coordinator }: Stores, clock: Clock): Promise<Coordinator> {
  if (coordinator.type === 'embedded') {
    const { makeEmbeddedCoordinator } = await import('./cluster/coordinators/embedded.ts');
    return makeEmbeddedCoordinator({ folder: coordinator.folder, clock });
  }
  if (coordinator.type === 'etcd') {
    const { makeEtcdCoordinator } = await import('./cluster/coordinators/etcd.ts');
    return makeEtcdCoordinator(optionsOf(coordinator, COORDINATION, clock));
  }
  const { makeConsulCoordinator } = await import('./cluster/coordinators/consul.ts');
  return makeConsulCoordinator(optionsOf(coordinator, COORDINATION, clock));
}

function optionsOf<S extends EtcdStore | ConsulStore>(store: S, below: string, clock: Clock) {
  return { ...store, path: `${store.path.replace(/\/$/, '')}/${below}`, tls: tlsOf(store.tls), clock };
}

function tlsOf(files: StoreTlsFiles | undefined): StoreTls | undefined {
  if (files === undefined) return undefined;
  const { caFile, certFile, keyFile } = files;
  return { ca: textOf(caFile), cert: textOf(certFile), key: textOf(keyFile) };
}

function textOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
