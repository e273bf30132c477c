/**
 * The audit log that proves itself, through the front door and the command line: what the server tells of its chains, and what is found of a log.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runInProcess } from '../cli/in-process.ts';
import { type Ask, asking, succeed, tokenWith } from '../support/asking.ts';
import { logLines, tamper } from '../support/audit-chain.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

let server: RunningServer;
let root: Ask;
const folder = testFolder('audit-chain');
const log = join(folder, 'audit.log');
before(async () => {
  server = await startDev({ args: [`-dev-data=${join(folder, 'data')}`] });
  root = asking(server.address);
  await succeed(root, 'PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } });
});
after(() => server?.stop());

/** With no server unless one is given. */
const verify = (args: string[], env: Record<string, string> = {}) =>
  runInProcess(['audit', 'verify', '-format=json', ...args], {
    COFFER_ARGV0: 'coffer',
    HOME: folder,
    ...env,
  });
const online = (token = 'root') => ({
  VAULT_ADDR: server.address,
  VAULT_TOKEN: token,
  VAULT_MAX_RETRIES: '0',
});

async function chainNow(): Promise<{ chain: string; seq: number; [name: string]: unknown }> {
  const { body } = await root('LIST', 'sys/audit-chains');
  assert.equal(body.data.keys.length, 1);
  return body.data.key_info[body.data.keys[0]];
}

test('the chain of a device, and the keys of its checkpoints', async () => {
  const chain = await chainNow();
  assert.deepEqual(
    { ...chain, hash: '', time: '', chain: '' },
    {
      chain: '',
      device: 'file/',
      node: 'alone',
      file: log,
      seq: 1,
      hash: '',
      time: '',
      closed: false,
      enabled: true,
    },
  );
  const { body } = await root('GET', `sys/audit-chains/${chain.chain}`);
  assert.deepEqual(body.data, chain);
  assert.equal((await root('GET', 'sys/audit-chains/0123456789abcdef')).status, 404);
  assert.equal((await root('GET', 'sys/audit-chains/x')).status, 400);
  const keys = (await root('GET', 'sys/audit-keys')).body.data.keys;
  assert.equal(keys.length, 1);
  assert.deepEqual([keys[0].generation, keys[0].ed25519.id.length, keys[0].ml_dsa_65.id.length], [1, 16, 16]);
  const [start] = logLines(log);
  assert.deepEqual(JSON.parse(start!).checkpoint.public_keys, {
    ed25519: keys[0].ed25519.public_key,
    ml_dsa_65: keys[0].ml_dsa_65.public_key,
  });
});

test('who may not, learns nothing of chains and keys, and does not rotate them', async () => {
  const none = asking(server.address, await tokenWith(root, 'path "secret/*" { capabilities = ["read"] }'));
  const paths = [
    ['LIST', 'sys/audit-chains'],
    ['GET', 'sys/audit-chains/0123456789abcdef'],
    ['GET', 'sys/audit-keys'],
    ['POST', 'sys/audit-keys/rotate'],
  ] as const;
  for (const [method, path] of paths) {
    assert.equal((await none(method, path)).status, 403, path);
    assert.equal((await asking(server.address, '')(method, path)).status, 403, path);
  }
  // Rotating needs sudo.
  const updater = asking(
    server.address,
    await tokenWith(root, 'path "sys/audit-keys/rotate" { capabilities = ["update"] }'),
  );
  assert.equal((await updater('POST', 'sys/audit-keys/rotate')).status, 403);
});

test('verify: alone, with keys, and with the server; what was done to the log is named, and the exit code is 2', async () => {
  for (let n = 0; n < 5; n++) await root('GET', 'secret/data/none');
  const reader = await tokenWith(
    root,
    'path "sys/audit-chains" { capabilities = ["list"] }\npath "sys/audit-keys" { capabilities = ["read"] }',
  );
  const keys = join(folder, 'keys.json');
  writeFileSync(keys, (await root('GET', 'sys/audit-keys')).text);
  for (const [args, env] of [
    [[log], {}],
    [[`-keys=${keys}`, log], {}],
    [[log], online(reader)],
    [[`-address=${server.address}`, log], { VAULT_TOKEN: reader }],
  ] as [string[], Record<string, string>][]) {
    const { exit, stdout, stderr } = await verify(args, env);
    assert.equal(exit, 0, stdout + stderr);
    const { good, chains } = JSON.parse(stdout);
    assert.equal(good, true);
    assert.equal(chains[0].server === null, Object.keys(env).length === 0);
  }
  const copy = join(folder, 'copy.log');
  copyFileSync(log, copy);
  tamper(copy, (lines) => lines.toSpliced(3, 1));
  const { exit, stdout } = await verify([copy], online());
  assert.equal(exit, 2);
  assert.deepEqual(
    JSON.parse(stdout).findings.map(({ kind, entries }: { kind: string; entries: number[] }) => [
      kind,
      entries,
    ]),
    [['removed', [4, 4]]],
  );
  const text = await runInProcess(['audit', 'verify', copy], { COFFER_ARGV0: 'coffer', HOME: folder });
  assert.match(
    text.stdout,
    /^REMOVED {2}.*copy\.log:4: entry 4 should stand before line 4, and is not there\n/,
  );
  assert.match(text.stdout, /Found: 1\.\n$/);
});

