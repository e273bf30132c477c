/**
 * `debug` and `monitor` against a server: what is gathered, what is left out, and that no secret is in it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { runInProcess } from '../cli/in-process.ts';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { freePort } from '../support/free-port.ts';
import { COFFER_ENTRY, type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const ROOT = 'CANARY-root-71ac';
const SECRET = 'CANARY-value-71ac';

const folder = testFolder('debug');
let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev({ rootToken: ROOT });
  root = asking(server.address, ROOT);
});
after(() => server.stop());

const vault = (args: string[], token = ROOT, address = server.address) =>
  runInProcess(args, { COFFER_ARGV0: 'vault', HOME: folder, VAULT_ADDR: address, VAULT_TOKEN: token });

/** Name → content of the files in a `.tar.gz`; each header's checksum is right. */
function untar(file: string): Map<string, Buffer> {
  const bytes = gunzipSync(readFileSync(file));
  assert.equal(bytes.length % 512, 0);
  const files = new Map<string, Buffer>();
  for (let at = 0; bytes[at] !== 0; ) {
    const head = Buffer.from(bytes.subarray(at, at + 512));
    const text = (from: number, length: number) =>
      head.toString('latin1', from, from + length).replace(/[\0 ].*$/s, '');
    const sum = Number.parseInt(text(148, 8), 8);
    assert.equal(
      head.fill(' ', 148, 156).reduce((a, b) => a + b, 0),
      sum,
    );
    const size = Number.parseInt(text(124, 12), 8);
    if (text(156, 1) === '0') files.set(text(0, 100), bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

test('one archive of all there is to know, and no secret in it', async () => {
  const output = join(folder, 'all.tar.gz');
  const address = server.address.replace('://', `://user:${SECRET}@`);
  const running = vault(
    ['debug', '-duration=5s', '-interval=5s', `-output=${output}`, `-header=x-mine=${SECRET}`],
    ROOT,
    address,
  );
  let isOver = false;
  const traffic = (async () => {
    for (let n = 0; !isOver; n++) {
      await succeed(root, 'POST', 'secret/data/a', { data: { a: SECRET } });
      // Refusals and faults, too.
      await asking(server.address, `hvs.${SECRET}`)('GET', 'secret/data/a');
      if (n % 10 === 0) process.kill(server.pid, 'SIGHUP');
    }
  })();
  const { exit, stdout, stderr } = await running;
  isOver = true;
  await traffic;
  assert.deepEqual([exit, stderr], [0, '']);
  assert.match(stdout, /Success! Bundle written to: /);
  assert.doesNotMatch(stdout, /CANARY/);
  assert.equal(statSync(output).mode & 0o777, 0o600);
  assert.equal(existsSync(join(folder, 'all')), false);
  const files = untar(output);
  for (const [name, content] of files) {
    assert.doesNotMatch(content.toString('latin1'), /CANARY/, name);
    if (name.endsWith('.prof')) assert.doesNotMatch(gunzipSync(content).toString('latin1'), /CANARY/, name);
  }
  const names = [...files.keys()].map((name) => name.replace(/^all\//, '').replace(/^\d[^/]+Z\//, 'TIME/'));
  assert.deepEqual(names, [
    'TIME/allocs.prof',
    'TIME/goroutine.prof',
    'TIME/goroutines.txt',
    'TIME/heap.prof',
    'TIME/heap.txt',
    'TIME/profile.prof',
    'TIME/threadcreate.prof',
    'config.json',
    'host_info.json',
    'index.json',
    'metrics.json',
    'replication_status.json',
    'requests.json',
    'server_status.json',
    'vault.log',
  ]);
  const json = (name: string) => JSON.parse(files.get(`all/${name}`)!.toString());
  const index = json('index.json');
  assert.deepEqual(index.errors, []);
  assert.deepEqual(index.output.files.length, names.length - 1);
  assert.equal(index.vault_address, server.address);
  assert.equal(json('server_status.json')[0].health.initialized, true);
  assert.equal(json('server_status.json')[0].seal.sealed, false);
  assert(json('config.json')[0].config);
  assert(json('metrics.json')[0].metrics.Gauges);
  assert.match(files.get('all/vault.log')!.toString(), /reloaded/);
});

test('a folder, of some targets; what the token may not read is named, and the rest is there', async () => {
  const policy = 'path "sys/host-info" { capabilities = ["read"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/host', { policy });
  const { token } = await makeToken(root, { policies: ['host'] });
  const output = join(folder, 'some');
  const targets = ['-target=host', '-target=config', '-target=log,pprof'];
  const { exit, stderr } = await vault(
    ['debug', '-compress=false', '-duration=1s', `-output=${output}`, ...targets],
    token,
  );
  assert.equal(exit, 0);
  assert.match(stderr, /Overwriting duration value "1s" to the minimum value of "5s"/);
  assert.match(stderr, /Error capturing config: .*permission denied/);
  const index = JSON.parse(readFileSync(join(output, 'index.json'), 'utf8'));
  assert.deepEqual(index.targets, ['config', 'host', 'pprof', 'log']);
  const failed = new Set(index.errors.map(({ target }: { target: string }) => target));
  assert.deepEqual([...failed].sort(), ['config', 'log', 'pprof']);
  assert.equal(JSON.parse(readFileSync(join(output, 'host_info.json'), 'utf8')).length, 1);
  assert.deepEqual(JSON.parse(readFileSync(join(output, 'config.json'), 'utf8')), []);
  assert.equal(statSync(output).mode & 0o777, 0o700);
  for (const name of readdirSync(output)) {
    if (name.includes('.')) assert.equal(statSync(join(output, name)).mode & 0o777, 0o600, name);
  }
});

test('refused before anything is gathered: what is there already, what is no target, and where there is no server', async () => {
  const there = await vault(['debug', `-output=${folder}`, '-compress=false']);
  assert.deepEqual([there.exit, there.stderr], [1, `output directory already exists: ${folder}\n`]);
  const target = await vault(['debug', '-target=secrets']);
  assert.deepEqual([target.exit, target.stderr], [1, 'Invalid targets: secrets\n']);
  assert.equal((await vault(['debug', 'x'])).exit, 1);
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  const output = join(folder, 'none.tar.gz');
  const none = await vault(['debug', `-output=${output}`], ROOT, nowhere);
  assert.equal(none.exit, 2);
  assert.match(none.stderr, /connection refused/);
  assert.equal(existsSync(join(folder, 'none')), false);
});

test('monitor prints lines until Ctrl-C, and ends with 0; where the server ends it too', async () => {
  const env = { ...process.env, VAULT_ADDR: server.address, VAULT_TOKEN: ROOT };
  const child = spawn(process.execPath, [COFFER_ENTRY, 'monitor', '-log-format=json'], { env });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await until('a line', () => {
    process.kill(server.pid, 'SIGHUP');
    return text.includes('reloaded');
  });
  assert.equal(JSON.parse(text.split('\n')[0]!)['@message'], 'reloaded');
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  await succeed(root, 'PUT', 'sys/policies/acl/looks', {
    policy: 'path "sys/monitor" { capabilities = ["read"] }',
  });
  const { token } = await makeToken(root, { policies: ['looks'], ttl: '3s' });
  const { exit, stdout } = await vault(['monitor'], token);
  assert.equal(exit, 0);
  assert.match(stdout, /monitor: it ends/);
});

test('monitor refuses what is no level, and says what the server refuses', async () => {
  const level = await vault(['monitor', '-log-level=loud']);
  assert.equal(level.exit, 1);
  assert.match(
    level.stderr,
    /loud is an unknown log level\. Valid log levels are: \[trace debug info warn error\]/,
  );
  const format = await vault(['monitor', '-log-format=xml']);
  assert.equal(format.exit, 1);
  assert.match(format.stderr, /^Error starting monitor: .*unknown log format/s);
  const { exit, stderr } = await vault(['monitor'], 'hvs.none');
  assert.equal(exit, 1);
  assert.match(stderr, /permission denied/);
});
