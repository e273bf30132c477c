import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClusterSecrets } from '../../src/cluster/transport/secret.ts';
import { type DemoStore, nodeConfig, planNodes, writeNodeFiles } from '../../src/machine/demo-plan.ts';
import { deathNotice, demoBanner, demoLines } from '../../src/machine/demo-text.ts';
import { parseServerFlags } from '../../src/server-flags.ts';
import { settingsOf } from '../../src/server-settings.ts';
import { testFolder } from '../support/test-folder.ts';

const base = testFolder();
const SECRET = Buffer.alloc(32, 7).toString('base64');
const settingsFrom = (config: string) =>
  settingsOf(parseServerFlags([`-config=${config}`], {}), {}, undefined);

test('nodes have names and two ports each, one after the other', () => {
  assert.deepEqual(planNodes(2, 9000), [
    {
      nodeId: 'n1',
      apiAddress: 'http://127.0.0.1:9000',
      clusterAddress: '127.0.0.1:9001',
      ports: [9000, 9001],
    },
    {
      nodeId: 'n2',
      apiAddress: 'http://127.0.0.1:9002',
      clusterAddress: '127.0.0.1:9003',
      ports: [9002, 9003],
    },
  ]);
});

test('a node’s configuration is what the server reads: one store for all, a secret, a folder of its own', () => {
  const folder = mkdtempSync(join(base, 'a "quoted\\ folder-'));
  const [first, second] = planNodes(2, 9000);
  const files = [first!, second!].map((node) => writeNodeFiles(folder, node, { type: 'file' }, SECRET));
  const settings = files.map(({ config }) => settingsFrom(config));
  for (const [at, { cluster, listeners, apiAddress, clusterName, warnings }] of settings.entries()) {
    assert.deepEqual(warnings, []);
    assert.equal(apiAddress, `http://127.0.0.1:${9000 + 2 * at}`);
    assert.deepEqual(listeners[0], { address: `127.0.0.1:${9000 + 2 * at}`, tls_disable: true });
    assert(cluster);
    assert.equal(cluster.nodeId, `n${at + 1}`);
    assert.equal(cluster.address, `127.0.0.1:${9001 + 2 * at}`);
    assert.equal(cluster.dataFolder, join(folder, `n${at + 1}`));
    assert.deepEqual(cluster.storage, { type: 'file', folder: join(folder, 'store') });
    assert.equal(cluster.coordinator.type, 'embedded');
    assert.equal(clusterName, 'demo');
    assert.deepEqual(readClusterSecrets(cluster.secretFile!), [Buffer.alloc(32, 7)]);
  }
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
});

test('etcd and Consul are named where they are asked for', () => {
  const [node] = planNodes(1, 9000);
  const places = { secretFile: '/s', own: '/o', shared: '/x' };
  for (const type of ['etcd', 'consul'] as const) {
    const store: DemoStore = { type, address: 'http://127.0.0.1:2379', path: 'coffer-demo-1/' };
    const config = nodeConfig(node!, store, places);
    assert(
      config.includes(
        `storage "${type}" {\n  address = "http://127.0.0.1:2379"\n  path    = "coffer-demo-1/"`,
      ),
    );
    assert(!config.includes('/x'));
  }
});

const nodes = planNodes(3, 8200).map((node, at) => ({ ...node, pid: 101 + at }));

test('for programs: one line of JSON for each node', () => {
  const lines = demoLines(nodes).split('\n');
  assert.equal(lines.length, 4);
  assert.deepEqual(JSON.parse(lines[1]!), {
    node_id: 'n2',
    pid: 102,
    api_addr: 'http://127.0.0.1:8202',
    cluster_addr: '127.0.0.1:8203',
  });
});

test('for people: where the nodes are, and to write on one, read on another, kill the first, read and watch', () => {
  const facts = { unsealKey: 'key', rootToken: 'root', program: 'bin/coffer', folder: '/f', store: 'etcd' };
  const text = demoBanner({ ...facts, nodes });
  assert.match(text, /^3 nodes are up/);
  assert.match(text, /^Root Token: root$/m);
  const commands = text.split('\n').filter((line) => /^ {4}(?:export|bin|kill)/.test(line));
  assert.deepEqual(
    commands.map((line) => line.trim()),
    [
      "export VAULT_TOKEN='root'",
      'bin/coffer kv put -address=http://127.0.0.1:8200 secret/hello who=world',
      'bin/coffer kv get -address=http://127.0.0.1:8202 secret/hello',
      'kill -9 101',
      'bin/coffer kv get -address=http://127.0.0.1:8204 secret/hello',
      'bin/coffer cluster watch -address=http://127.0.0.1:8202',
    ],
  );
  assert(!demoBanner({ ...facts, nodes: nodes.slice(0, 1) }).includes('kill'), 'one alone is not killed');
});

test('a death is told with what is left', () => {
  const [first] = nodes;
  assert.equal(deathNotice(first!, 'SIGKILL', 2), 'n1 ended (SIGKILL): 2 go on; this one stays dead.\n');
  assert.equal(deathNotice(first!, 1, 1), 'n1 ended (exit code 1): 1 goes on; this one stays dead.\n');
  assert.equal(deathNotice(first!, 0, 0), 'n1 ended (exit code 0): none is left.\n');
});
