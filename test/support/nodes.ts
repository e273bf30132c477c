/**
 * A real cluster for tests: several nodes as processes, over a real etcd, a real Consul, or one machine's embedded parts.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPILED, startConfigured } from './configured.ts';
import { findConsul, startConsul } from './consul.ts';
import { findEtcd, type StoreServer, startEtcdCluster } from './etcd.ts';
import { freePort } from './free-port.ts';
import { type CallOptions, type CallReply, call } from './http.ts';
import type { Hosts } from './namespaces.ts';
import type { RunningServer } from './server.ts';
import { testFolder } from './test-folder.ts';
import { until } from './until.ts';

export type StoreKind = 'etcd' | 'consul' | 'embedded';

export interface NodesOptions {
  /** Three where absent. */
  readonly count?: number;
  readonly store: StoreKind;
  /** Members of etcd; one where absent. */
  readonly storeMembers?: number;
  /** `test` where absent. */
  readonly clusterName?: string;
  /** Further lines of each node's configuration. */
  readonly config?: string;
  /** Further lines of `cluster { … }`. */
  readonly clusterConfig?: string | ((node: number) => string);
  readonly env?: Record<string, string | undefined>;
  /** Put before node and its arguments, by node. */
  readonly wrapper?: (node: number) => readonly string[];
  /** Each node on a host of its own, the stores at an address of theirs. */
  readonly hosts?: Hosts;
  /** Where the embedded store lies; in the cluster's folder where absent. */
  readonly storeFolder?: string;
  /** How long a node may take to start, ms; thirty seconds where absent. */
  readonly readyTimeoutMs?: number;
  /** Where all of it lies; a folder that goes with this process where absent. */
  readonly folder?: string;
  /** Called with the process id of each node that is started, before it answers. */
  spawned?(pid: number): void;
}

export interface TestNode {
  readonly id: string;
  readonly address: string;
  readonly clusterPort: number;
  /** Of the running process. */
  pid(): number;
  output(): string;
  isRunning(): boolean;
  /** Again, after it was killed or stopped; resolves when it answers, sealed or not. `entry`: another release's `coffer.ts`, from now on. */
  start(entry?: string): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  call(method: string, path: string, options?: CallOptions): Promise<CallReply>;
  /** Resolves when `sys/health` answers 200. */
  untilActive(timeoutMs?: number): Promise<number>;
}

export interface TestNodes {
  readonly nodes: readonly TestNode[];
  /** Servers of etcd or Consul; none where embedded. */
  readonly stores: readonly StoreServer[];
  readonly folder: string;
  /** Set by `open`. */
  readonly rootToken: string;
  readonly unsealKey: string;
  /** Initialises at the first node, unseals there, and waits until all are active. */
  open(): Promise<void>;
  /** Ends all nodes and stores. */
  remove(): Promise<void>;
}

/** @returns a sentence where a program is missing. */
export async function startNodes(options: NodesOptions): Promise<TestNodes | { missing: string }> {
  const { count = 3, store } = options;
  const found = store === 'etcd' ? await findEtcd() : store === 'consul' ? await findConsul() : undefined;
  if (found && 'missing' in found) return found;
  const stores: StoreServer[] = [];
  if (store === 'etcd') stores.push(...(await startEtcdCluster(found!.path, options.storeMembers ?? 1)));
  if (store === 'consul') stores.push(await startConsul(found!.path));
  const { hosts } = options;
  const addresses = await Promise.all(
    stores.map(async ({ address }) => (hosts ? hosts.publish(address) : address)),
  );
  const folder = options.folder ?? testFolder('nodes');
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const storage = {
    etcd: () => `storage "etcd" { address = "${addresses.join(',')}" path = "coffer/" }`,
    consul: () => `storage "consul" { address = "${addresses[0]}" path = "coffer/" }`,
    embedded: () => `storage "file" { path = "${options.storeFolder ?? join(folder, 'store')}" }`,
  }[store]();
  const nodes: TestNode[] = [];
  try {
    for (let n = 1; n <= count; n++) nodes.push(await makeNode(n));
    await Promise.all(nodes.map((node) => node.start()));
  } catch (error) {
    await remove();
    throw error;
  }

  async function makeNode(n: number): Promise<TestNode> {
    const id = `n${n}`;
    const home = join(folder, id);
    mkdirSync(home);
    const [port, clusterPort] = [await freePort(), await freePort()];
    const host = hosts?.hosts[n - 1];
    const ip = host?.ip ?? '127.0.0.1';
    const address = `http://${ip}:${port}`;
    const config = `
node_id = "${id}"
api_addr = "${address}"
cluster_addr = "${ip}:${clusterPort}"
cluster_name = "${options.clusterName ?? 'test'}"
cluster {
  secret_file = "${secretFile}"
  ${typeof options.clusterConfig === 'function' ? options.clusterConfig(n) : (options.clusterConfig ?? '')}
}
listener "tcp" {
  address = "${ip}:${port}"
  tls_disable = true
}
${storage}
${options.config ?? ''}
`;
    let server: RunningServer | undefined;
    let isRunning = false;
    let entry: string | undefined;
    const node: TestNode = {
      id,
      address,
      clusterPort,
      pid: () => server!.pid,
      output: () => `${server?.stdout() ?? ''}${server?.stderr() ?? ''}`,
      isRunning: () => isRunning,
      async start(other) {
        entry = other ?? entry;
        server = await startConfigured({
          folder: home,
          config,
          entry,
          readyTimeoutMs: options.readyTimeoutMs,
          spawned: options.spawned,
          address,
          env: { NODE_COMPILE_CACHE: COMPILED, ...options.env },
          wrapper: [...(host?.wrapper ?? []), ...(options.wrapper?.(n) ?? [])],
          readyStatus: [200, 429, 472, 473, 501, 503],
        });
        isRunning = true;
        const started = server;
        void server.exited.then(() => {
          if (server === started) isRunning = false;
        });
      },
      stop: async (signal) => server?.stop(signal),
      call: (method, path, more) => call(address, method, `/v1/${path}`, more),
      untilActive: (timeoutMs) =>
        until(
          `${id} is active`,
          async () => {
            try {
              return (await call(address, 'GET', '/v1/sys/health', { timeoutMs: 2_000 })).status === 200;
            } catch {
              return false;
            }
          },
          timeoutMs,
        ),
    };
    return node;
  }

  async function remove(): Promise<void> {
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
    await Promise.all(stores.map((each) => each.remove()));
  }

  let rootToken = '';
  let unsealKey = '';
  return {
    nodes,
    stores,
    folder,
    get rootToken() {
      return rootToken;
    },
    get unsealKey() {
      return unsealKey;
    },
    async open() {
      const [first] = nodes;
      const body = { secret_shares: 1, secret_threshold: 1 };
      const made = await first!.call('PUT', 'sys/init', { body });
      assert.equal(made.status, 200, made.text);
      rootToken = made.body.root_token;
      unsealKey = made.body.keys_base64[0];
      const opened = await first!.call('PUT', 'sys/unseal', { body: { key: unsealKey } });
      // 503: open, and on a slow machine not in the cluster yet.
      assert([200, 503].includes(opened.status), opened.text);
      await Promise.all(nodes.map((node) => node.untilActive(options.readyTimeoutMs)));
    },
    remove,
  };
}
