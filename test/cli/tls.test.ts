/** Certificates: which are trusted, which are shown, and what is said where one is not right. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { makeDevTls } from '../../src/dev-tls.ts';
import { testFolder } from '../support/test-folder.ts';
import { runInProcess } from './in-process.ts';

const dir = testFolder('tls');
let server: Server;
let address = '';
let ca = '';
let shown: string | undefined = '';
/** A port without TLS, and how many connections it had. */
let clear = 0;
let heard = 0;
const listener = createPlainServer((socket) => {
  heard++;
  socket.destroy();
});
before(async () => {
  mkdirSync(join(dir, 'tls'));
  const files = makeDevTls(join(dir, 'tls'), [], Date.now());
  ca = files.caFile;
  const options = {
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
    requestCert: true,
    rejectUnauthorized: false,
  };
  server = createServer(options, (request, reply) => {
    shown = (request.socket as TLSSocket).getPeerCertificate().fingerprint256;
    if (request.url === '/v1/moved') reply.writeHead(307, { location: `http://127.0.0.1:${clear}/v1/x` });
    reply.end('{"data":{"a":"b"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  clear = (listener.address() as AddressInfo).port;
  address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(join(dir, 'text'), 'no certificate\n');
  writeFileSync(join(dir, 'tls', 'README'), 'no certificate\n');
});
after(() => {
  server.close();
  listener.close();
});

const read = (flags: string[], env: Record<string, string> = {}) =>
  runInProcess(['read', '-field=a', ...flags, 'x'], {
    HOME: dir,
    VAULT_ADDR: address,
    VAULT_TOKEN: 'T',
    ...env,
  });

test('an unknown authority is refused', async () => {
  const { exit, stderr } = await read([]);
  assert.equal(exit, 2);
  assert.equal(
    stderr,
    `Error reading x: Get "${address}/v1/x": tls: failed to verify certificate: x509: certificate signed by unknown authority\n`,
  );
});

test('authorities come from a file, a folder with other files in it, or a variable', async () => {
  for (const flags of [[`-ca-cert=${ca}`], [`-ca-path=${join(dir, 'tls')}`], ['-tls-skip-verify']]) {
    assert.equal((await read(flags)).stdout, 'b', flags.join(' '));
  }
  for (const [name, value] of [
    ['VAULT_CACERT', ca],
    ['VAULT_CAPATH', join(dir, 'tls')],
    ['VAULT_SKIP_VERIFY', '1'],
    ['VAULT_CACERT_BYTES', readFileSync(ca, 'utf8')],
  ] as const) {
    assert.equal((await read([], { [name]: value })).stdout, 'b', name);
  }
});

test('security: no server moves a client from TLS to a connection in the clear, token and all', async () => {
  const moved = await runInProcess(['read', `-ca-cert=${ca}`, 'moved'], {
    HOME: dir,
    VAULT_ADDR: address,
    VAULT_TOKEN: 'T',
  });
  assert.equal(moved.exit, 2);
  assert.match(moved.stderr, /redirect would cause protocol downgrade/);
  assert.equal(heard, 0);
});

test("another name than the certificate's is refused", async () => {
  const { exit, stderr } = await read([`-ca-cert=${ca}`, '-tls-server-name=other.example']);
  assert.equal(exit, 2);
  assert.match(stderr, /x509: certificate is not valid for other\.example\n$/);
});

test('a client certificate is shown, with its key only', async () => {
  const pair = [
    `-client-cert=${join(dir, 'tls', 'vault-cert.pem')}`,
    `-client-key=${join(dir, 'tls', 'vault-key.pem')}`,
  ];
  shown = undefined;
  assert.equal((await read([`-ca-cert=${ca}`, ...pair])).stdout, 'b');
  assert.notEqual(shown, undefined);
  const half = await read([`-ca-cert=${ca}`, pair[0] as string]);
  assert.deepEqual(
    [half.exit, half.stderr],
    [2, 'failed to setup TLS config: both client cert and client key must be provided\n'],
  );
});

test('files that are not there or hold no certificate are named', async () => {
  assert.equal(
    (await read(['-ca-cert=/nothing'])).stderr,
    'failed to setup TLS config: Error loading CA File: open /nothing: no such file or directory\n',
  );
  assert.equal(
    (await read(['-ca-path=/nothing'])).stderr,
    'failed to setup TLS config: lstat /nothing: no such file or directory\n',
  );
  const text = join(dir, 'text');
  assert.equal(
    (await read([`-ca-cert=${text}`])).stderr,
    `failed to setup TLS config: Error loading CA File: Couldn't parse PEM in: ${text}\n`,
  );
});
