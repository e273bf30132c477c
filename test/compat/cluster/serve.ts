/**
 * `vault server …` as clients' tests start it, but three nodes with one embedded store behind a proxy that hands each request to the next.
 *
 *     node serve.ts server -config=FILE
 *     node serve.ts server -dev -dev-root-token-id=ID -dev-listen-address=HOST:PORT
 *
 * Of the file it takes the listener's address and TLS files, and the lease times; with `-dev` the cluster is initialised, unsealed, has KV
 * version 2 at `secret/` and the root token asked for, and prints the unseal key.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfigText } from '../../../src/config/file.ts';
import { startNodes, type TestNodes } from '../../support/nodes.ts';
import { testFolder } from '../../support/test-folder.ts';
import { endWithUs } from './end-with-us.ts';
import { startRoundRobin } from './round-robin.ts';

/** Two such clusters start at the same time on a machine with two cores. */
const READY_TIMEOUT_MS = 120_000;
/** As one that Vault makes up. */
const CLUSTER_NAME = 'vault-cluster-0000c0de';
const DEFAULT_ADDRESS = '127.0.0.1:8200';

const { values } = parseArgs({
  args: process.argv.slice(2).map((arg) => arg.replace(/^-(?=\w{2})/, '--')),
  allowPositionals: true,
  options: {
    config: { type: 'string' },
    dev: { type: 'boolean', default: false },
    'dev-root-token-id': { type: 'string', default: 'root' },
    'dev-listen-address': { type: 'string', default: DEFAULT_ADDRESS },
  },
});
const file =
  values.config === undefined
    ? undefined
    : readConfigText(values.config, readFileSync(values.config, 'utf8'), []);
const listener = file?.listeners[0];
const [host, port] = (listener?.address ?? values['dev-listen-address']).split(':') as [string, string];

const ready = Promise.withResolvers<readonly string[]>();
const { tls_cert_file: cert, tls_key_file: key } = listener ?? {};
await startRoundRobin({
  host,
  port: Number(port),
  tls: cert && key ? { cert: readFileSync(resolve(cert)), key: readFileSync(resolve(key)) } : undefined,
  addresses: ready.promise,
});

// From the first moment on: who kills this program does not wait until it is ready.
const folder = testFolder('cluster');
const cluster = await startNodes({
  folder,
  spawned: endWithUs(folder),
  store: 'embedded',
  clusterName: CLUSTER_NAME,
  config: `ui = ${values.dev}\n${leaseTimes()}`,
  readyTimeoutMs: READY_TIMEOUT_MS,
});
if ('missing' in cluster) throw new Error(cluster.missing);
if (values.dev) await openDev(cluster);
ready.resolve(cluster.nodes.map((node) => node.address));

function leaseTimes(): string {
  const { default_lease_ttl: usual, max_lease_ttl: most } = file?.values ?? {};
  return [usual && `default_lease_ttl = "${usual}s"`, most && `max_lease_ttl = "${most}s"`]
    .filter(Boolean)
    .join('\n');
}

async function openDev(nodes: TestNodes): Promise<void> {
  await nodes.open();
  const { rootToken } = nodes;
  const wanted = values['dev-root-token-id'];
  const put = async (path: string, body: object) => {
    const reply = await nodes.nodes[0]!.call('PUT', path, { token: rootToken, body });
    assert(reply.status < 300, `${path}: ${reply.text}`);
  };
  const options = { version: '2' };
  await put('sys/mounts/secret', { type: 'kv', description: 'key/value secret storage', options });
  await put('auth/token/create', { id: wanted, no_parent: true, policies: ['root'] });
  await put('auth/token/revoke-self', {});
  console.log(`Unseal Key: ${nodes.unsealKey}\nRoot Token: ${wanted}`);
}
