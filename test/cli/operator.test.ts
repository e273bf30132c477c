/** From an uninitialized server to a sealed one, with the commands of those who run it. Texts: Vault's documentation, commands/operator. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { COFFER_ENTRY, type RunningServer, startServer } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { runInProcess } from './in-process.ts';

const dir = testFolder('operator');
let server: RunningServer;
let token = '';
before(async () => {
  const port = await freePort();
  const config = `listener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\nstorage "inmem" {}\n`;
  writeFileSync(join(dir, 'config.hcl'), config);
  server = await startServer({
    command: process.execPath,
    args: [COFFER_ENTRY, 'server', `-config=${join(dir, 'config.hcl')}`],
    env: { HOME: dir, VAULT_ADDR: undefined, VAULT_TOKEN: undefined },
    address: `http://127.0.0.1:${port}`,
    readyStatus: [501],
  });
});
after(() => server?.stop());

const run = (...args: string[]) =>
  runInProcess(args, { COFFER_ARGV0: 'vault', HOME: dir, VAULT_ADDR: server.address, VAULT_TOKEN: token });

test('an uninitialized server is sealed: exit code 2', async () => {
  const { exit, stdout } = await run('status');
  assert.equal(exit, 2);
  assert.match(
    stdout,
    /^Key +Value\n--- +-----\nSeal Type +shamir\nInitialized +false\nSealed +true\nTotal Shares +0\nThreshold +0\nUnseal Progress +0\/0\nUnseal Nonce +n\/a\nVersion +1\.19\.5\n/,
  );
  assert.deepEqual(await run('operator', 'init', '-status'), {
    exit: 2,
    stdout: 'Vault is not initialized\n',
    stderr: '',
  });
  assert.equal((await run('operator', 'init', '-status', '-format=json')).exit, 2);
});

const shares: string[] = [];

test("init prints shares and root token in Vault's lines", async () => {
  const { exit, stdout } = await run('operator', 'init', '-n=3', '-t', '2');
  assert.equal(exit, 0);
  const lines = stdout.split('\n');
  for (const i of [1, 2, 3]) {
    const share = /^Unseal Key (\d): ([\w+/]{44}=*)$/.exec(lines[i - 1] as string);
    assert.equal(share?.[1], String(i));
    shares.push(share?.[2] as string);
  }
  assert.equal(lines[3], '');
  token = /^Initial Root Token: (hvs\.\w+)$/.exec(lines[4] as string)?.[1] as string;
  assert.match(lines.slice(6).join(' '), /^Vault initialized with 3 key shares and a key threshold of 2\./);
});

test('a second init is refused', async () => {
  const { exit, stderr } = await run('operator', 'init');
  assert.equal(exit, 2);
  assert.match(
    stderr,
    /^Error initializing: Error making API request\.\n\nURL: PUT http:\S+\/v1\/sys\/init\nCode: 400\. Errors:\n\n\* Vault is already initialized\n$/,
  );
  assert.equal((await run('operator', 'init', '-status')).exit, 0);
});

test('a sealed server refuses, and path-help says why', async () => {
  const { exit, stderr } = await run('read', 'cubbyhole/x');
  assert.equal(exit, 2);
  assert.match(stderr, /Code: 503\. Errors:\n\n\* Vault is sealed\n$/);
  assert.match(
    (await run('path-help', 'sys')).stderr,
    /^Error: Vault is sealed\.\n\nThe "path-help" command requires/,
  );
});

test('shares unseal one after another; reset forgets them', async () => {
  const first = await run('operator', 'unseal', shares[0] as string);
  assert.equal(first.exit, 0);
  assert.match(first.stdout, /^Unseal Progress +1\/2\nUnseal Nonce +[\da-f-]{36}$/m);
  assert.match((await run('operator', 'unseal', '-reset')).stdout, /^Unseal Progress +0\/2$/m);
  await run('operator', 'unseal', shares[2] as string);
  const last = await run('operator', 'unseal', '-format=json', shares[1] as string);
  assert.equal((JSON.parse(last.stdout) as { sealed: boolean }).sealed, false);
  assert.equal((await run('status')).exit, 0);
});

test("status as JSON has Vault's members in Vault's order", async () => {
  const { stdout } = await run('status', '-format=json');
  const members = Object.keys(JSON.parse(stdout) as object);
  assert.deepEqual(members, [
    ...['type', 'initialized', 'sealed', 't', 'n', 'progress', 'nonce', 'version', 'build_date', 'migration'],
    ...['cluster_name', 'cluster_id', 'recovery_seal', 'storage_type', 'ha_enabled', 'active_time'],
  ]);
});

test("the nodes, in Vault's columns and with its members", async () => {
  const { exit, stdout } = await run('operator', 'members');
  assert.equal(exit, 0);
  const [head, , row] = stdout.split('\n').map((line) => line.split(/ {4,}/).map((cell) => cell.trim()));
  assert.deepEqual(head, [
    'Host Name',
    'API Address',
    'Cluster Address',
    'Active Node',
    'Version',
    'Upgrade Version',
    'Redundancy Zone',
    'Last Echo',
  ]);
  assert.deepEqual(row!.slice(3), ['true', '1.19.5', 'n/a', 'n/a', 'n/a']);
  const { Nodes } = JSON.parse((await run('operator', 'members', '-format=json')).stdout);
  assert.deepEqual(Object.keys(Nodes[0]), [
    'hostname',
    'api_address',
    'cluster_address',
    'active_node',
    'last_echo',
    'echo_duration_ms',
    'clock_skew_ms',
    'version',
    'replication_primary_canary_age_ms',
  ]);
});

test('one node is sealed alone where that is asked for', async () => {
  await run('operator', 'seal', '-node');
  assert.equal((await run('status')).exit, 2);
  for (const share of shares.slice(0, 2)) await run('operator', 'unseal', share);
  assert.equal((await run('status')).exit, 0);
});

test('a wrong share is refused, and one that is no share too', async () => {
  await run('operator', 'seal');
  const { exit, stderr } = await run('operator', 'unseal', 'nonsense!');
  assert.equal(exit, 2);
  assert.match(stderr, /^Error unsealing: Error making API request\./);
});

test('unsealing without a terminal and without a share says what to do', async () => {
  const { exit, stdout, stderr } = await run('operator', 'unseal');
  assert.equal(exit, 1);
  assert.equal(stdout, 'Unseal Key (will be hidden): \n');
  assert.match(stderr, /file descriptor 0 is not a terminal\n$/);
});

/** The program as a process, with no terminal anywhere. */
function start(args: string[], env: Record<string, string> = {}) {
  const all = {
    PATH: process.env.PATH,
    HOME: dir,
    COFFER_ARGV0: 'vault',
    VAULT_ADDR: server.address,
    ...env,
  };
  return spawn(process.execPath, [COFFER_ENTRY, ...args], { env: all, stdio: ['ignore', 'pipe', 'pipe'] });
}

test('as a process, exit codes are those of the client', async () => {
  const code = (args: string[], env?: Record<string, string>) =>
    new Promise((resolve) => start(args, env).on('exit', resolve));
  assert.deepEqual(
    await Promise.all([
      code(['status']),
      code(['status'], { VAULT_ADDR: 'http://127.0.0.1:1' }),
      code(['nonsense']),
      code(['-version']),
    ]),
    [2, 1, 127, 0],
  );
});

test('a reader that goes away is no fault', async () => {
  const child = start(['kv', '-h']);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdout.destroy();
  await new Promise((resolve) => child.on('close', resolve));
  assert.equal(stderr.includes('EPIPE'), false, stderr);
});
