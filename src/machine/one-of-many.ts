/**
 * `server -nodes=N`: how the settings of one of the nodes follow from those that all were started with. They share the API's addresses, where
 * the kernel gives each connection to one of them, and the store; each has its own name, its own port for other nodes and its own folder.
 *
 * @module
 */
import { join } from 'node:path';
import type { ClusterSettings, NodeSettings } from '../server-settings.ts';

/** Set in the environment of such a node: its number, from 1. */
export const NODE_NUMBER_VARIABLE = 'COFFER_NODE_NUMBER';

/** The folders of the nodes, and what they share besides the store, for an embedded store: beside its data. */
export function nodesFolder(storeFolder: string): string {
  return join(storeFolder, 'nodes');
}

/** Where the secret is that nodes of one embedded store share, if the configuration names none. */
export function sharedSecretFile(storeFolder: string): string {
  return join(nodesFolder(storeFolder), 'cluster-secret');
}

/** Undefined: a server as usual. */
export function nodeNumber(env: NodeJS.ProcessEnv): number | undefined {
  const number = Number(env[NODE_NUMBER_VARIABLE]);
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

/** @throws Error with one sentence where several nodes cannot share what is configured. */
export function checkSharable({ storage, cluster }: NodeSettings): void {
  if (cluster?.single) throw new Error('-nodes: the configuration says cluster { single = true }');
  if (cluster === undefined && storage.type !== 'file') {
    throw new Error(
      '-nodes: several nodes need a store that they can share: storage "file", "etcd" or "consul"',
    );
  }
}

/**
 * @param name - of the machine, where the configuration names no node.
 * @param number - of the node, from 1.
 */
export function asOneOfMany(settings: NodeSettings, name: string, number: number): NodeSettings {
  checkSharable(settings);
  const address = shiftPort(settings.clusterAddress, number - 1);
  const all = settings.cluster ?? aroundFolder(settings, name);
  const { listen } = all;
  return {
    ...settings,
    listeners: settings.listeners.map((listener) => ({ ...listener, reuse_port: true })),
    clusterAddress: address,
    cluster: {
      ...all,
      nodeId: `${all.nodeId}-${number}`,
      dataFolder: join(all.dataFolder, String(number)),
      listen: listen === undefined ? undefined : shiftPort(listen, number - 1),
      address: shiftPort(all.address, number - 1),
    },
    // It is the one of the process that started all of them.
    pidFile: undefined,
  };
}

/** A cluster on an embedded store that was configured for one node alone. */
function aroundFolder({ storage, clusterAddress }: NodeSettings, nodeId: string): ClusterSettings {
  const folder = storage.folder!;
  const { host } = new URL(clusterAddress);
  return {
    secretFile: sharedSecretFile(folder),
    single: false,
    approve: false,
    weight: 1,
    zone: '',
    protocolMax: undefined,
    partitionReads: 0,
    storage: { type: 'file', folder },
    coordinator: { type: 'embedded', folder: join(folder, 'coordinator') },
    nodeId,
    dataFolder: nodesFolder(folder),
    listen: host,
    address: host,
  };
}

/** @param address - `host:port` or `https://host:port`. */
function shiftPort(address: string, by: number): string {
  return address.replace(/\d+$/, (port) => String(Number(port) + by));
}
