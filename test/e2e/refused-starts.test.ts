/**
 * A server that cannot start says why in one sentence of words, and what helps where something does.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { readIf, runToEnd, startConfigured } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { noOwnMounts, readOnly, withMounts } from '../support/own-mounts.ts';
import { killServers, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

afterEach(killServers);

const DEV = ['server', '-dev', '-dev-no-store-token', '-dev-listen-address=127.0.0.1:0'];
const sentence = (why: string) => `Error starting the server: ${why}\n`;

test('a read-only file system', { skip: noOwnMounts }, async () => {
  const base = testFolder('read-only');
  const folder = join(base, 'kept');
  // What a killed server leaves behind cannot be removed there.
  const killed = await startDev({ args: [`-dev-data=${folder}`] });
  await killed.stop('SIGKILL');
  assert(existsSync(join(folder, 'store/server.pid')));
  const wrapper = withMounts([readOnly(base)]);
  const kept = await runToEnd([...DEV, `-dev-data=${folder}`], { wrapper });
  const why = `the data folder ${folder}/store cannot be written: the file system is read-only`;
  assert.deepEqual([kept.code, kept.stderr], [1, sentence(why)]);
  const fresh = await runToEnd([...DEV, `-dev-data=${base}/new/deeper`], { wrapper });
  assert.equal(
    fresh.stderr,
    sentence(`the data folder ${base}/new/deeper/store cannot be made: the file system is read-only`),
  );
});

test('a folder for certificates that is not there', async () => {
  const folder = join(testFolder('no-tls'), 'missing');
  const { code, stderr } = await runToEnd([...DEV, '-dev-tls', `-dev-tls-cert-dir=${folder}`]);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    sentence(`the certificates of dev mode cannot be written to ${folder}: no such file or folder`),
  );
});

test('a flag that is not known, under either name', async () => {
  for (const name of ['vault', 'coffer']) {
    const { code, stderr } = await runToEnd(['server', '-nope'], { env: { COFFER_ARGV0: name } });
    assert.equal(code, 1);
    assert.equal(stderr, sentence(`flag provided but not defined: -nope (see ${name} server -help)`));
  }
});

test('flags of log rotation do nothing and say so, as their keys do', async () => {
  const folder = testFolder('rotation');
  const port = await freePort();
  mkdirSync(join(folder, 'log'));
  const server = await startConfigured({
    folder,
    address: `http://127.0.0.1:${port}`,
    config: `storage "inmem" {}\nlistener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\n`,
    args: [
      `-log-file=${folder}/log/a`,
      '-log-rotate-bytes=100',
      '-log-rotate-duration=1h',
      '-log-rotate-max-files',
      '2',
    ],
  });
  const why = 'has no effect: the log file is opened anew on SIGHUP: let logrotate move it';
  assert.equal(
    server.stderr(),
    ['bytes', 'duration', 'max-files'].map((what) => `WARNING! -log-rotate-${what} ${why}\n`).join(''),
  );
  await server.stop();
  assert.match(readIf(join(folder, 'log/a')), /shutdown triggered/);
});

test('a listener of the configuration that is taken, beside dev mode’s own that is not', async () => {
  const folder = testFolder('taken');
  const other = await startDev();
  const { port } = new URL(other.address);
  const file = join(folder, 'c.hcl');
  writeFileSync(file, `listener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\n`);
  const own = `-dev-listen-address=127.0.0.1:${await freePort()}`;
  const { stderr } = await runToEnd(['server', '-dev', '-dev-no-store-token', own, `-config=${file}`]);
  assert.match(
    stderr.split('\n').at(-2) ?? '',
    new RegExp(`cannot listen on 127.0.0.1:${port}: .*; see who listens there: .*${port}`),
  );
});
