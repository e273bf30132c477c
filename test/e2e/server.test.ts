/**
 * `server -config` as an operator runs it: TLS, init and unseal, reload, stop, restart; and every way in which it refuses to start.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { makeDevTls } from '../../src/dev-tls.ts';
import { COMPILED, clientOf, readIf, runToEnd, startConfigured } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { killServers, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

afterEach(killServers);

/** Certificates put into a folder, and what trusts the authority they come from. */
function tlsIn(folder: string) {
  mkdirSync(folder, { recursive: true });
  const files = makeDevTls(folder, [], Date.now());
  return { files, tls: { ca: readFileSync(files.caFile), servername: 'localhost' } };
}

async function openTls(port: number): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}

/** Serial number of the certificate that a new connection is shown. */
async function servedSerial(port: number): Promise<string> {
  const socket = await openTls(port);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** Sends bytes and waits until the reply's status line is there. */
async function ask(socket: Socket, text: string): Promise<string> {
  let got = '';
  const onData = (chunk: Buffer) => {
    got += chunk.toString('latin1');
  };
  socket.on('data', onData);
  socket.write(text);
  await until('a reply', () => got.includes('\r\n\r\n') || socket.destroyed);
  socket.off('data', onData);
  return got;
}

test('TLS, five shares of which three unseal, reload, stop, restart', async () => {
  const folder = testFolder('server');
  const port = await freePort();
  const address = `https://127.0.0.1:${port}`;
  const log = join(folder, 'server.log');
  const audit = join(folder, 'audit.log');
  const first = tlsIn(join(folder, 'tls'));
  let { tls } = first;
  const config = (more: string) => `
    storage "file" { path = "${folder}/data" }
    listener "tcp" {
      address = "127.0.0.1:${port}"
      tls_cert_file = "${first.files.certFile}"
      tls_key_file = "${first.files.keyFile}"
    }
    cluster_name = "e2e"
    default_lease_ttl = "2h"
    max_lease_ttl = "3h"
    log_file = "${log}"
    pid_file = "${folder}/pid"
    ${more}`;
  const start = () => startConfigured({ folder, address, tls, config: config('log_level = "warn"') });
  const as = (token?: string) => clientOf(address, { tls, token });
  const unseal = async (shares: string[]) => {
    let sealed = true;
    for (const key of shares) sealed = (await as()('PUT', 'sys/unseal', { key })).body.sealed;
    return sealed;
  };

  let server = await start();
  assert.equal(readFileSync(join(folder, 'pid'), 'utf8').trim(), String(server.pid));
  assert.match(server.stdout(), /Listener 1: tcp \(addr: "127\.0\.0\.1:\d+", tls: "enabled"\)/);
  const made = await as()('PUT', 'sys/init', { secret_shares: 5, secret_threshold: 3 });
  const { keys, root_token: root } = made.body;
  assert.equal(keys.length, 5);
  assert.equal(await unseal([keys[4], keys[1]]), true);
  assert.equal(await unseal([keys[2]]), false);
  assert.equal((await as()('GET', 'sys/seal-status')).body.cluster_name, 'e2e');
  const ttlOf = async (body: object) =>
    (await as(root)('POST', 'auth/token/create', { policies: ['default'], ...body })).body.auth
      .lease_duration;
  assert.equal(await ttlOf({}), 7_200);
  assert.equal(await ttlOf({ ttl: '24h' }), 10_800);
  await as(root)('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await as(root)('POST', 'secret/data/kept', { data: { a: 'b' } });
  await as(root)('PUT', 'sys/audit/file', { type: 'file', options: { file_path: audit } });
  await as(root)('GET', 'secret/data/kept');

  // Another level, a renewed certificate, a moved audit log and a moved log.
  const old = await openTls(port);
  const serial = await servedSerial(port);
  ({ tls } = tlsIn(join(folder, 'tls')));
  renameSync(audit, `${audit}.1`);
  renameSync(log, `${log}.1`);
  writeFileSync(join(folder, 'coffer.hcl'), config('log_level = "info"\nlog_requests_level = "info"'));
  process.kill(server.pid, 'SIGHUP');
  await until('the reload', () => readIf(log).includes('reloaded'));
  assert.match(server.stdout(), /==> Vault reload triggered/);
  const renewed = await servedSerial(port);
  assert.notEqual(renewed, serial);
  assert.match(await ask(old, 'GET /v1/sys/health HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 200 /);
  old.destroy();
  await as(root)('GET', 'secret/data/kept');
  await until('the request log', () => readIf(log).includes('request_path=/v1/secret/data/kept'));
  assert.match(readIf(audit), /secret\/data\/kept/);
  assert.match(readIf(`${audit}.1`), /secret\/data\/kept/);

  // What cannot be read stays as it was, and the rest is taken on all the same.
  writeFileSync(join(folder, 'coffer.hcl'), 'log_level = ');
  writeFileSync(first.files.certFile, 'no certificate');
  renameSync(audit, `${audit}.2`);
  process.kill(server.pid, 'SIGHUP');
  await until('its complaints', () => readIf(log).includes('certificate could not be read again'));
  assert.match(readIf(log), /the configuration could not be read again/);
  assert.equal(await servedSerial(port), renewed);
  await as(root)('GET', 'secret/data/kept');
  assert.match(readIf(audit), /secret\/data\/kept/);

  await server.stop();
  assert.equal(await server.exited, 0);
  assert(!existsSync(join(folder, 'pid')));
  assert.match(server.stdout(), /==> Vault shutdown triggered/);

  ({ tls } = tlsIn(join(folder, 'tls')));
  server = await start();
  await as(root)('GET', 'secret/data/kept', undefined, [503]);
  assert.equal(await unseal([keys[0], keys[3], keys[2]]), false);
  assert.deepEqual((await as(root)('GET', 'secret/data/kept')).body.data.data, { a: 'b' });
  await server.stop('SIGINT');
  assert.equal(await server.exited, 0);
  assert.equal(server.stderr(), '');
});

const halfABody = (path: string) =>
  `POST /v1/${path} HTTP/1.1\r\nHost: a\r\nX-Vault-Token: root\r\nContent-Length: 23\r\n\r\n{"data":{"a":`;
const OTHER_HALF = '"whole" }}';

test('SIGTERM: what runs is finished, nothing new is taken, and what was acknowledged is there', async () => {
  const folder = testFolder('stop');
  const args = [`-dev-data=${folder}`];
  const server = await startDev({ args });
  const port = Number(new URL(server.address).port);
  const root = clientOf(server.address, { token: 'root' });
  await root('POST', 'secret/data/first', { data: { a: 1 } });
  const [idle, running] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  assert.match(await ask(idle, 'GET /v1/sys/health HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 200 /);
  running.write(halfABody('secret/data/running'));

  const acknowledged: string[] = [];
  let stopping = false;
  const writers = Array.from({ length: 16 }, async (_, writer) => {
    for (let n = 0; ; n++) {
      const path = `secret/data/w/${writer}/${n}`;
      try {
        const { status } = await call(server.address, 'POST', `/v1/${path}`, {
          token: 'root',
          body: { data: { n } },
        });
        assert.equal(status, 200, 'what is taken is served');
        acknowledged.push(path);
      } catch (error) {
        if (!stopping || (error as Error).name === 'AssertionError') throw error;
        return;
      }
    }
  });
  await until('some writes', () => acknowledged.length >= 100);
  stopping = true;
  process.kill(server.pid, 'SIGTERM');
  await Promise.all(writers);
  await until('the idle connection to be closed', () => idle.destroyed);
  const late = connect(port, '127.0.0.1');
  const [{ code }] = await once(late, 'error');
  assert.equal(code, 'ECONNREFUSED');
  const reply = await ask(running, OTHER_HALF);
  assert.match(reply, /^HTTP\/1\.1 200 /);
  assert.match(reply, /^Connection: close\r$/m);
  assert.equal(await server.exited, 0);

  const again = await startDev({ args });
  const kept = clientOf(again.address, { token: 'root' });
  assert.equal((await kept('GET', 'secret/data/running')).body.data.data.a, 'whole');
  for (const path of acknowledged) await kept('GET', path);
  await again.stop();
  assert.equal(await again.exited, 0);
});

test('a second SIGTERM ends at once, and a signal while it starts leaves nothing behind', async () => {
  const tmp = testFolder('tmp');
  const server = await startDev({ env: { TMPDIR: tmp, NODE_COMPILE_CACHE: COMPILED } });
  const pending = connect(Number(new URL(server.address).port), '127.0.0.1').on('error', () => {});
  pending.write(halfABody('secret/data/never'));
  await until('the request', async () => {
    const { body } = await call(server.address, 'GET', '/v1/sys/in-flight-req', { token: 'root' });
    return body !== undefined;
  });
  process.kill(server.pid, 'SIGTERM');
  await until('the shutdown', () => server.stdout().includes('==> Vault shutdown triggered'));
  const began = Date.now();
  process.kill(server.pid, 'SIGTERM');
  assert.equal(await server.exited, 1);
  assert(Date.now() - began < 5_000);
  pending.destroy();

  // Whatever the moment, there is no data left in the temporary folder.
  for (const afterMs of [150, 300, 450]) {
    const at = testFolder('early');
    const args = [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-listen-address=127.0.0.1:${await freePort()}`,
    ];
    await runToEnd(args, { env: { TMPDIR: at }, signal: { name: 'SIGTERM', afterMs } });
    assert.deepEqual(readdirSync(at), [], `after ${afterMs} ms`);
  }
});

test('data of a killed inmem server is removed by the next that starts', async () => {
  const folder = testFolder('left');
  const tmp = join(folder, 'tmp');
  mkdirSync(tmp);
  const start = async () => {
    const port = await freePort();
    return startConfigured({
      folder,
      address: `http://127.0.0.1:${port}`,
      env: { TMPDIR: tmp },
      config: `storage "inmem" {}
        listener "tcp" { address = "127.0.0.1:${port}" tls_disable = true }`,
    });
  };
  const killed = await start();
  const [left, ...more] = readdirSync(tmp);
  assert.match(left ?? '', /^coffer-inmem-/);
  assert.deepEqual(more, []);
  await killed.stop('SIGKILL');
  assert.deepEqual(readdirSync(tmp), [left]);
  const next = await start();
  const now = readdirSync(tmp);
  assert.equal(now.length, 1);
  assert.notEqual(now[0], left);
  await next.stop();
  assert.deepEqual(readdirSync(tmp), []);
});

test('what cannot be started is refused with one sentence and exit code 1', async () => {
  const folder = testFolder('refused');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const { files } = tlsIn(join(folder, 'tls'));
  const other = tlsIn(join(folder, 'other')).files;
  const free = `127.0.0.1:${await freePort()}`;
  const listener = (keys: string) => `listener "tcp" { address = "${free}" ${keys} }`;
  const plain = listener('tls_disable = true');
  const store = 'storage "inmem" {}';
  mkdirSync(join(folder, 'executable'), { mode: 0o700 });
  writeFileSync(join(folder, 'a-file'), '');

  const cases: [config: string, message: RegExp][] = [
    [
      `${store} listener "tcp" { address = "127.0.0.1:${port}" tls_disable = true }`,
      /^cannot listen on 127\.0\.0\.1:(\d+): the address is already in use; see who listens there: .*\1.*, or give that listener another address in the configuration$/,
    ],
    [
      `${store} ${plain} log_level = "loud"`,
      /c\.hcl:1:\d+: log_level: expected "trace", "debug", "info", "warn" or "error"$/,
    ],
    [
      `${store} ${plain} seal "awskms" {}`,
      /c\.hcl:1:\d+: expected seal "shamir" \{ \}: no other seal is supported yet$/,
    ],
    [
      `${store} ${plain} max_lease_ttl = "1h" default_lease_ttl = "2h"`,
      /default_lease_ttl: expected at most max_lease_ttl \(3600 seconds\)$/,
    ],
    [`${store} listener "tcp" { address = "${free}" `, /c\.hcl:\d+:\d+: expected '\}'/],
    [
      `${store} ${listener(`tls_cert_file = "${folder}/none.pem" tls_key_file = "${files.keyFile}"`)}`,
      /^tls_cert_file: cannot read .*\/none\.pem: no such file or folder$/,
    ],
    [
      `${store} ${listener(`tls_cert_file = "${files.certFile}" tls_key_file = "${other.keyFile}"`)}`,
      /^tls_cert_file, tls_key_file or tls_client_ca_file cannot be used \(.*\)$/,
    ],
    [
      `${store} ${plain} pid_file = "${folder}/none/pid"`,
      /^the pid file .*\/none\/pid cannot be written: no such file or folder$/,
    ],
    [
      `${store} ${plain} log_file = "${folder}/none/log"`,
      /^the log file .*\/none\/log cannot be opened: no such file or folder$/,
    ],
    [`storage "file" { path = "${folder}/a-file" } ${plain}`, /^the data folder .*\/a-file cannot be made: /],
    [
      'storage "inmem" {} listener "tcp" { address = "192.0.2.1:1" tls_disable = true }',
      /^cannot listen on 192\.0\.2\.1:1: this machine does not have that address$/,
    ],
  ];
  const run = async (config: string, at: number) => {
    const inside = join(folder, String(at));
    mkdirSync(inside);
    writeFileSync(join(inside, 'c.hcl'), config);
    return runToEnd(['server', `-config=${inside}/c.hcl`], { env: { TMPDIR: inside } });
  };
  for (let at = 0; at < cases.length; at += 4) {
    const ended = await Promise.all(cases.slice(at, at + 4).map(([config], n) => run(config, at + n)));
    for (const [n, { code, stderr, stdout }] of ended.entries()) {
      const [config, message] = cases[at + n]!;
      assert.equal(code, 1, config);
      assert.equal(stdout, '', config);
      const lines = stderr.trimEnd().split('\n');
      assert.equal(lines.length, 1, `${config}: ${stderr}`);
      assert.match(lines[0]!, /^Error starting the server: /, config);
      assert.match(lines[0]!.slice('Error starting the server: '.length), message);
      assert.deepEqual(readdirSync(join(folder, String(at + n))), ['c.hcl'], config);
    }
  }
  taken.close();
  const [none, unknown] = await Promise.all([
    runToEnd(['server', `-config=${folder}/none.hcl`]),
    runToEnd(['server', '-no-such-flag']),
  ]);
  assert.match(none.stderr, /^Error starting the server: cannot read .*none\.hcl: no such file or folder\n$/);
  assert.match(unknown.stderr, /^Error starting the server: flag provided but not defined: -no-such-flag/);
  assert.deepEqual([none.code, unknown.code], [1, 1]);
});

test("settings that a client sees: metrics under Vault's names, proxies, request log, headers", async () => {
  const folder = testFolder('settings');
  const ports = [await freePort(), await freePort()] as const;
  const [address, proxied] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
  const server = await startConfigured({
    folder,
    address,
    env: { TMPDIR: folder },
    config: `
      storage "inmem" {}
      enable_response_header_hostname = true
      log_requests_level = "info"
      ui = false
      listener "tcp" {
        address = "127.0.0.1:${ports[0]}"
        tls_disable = true
        telemetry { unauthenticated_metrics_access = true }
        inflight_requests_logging { unauthenticated_in_flight_requests_access = true }
        custom_response_headers { "4xx" = { "X-Mine" = ["a", "b"] } }
      }
      listener "tcp" {
        address = "127.0.0.1:${ports[1]}"
        tls_disable = true
        x_forwarded_for_authorized_addrs = "127.0.0.1"
        x_forwarded_for_reject_not_present = true
      }
      telemetry { disable_hostname = true }`,
  });
  const open = clientOf(address);
  const metrics = async () => (await open('GET', 'sys/metrics?format=prometheus')).text;
  assert.match(await metrics(), /^vault_core_unsealed\{cluster=""\} 0$/m);
  const { keys, root_token: token } = (
    await open('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
  ).body;
  await open('PUT', 'sys/unseal', { key: keys[0] });
  const root = clientOf(address, { token });
  await root('POST', 'sys/mounts/kv', { type: 'kv' });
  const audit = join(folder, 'audit.log');
  await root('PUT', 'sys/audit/file', { type: 'file', options: { file_path: audit } });
  await root('POST', 'kv/a', { b: 'c' });
  const text = await metrics();
  for (const line of [
    /^vault_core_unsealed\{cluster="vault-cluster-[0-9a-f]{8}"\} 1$/m,
    /^vault_core_active\{cluster="vault-cluster-[0-9a-f]{8}"\} 1$/m,
    /^vault_core_in_flight_requests\{cluster="[^"]+"\} 1$/m,
    /^vault_core_mount_table_num_entries\{cluster="[^"]+",type="logical",local="false"\} 3$/m,
    /^vault_core_mount_table_num_entries\{cluster="[^"]+",type="auth",local="false"\} 1$/m,
    /^vault_barrier_estimated_encryptions\{term="1"\} [1-9]\d*$/m,
    /^vault_barrier_put_count [1-9]\d*$/m,
    /^vault_core_handle_request_count [1-9]\d*$/m,
    /^vault_audit_file__log_request_count [1-9]\d*$/m,
    /^vault_audit_log_request_failure 0$/m,
    /^process_resident_memory_bytes \d+$/m,
  ]) {
    assert.match(text, line);
  }
  assert.equal(Object.keys((await open('GET', 'sys/in-flight-req')).body).length, 1);
  assert.doesNotMatch(readIf(audit), /sys\/metrics|sys\/in-flight-req/);

  const missing = await call(address, 'GET', '/v1/kv/none', { token });
  assert.equal(missing.status, 404);
  assert.equal(missing.headers['x-mine'], 'a; b');
  assert.equal(missing.headers['x-vault-hostname'], hostname());
  for (const path of ['/', '/ui', '/ui/vault', '/robots.txt']) {
    assert.equal((await call(address, 'GET', path)).status, 404, path);
  }

  const direct = await call(proxied, 'GET', '/v1/kv/a', { token });
  assert.equal(direct.status, 400);
  await call(proxied, 'GET', '/v1/kv/a', { token, headers: { 'x-forwarded-for': '198.51.100.7' } });
  assert.match(readIf(audit), /"remote_address":"198\.51\.100\.7"/);
  await until('the request log', () => server.stderr().includes('client_address=198.51.100.7:'));
  assert.match(
    server.stderr(),
    / \[INFO\] {2}core: completed_request: .*status_code=404 request_path=\/v1\/kv\/none request_method=GET\n/,
  );
  await server.stop();
  assert.equal(await server.exited, 0);
});
