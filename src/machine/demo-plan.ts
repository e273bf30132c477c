/**
 * The nodes of a demo: their names, ports and files.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the nodes keep what they hold. */
export type DemoStore =
  | { readonly type: 'file' }
  | { readonly type: 'etcd' | 'consul'; readonly address: string; readonly path: string };

export interface DemoNode {
  /** `n1`, `n2`, … */
  readonly nodeId: string;
  /** `http://127.0.0.1:port` */
  readonly apiAddress: string;
  /** `127.0.0.1:port` */
  readonly clusterAddress: string;
  /** Each has one for the API and, one above, one for other nodes. */
  readonly ports: readonly [api: number, cluster: number];
}

export const DEMO_HOST = '127.0.0.1';

export function planNodes(count: number, basePort: number): DemoNode[] {
  return Array.from({ length: count }, (_, at) => {
    const port = basePort + 2 * at;
    return {
      nodeId: `n${at + 1}`,
      apiAddress: `http://${DEMO_HOST}:${port}`,
      clusterAddress: `${DEMO_HOST}:${port + 1}`,
      ports: [port, port + 1],
    };
  });
}

export interface DemoFiles {
  readonly config: string;
  readonly log: string;
}

/** Writes what the node is started with into `folder`, which is private. @param secret - the cluster's, base64. */
export function writeNodeFiles(folder: string, node: DemoNode, store: DemoStore, secret: string): DemoFiles {
  const secretFile = join(folder, 'cluster-secret');
  writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
  const own = join(folder, node.nodeId);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const config = join(folder, `${node.nodeId}.hcl`);
  writeFileSync(config, nodeConfig(node, store, { secretFile, own, shared: join(folder, 'store') }), {
    mode: 0o600,
  });
  return { config, log: join(folder, `${node.nodeId}.log`) };
}

interface Places {
  readonly secretFile: string;
  /** Of this node alone. */
  readonly own: string;
  /** Of all, for an embedded store. */
  readonly shared: string;
}

/** A configuration as an operator would write it. */
export function nodeConfig(node: DemoNode, store: DemoStore, places: Places): string {
  const storage =
    store.type === 'file'
      ? `storage "file" {\n  path = ${quoted(places.shared)}\n}`
      : `storage "${store.type}" {\n  address = ${quoted(store.address)}\n  path    = ${quoted(store.path)}\n}`;
  return `node_id      = ${quoted(node.nodeId)}
api_addr     = ${quoted(node.apiAddress)}
cluster_addr = ${quoted(node.clusterAddress)}
cluster_name = "demo"

cluster {
  secret_file = ${quoted(places.secretFile)}
  data_dir    = ${quoted(places.own)}
}

listener "tcp" {
  address     = ${quoted(`${DEMO_HOST}:${node.ports[0]}`)}
  tls_disable = true
}

${storage}
`;
}

/** HCL's strings are JSON's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
