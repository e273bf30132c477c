/**
 * Dev mode as Vault 1.19 has it (command/server.go): which flags start it, what it opens, and how a configuration file is merged into it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { asking, succeed } from '../support/asking.ts';
import { COMPILED, runToEnd, startConfigured } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { COFFER_ENTRY, killServers, type RunningServer, startServer } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

afterEach(killServers);

/** `server` with these flags and no `-dev`. */
async function start(...args: string[]): Promise<RunningServer & { token: string }> {
  const port = await freePort();
  const server = await startServer({
    command: process.execPath,
    args: [COFFER_ENTRY, 'server', '-dev-no-store-token', `-dev-listen-address=127.0.0.1:${port}`, ...args],
    env: { VAULT_DEV_ROOT_TOKEN_ID: undefined, VAULT_API_ADDR: undefined, NODE_COMPILE_CACHE: COMPILED },
    address: `http://127.0.0.1:${port}`,
  });
  return { ...server, token: /^Root Token: (.*)$/m.exec(server.stdout())?.[1] ?? '' };
}

test('-dev-kv-v1 and -dev-no-kv start dev mode by themselves', async () => {
  const v1 = await start('-dev-kv-v1');
  const { body } = await succeed(asking(v1.address, v1.token), 'GET', 'sys/mounts/secret');
  assert.deepEqual(body.data.options, { version: '1' });
  await v1.stop();
  const none = await start('-dev-no-kv');
  assert.equal((await asking(none.address, none.token)('GET', 'sys/mounts/secret')).status, 400);
  assert.doesNotMatch(none.stdout(), /kv put/);
  await none.stop();
  for (const flag of ['-dev-tls-san=a', '-dev-root-token-id=root']) {
    const ended = await runToEnd(['server', flag, '-dev-no-store-token']);
    assert.equal(ended.code, 1, flag);
    assert.match(ended.stderr, /must specify at least one config path using -config/, flag);
  }
});

test('it opens what Vault opens there: metrics without a token, the store and the routes with root', async () => {
  const server = await start('-dev');
  const { token } = server;
  const metrics = await call(server.address, 'GET', '/v1/sys/metrics?format=prometheus');
  assert.equal(metrics.status, 200);
  assert.match(metrics.text, /^vault_core_unsealed/m);
  assert.equal((await call(server.address, 'GET', '/v1/sys/raw/data?list=true')).status, 403);
  assert.equal((await call(server.address, 'GET', '/v1/sys/pprof/')).status, 403);
  await succeed(asking(server.address, token), 'LIST', 'sys/raw/data');
  await succeed(asking(server.address, token), 'GET', 'sys/internal/inspect/router/root');
  await server.stop();
});

test('a configuration is merged: storage, api_addr, listeners, durations; the printed address is the listener’s', async () => {
  const folder = testFolder('dev-config');
  const file = join(folder, 'c.hcl');
  const second = await freePort();
  writeFileSync(
    file,
    `storage "file" { path = "${folder}/data" }
api_addr = "https://elsewhere.example:8200"
max_lease_ttl = "2h"
default_lease_ttl = "1h"
node_id = "one"
cluster { weight = 2 }
listener "tcp" {
  address = "127.0.0.1:${second}"
  tls_disable = true
}
`,
  );
  const server = await start('-dev', `-config=${file}`);
  assert.match(server.stdout(), new RegExp(`export VAULT_ADDR='${server.address}'`));
  assert.match(server.stdout(), /Api Address: https:\/\/elsewhere\.example:8200/);
  assert.match(server.stdout(), /Storage: file/);
  assert.match(server.stdout(), /Data is kept in the storage of the configuration/);
  assert.deepEqual(server.stderr().match(/^WARNING! .*$/gm), [
    `WARNING! ${file}:6:1: cluster has no effect in dev mode: it is one node alone`,
    `WARNING! ${file}:5:1: node_id has no effect in dev mode: it is one node alone`,
  ]);
  assert(existsSync(join(folder, 'data')));
  for (const address of [server.address, `http://127.0.0.1:${second}`]) {
    await succeed(asking(address, server.token), 'GET', 'sys/mounts');
  }
  // Only dev mode's own listener shows metrics to everybody.
  assert.equal((await call(`http://127.0.0.1:${second}`, 'GET', '/v1/sys/metrics')).status, 403);
  await server.stop();

  const refused = async (...args: string[]) => {
    const address = `-dev-listen-address=127.0.0.1:${await freePort()}`;
    const ended = await runToEnd(['server', '-dev-no-store-token', address, ...args]);
    assert.equal(ended.code, 1);
    return ended.stderr.split('\n').at(-2);
  };
  assert.equal(
    await refused('-dev', `-config=${file}`),
    'Error starting the server: the storage of the configuration is initialized already, and dev mode keeps no unseal key for it: start without -dev',
  );
  assert.equal(
    await refused(`-dev-data=${folder}/other`, `-config=${file}`),
    'Error starting the server: -dev-data: expected no storage in the configuration, or no -dev-data',
  );
  writeFileSync(file, 'storage "consul" {}');
  assert.equal(
    await refused('-dev', `-config=${file}`),
    'Error starting the server: storage "consul": expected "file" or "inmem" in dev mode',
  );
});

test('a root token id outside of dev mode is said to be ignored', async () => {
  const port = await freePort();
  const server = await startConfigured({
    folder: testFolder('dev-config'),
    address: `http://127.0.0.1:${port}`,
    config: `storage "inmem" {}\nlistener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\n`,
    args: ['-dev-root-token-id=root'],
  });
  assert.match(server.stderr(), /You cannot specify a custom root token ID outside of "dev" mode\./);
  await server.stop();
});
