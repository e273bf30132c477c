/** The systemd unit and the compose file. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config.ts';
import { testFolder } from '../support/test-folder.ts';

const path = (name: string) => new URL(`../../deploy/${name}`, import.meta.url).pathname;
const text = (name: string) => readFileSync(path(name), 'utf8');

/** Keys by section, each with its values. */
function unitOf(source: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  for (const line of source.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (name !== undefined) {
      section = new Map();
      sections.set(name, section);
      continue;
    }
    const [, key, value] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? [];
    assert(section && key !== undefined, line);
    section.set(key, [...(section.get(key) ?? []), value!]);
  }
  return sections;
}

test('the unit: keys are kept from core dumps and swap, and a stop has its time', () => {
  const unit = unitOf(text('systemd/coffer.service'));
  const service = unit.get('Service')!;
  for (const [key, value] of [
    ['LimitCORE', '0'],
    ['MemorySwapMax', '0'],
    ['ProtectSystem', 'strict'],
    ['NoNewPrivileges', 'yes'],
    ['StateDirectory', 'coffer'],
    ['TimeoutStopSec', '60'],
  ] as const)
    assert.deepEqual(service.get(key), [value], key);
  assert.match(
    service.get('ExecStart')![0]!,
    /^\/\S+\/bin\/coffer server -config=\/etc\/coffer\/coffer\.hcl$/,
  );
  assert.deepEqual([...unit.keys()], ['Unit', 'Service', 'Install']);
});

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
test('systemd takes the unit', { skip: hasAnalyze ? false : 'no systemd-analyze here' }, () => {
  const folder = testFolder('unit');
  // A program and a user that are on every machine.
  const unit = text('systemd/coffer.service')
    .replace('/opt/coffer/bin/coffer', '/bin/true')
    .replaceAll(/^(User|Group)=coffer$/gm, '$1=root');
  writeFileSync(join(folder, 'coffer.service'), unit);
  const done = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, 'coffer.service')], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  const ours = done.stderr.split('\n').filter((line) => line.includes('coffer.service'));
  assert.deepEqual(ours, []);
});

test('compose: three nodes on one etcd, with the configuration beside it', () => {
  const compose = parse(text('compose/compose.yaml'), { merge: true });
  const { etcd, secret, n1, n2, n3 } = compose.services;
  const used = new Set<string>();
  for (const [name, service] of Object.entries({ n1, n2, n3 })) {
    assert.equal(service.hostname, name, 'the node id');
    assert.equal(service.environment.VAULT_CLUSTER_ADDR, `https://${name}:8201`);
    const [, port] = /^127\.0\.0\.1:(\d+):8200$/.exec(service.ports[0]) ?? [];
    assert.equal(service.environment.VAULT_API_ADDR, `http://127.0.0.1:${port}`);
    used.add(port!);
    assert.equal(service.depends_on.secret.condition, 'service_completed_successfully');
    for (const volume of service.volumes) {
      const [from] = volume.split(':');
      assert(from.startsWith('./') || from in compose.volumes, volume);
    }
  }
  assert.equal(used.size, 3);
  assert(etcd.healthcheck.test.includes('endpoint'));
  assert.equal(secret.image, n1.image);
  const { config, warnings } = loadConfig([path('compose/coffer.hcl')], {}, { dev: false });
  assert.deepEqual(warnings, []);
  assert.equal(config.storage?.type, 'etcd');
  assert.deepEqual((config.storage as { endpoints?: readonly string[] }).endpoints, ['http://etcd:2379']);
});

test('the image runs what a release brings, as a user of its own', () => {
  const image = text('Dockerfile');
  assert.match(image, /^USER 10001:10001$/m);
  assert.match(image, /npm ci && npm pack/);
  assert.match(image, /^ENTRYPOINT \["coffer"\]$/m);
  assert.match(text('Dockerfile.dockerignore'), /^\*\*\/node_modules$/m);
});