test('verify: a log whose beginning is gone, or that was emptied', async () => {
  const copy = join(folder, 'audit.log.9');
  copyFileSync(log, copy);
  tamper(copy, (lines) => lines.slice(3));
  for (const env of [{}, online()]) {
    const { exit, stdout } = await verify([copy], env);
    assert.equal(exit, 2, stdout);
    assert.deepEqual(
      JSON.parse(stdout).findings.map(({ kind, entries }: { kind: string; entries: number[] }) => [
        kind,
        entries,
      ]),
      [['removed', [1, 3]]],
    );
    const partial = await verify(['-partial', copy], env);
    assert.equal(partial.exit, 0, partial.stdout + partial.stderr);
    writeFileSync(`${copy}.gz`, gzipSync(''));
    const emptied = await verify(['-partial', `${copy}.gz`], env);
    assert.equal(emptied.exit, 2, emptied.stdout);
    const [{ kind }] = JSON.parse(emptied.stdout).findings;
    assert.equal(kind, 'VAULT_ADDR' in env ? 'cut' : 'empty');
  }
});

test('verify refuses what it cannot do: no file, no such file, no keys, no permission', async () => {
  assert.equal((await verify([])).exit, 1);
  assert.equal((await verify([join(folder, 'none')])).exit, 1);
  writeFileSync(join(folder, 'no-keys.json'), '{}');
  const none = await verify([`-keys=${join(folder, 'no-keys.json')}`, log]);
  assert.deepEqual([none.exit, /there are no keys in it/.test(none.stderr)], [1, true]);
  const denied = await verify([log], online('hvs.none'));
  assert.deepEqual([denied.exit, /sys\/audit-chains/.test(denied.stderr)], [2, true]);
});

test('keys that were rotated: the chain goes on, and both verify', async () => {
  await succeed(root, 'POST', 'sys/audit-keys/rotate');
  const keys = (await root('GET', 'sys/audit-keys')).body.data.keys;
  assert.deepEqual(
    keys.map(({ generation }: { generation: number }) => generation),
    [1, 2],
  );
  assert.notEqual(keys[0].ed25519.id, keys[1].ed25519.id);
});

test('sealed and unsealed in peace, and killed: the chain goes on, and the cut tail is known', async () => {
  await succeed(root, 'POST', 'sys/mounts/kv', { type: 'kv' });
  // Moved away without a word: it is noticed, and the lines go where they should.
  renameSync(log, `${log}.1`);
  await until('the log is made again', async () => {
    await root('GET', 'kv/none');
    return (await root('GET', 'sys/audit-keys')).status === 200 && exists(log);
  });
  await succeed(root, 'DELETE', 'sys/audit/file');
  const chain = await chainNow();
  assert.deepEqual([chain.closed, chain.enabled], [true, false]);
  const files = [log, `${log}.1`];
  const { exit, stdout } = await verify(files, online());
  assert.equal(exit, 0, stdout);
  const [report] = JSON.parse(stdout).chains;
  assert.deepEqual([report.from, report.to, report.server.seq], [1, chain.seq, chain.seq]);
  assert.equal(report.vouched.seq, chain.seq - 1);
  tamper(log, (lines) => lines.slice(0, -1));
  const cut = JSON.parse((await verify(files, online())).stdout);
  assert.deepEqual(
    cut.findings.map(({ kind, entries }: { kind: string; entries: number[] }) => [kind, entries]),
    [['cut', [chain.seq, chain.seq]]],
  );
});

function exists(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}
