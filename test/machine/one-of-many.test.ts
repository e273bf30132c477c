import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSharable, NODE_NUMBER_VARIABLE } from '../../src/machine/one-of-many.ts';
import { parseServerFlags } from '../../src/server-flags.ts';
import { type NodeSettings, settingsOf } from '../../src/server-settings.ts';
import { testFolder } from '../support/test-folder.ts';

const base = testFolder();
const LISTENER = 'listener "tcp" { address = "127.0.0.1:8200" tls_disable = true }';

function settingsFrom(text: string, number?: number): NodeSettings {
  const file = join(base, 'coffer.hcl');
  writeFileSync(file, text);
  const env = number === undefined ? {} : { [NODE_NUMBER_VARIABLE]: String(number) };
  return settingsOf(parseServerFlags([`-config=${file}`], {}), env, undefined);
}

test('nodes of an embedded store that was configured for one: a cluster around its folder', () => {
  const text = `${LISTENER} pid_file = "/run/coffer.pid" storage "file" { path = "${base}/data" }`;
  assert.equal(settingsFrom(text).cluster, undefined, 'without -nodes it is a node alone');
  for (const number of [1, 3]) {
    const { cluster, listeners, apiAddress, clusterAddress, pidFile } = settingsFrom(text, number);
    assert.equal(apiAddress, 'http://127.0.0.1:8200', 'shared');
    assert.equal(listeners[0]?.reuse_port, true);
    assert.equal(clusterAddress, `https://127.0.0.1:${8200 + number}`);
    assert.equal(pidFile, undefined);
    assert(cluster);
    assert.equal(cluster.nodeId, `${hostname()}-${number}`);
    assert.equal(cluster.dataFolder, join(base, 'data/nodes', String(number)));
    assert.equal(cluster.secretFile, join(base, 'data/nodes/cluster-secret'));
    assert.equal(cluster.address, `127.0.0.1:${8200 + number}`);
    assert.equal(cluster.listen, cluster.address);
    assert.deepEqual(cluster.storage, { type: 'file', folder: join(base, 'data') });
    assert.deepEqual(cluster.coordinator, { type: 'embedded', folder: join(base, 'data/coordinator') });
  }
});

test('of a cluster that is configured, the nodes take all but name, folder and ports', () => {
  const text = `${LISTENER} node_id = "east" cluster_addr = "10.0.0.5:9000"
    cluster { secret_file = "/etc/secret" data_dir = "/var/lib/coffer" weight = 2 zone = "a" }
    storage "etcd" { path = "own/" }`;
  const { cluster } = settingsFrom(text, 2);
  assert(cluster);
  assert.equal(cluster.nodeId, 'east-2');
  assert.equal(cluster.dataFolder, '/var/lib/coffer/2');
  assert.equal(cluster.address, '10.0.0.5:9001');
  assert.equal(cluster.secretFile, '/etc/secret');
  assert.equal(cluster.weight, 2);
  assert.equal(cluster.zone, 'a');
  assert.equal(cluster.storage.type, 'etcd');
});

test('what several nodes cannot share is refused', () => {
  const inmem = settingsFrom(`${LISTENER} storage "inmem" {}`);
  assert.throws(() => checkSharable(inmem), /-nodes: several nodes need a store that they can share/);
  const single = settingsFrom(`${LISTENER} cluster { single = true } storage "etcd" {}`);
  assert.throws(() => checkSharable(single), /-nodes: the configuration says cluster \{ single = true \}/);
});

test('-nodes takes a number', () => {
  assert.equal(parseServerFlags(['-nodes=2'], {}).nodes, 2);
  assert.equal(parseServerFlags(['-nodes', '64'], {}).nodes, 64);
  assert.equal(parseServerFlags([], {}).nodes, undefined);
  for (const wrong of ['0', '65', '-1', 'two', '', '1.5', '2x']) {
    assert.throws(() => parseServerFlags([`-nodes=${wrong}`], {}), /-nodes: expected a number from 1 to 64/);
  }
});
