/**
 * TLS listeners: HTTP/2 and HTTP/1.1 on one port, key exchange, versions, certificates of both sides.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { issueCertificate } from '../../src/crypto/certificate.ts';
import { makeDevTls } from '../../src/dev-tls.ts';
import type { ListenerOptions } from '../../src/http/listener-options.ts';
import { makeHttpServer } from '../../src/http/server.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { testFolder } from '../support/test-folder.ts';
import { listen, request, wire } from './listener.ts';

const folder = testFolder('tls');
const files = makeDevTls(folder, [], Date.now());
const ca = readFileSync(files.caFile);
const TLS: Partial<ListenerOptions> = {
  tls_disable: false,
  tls_cert_file: files.certFile,
  tls_key_file: files.keyFile,
};
const TRUST: ConnectionOptions = { ca, servername: 'localhost' };

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  const [answer] = await once(stream, 'response');
  if (!stream.readableEnded) await once(stream, 'end');
  return { status: answer[':status'], headers: answer, text };
}

async function session(
  t: { after(fn: () => Promise<void>): void },
  port: number,
): Promise<ClientHttp2Session> {
  const opened = connectHttp2(`https://localhost:${port}`, { ca });
  opened.on('error', () => {});
  t.after(async () => opened.destroy());
  await once(opened, 'connect');
  return opened;
}

test('HTTP/2: verbs, LIST among them, bodies, refusals, HSTS', async (t) => {
  const { port, seen } = await listen(t, { listener: { ...TLS, max_request_size: 1_000_000 } });
  const http2 = await session(t, port);
  const verb = async (method: string, path: string, body?: string) => {
    const { status, text } = await ask(
      http2,
      { ':method': method, ':path': path, 'x-vault-token': 't' },
      body,
    );
    const { verb, path: canonical, token, body: data } = JSON.parse(text);
    return status === 200 ? [verb, canonical, token, data] : status;
  };
  assert.deepEqual(await verb('GET', '/v1/a'), ['read', 'a', 't', null]);
  assert.deepEqual(await verb('LIST', '/v1/a'), ['list', 'a/', 't', null]);
  assert.deepEqual(await verb('HELP', '/v1/a'), ['help', 'a', 't', null]);
  assert.deepEqual(await verb('PUT', '/v1/a', '{"k":"v"}'), ['update', 'a', 't', { k: 'v' }]);
  assert.deepEqual(await verb('PUT', '/v1/a'), ['update', 'a', 't', null]);
  assert.deepEqual(await verb('LIST', '/v1/a', '{"not":'), ['list', 'a/', 't', null]);
  for (const method of ['LINK', 'FOO', 'OPTIONS', 'REVOKE', 'RENEW']) {
    assert.equal(await verb(method, '/v1/a'), 405);
  }
  assert.equal(await verb('PUT', '/v1/a', '{"k":'), 400);
  assert.equal(await verb('PATCH', '/v1/a', '{}'), 400);
  assert.equal(await verb('GET', '/v1/a//b'), 400);
  assert.equal(await verb('PUT', '/v1/a', `"${'x'.repeat(1_000_000)}"`), 413);
  const { headers, status, text } = await ask(http2, { ':method': 'HEAD', ':path': '/v1/a' });
  assert.deepEqual([status, text], [200, '']);
  assert.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains');
  assert.equal(headers['cache-control'], 'no-store');
  assert(Number(headers['content-length']) > 0);
  assert(!JSON.stringify(seen[0]!.headers).includes(':path'));
  assert.equal(http2.destroyed, false);
});

test('HTTP/2: an endless body is cut off with 413, and the session lives', async (t) => {
  const { port } = await listen(t, { listener: { ...TLS, max_request_size: 50_000 } });
  const http2 = await session(t, port);
  const stream = http2.request({ ':method': 'PUT', ':path': '/v1/a' });
  stream.on('error', () => {});
  const writing = setInterval(() => stream.writable && stream.write('x'.repeat(10_000)), 1);
  const [headers] = await once(stream, 'response');
  clearInterval(writing);
  assert.equal(headers[':status'], 413);
  stream.close();
  assert.equal((await ask(http2, { ':path': '/v1/b' })).status, 200);
});

test('HTTP/2: a body that does not come in time is 408', async (t) => {
  const { port, seen } = await listen(t, { listener: { ...TLS, http_read_timeout: 0.2 } });
  const http2 = await session(t, port);
  const stream = http2.request({ ':method': 'PUT', ':path': '/v1/a' });
  stream.write('{');
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 408);
  assert.equal(seen.length, 0);
});

test('HTTP/2: a request is over when its stream is reset', async (t) => {
  const { port, seen, server } = await listen(t, {
    listener: TLS,
    async handle(asked) {
      while (!asked.isOver) await new Promise((resolve) => setImmediate(resolve));
      return { kind: 'empty', status: 204 };
    },
  });
  const http2 = await session(t, port);
  const stream = http2.request({ ':path': '/v1/a' });
  stream.on('error', () => {});
  while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  stream.close(8);
  while (server.inFlight().size > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(seen[0]!.isOver, true);
});

test('HTTP/1.1 beside it, LIST and broken requests as in the clear', async (t) => {
  const { port } = await listen(t, { listener: TLS });
  for (const ALPNProtocols of [['http/1.1'], undefined]) {
    const connection = await wire(port, { ...TRUST, ALPNProtocols });
    connection.write(request('GET /v1/a') + request('LIST /v1/b') + request('LINK /v1/c'));
    const [first, second, third] = [
      await connection.reply(),
      await connection.reply(),
      await connection.reply(),
    ];
    assert.match(first.head, /^Strict-Transport-Security: max-age=31536000; includeSubDomains\r$/m);
    assert.match(second.body, /"verb":"list".*"path":"b\/"/);
    assert.equal(third.status, 405);
    connection.write(request('LIST /v1/d').repeat(1_200));
    for (let i = 0; i < 1_200; i++) assert.match((await connection.reply()).body, /"path":"d\/"/);
    connection.write('BREW /v1/a HTTP/1.1\r\n\r\n');
    assert.equal((await connection.reply()).status, 405);
    await connection.closed();
  }
});

test('a plain request to a TLS port is told so, in Go’s words', async (t) => {
  const { port } = await listen(t, { listener: TLS });
  const connection = await wire(port);
  connection.write(request('GET /v1/a'));
  assert.match(
    await connection.closed(),
    /^HTTP\/1\.0 400 Bad Request\r\n[\s\S]*Client sent an HTTP request to an HTTPS server\.\n$/,
  );
});

/** The group and version of a handshake, or the code it failed with. */
async function handshake(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ...TRUST, ...options });
  return await new Promise((resolve) => {
    socket.once('secureConnect', () => {
      const { name } = socket.getEphemeralKeyInfo() as { name?: string };
      resolve(`${socket.getProtocol()} ${name}`);
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test('X25519MLKEM768 wherever the client can do it, whatever it guessed; classical groups else', async (t) => {
  const { port } = await listen(t, { listener: TLS });
  assert.equal(await handshake(port, {}), 'TLSv1.3 X25519MLKEM768');
  assert.equal(await handshake(port, { ecdhCurve: 'X25519MLKEM768' }), 'TLSv1.3 X25519MLKEM768');
  assert.equal(await handshake(port, { ecdhCurve: 'P-256:X25519:X25519MLKEM768' }), 'TLSv1.3 X25519MLKEM768');
  assert.equal(await handshake(port, { ecdhCurve: 'X25519' }), 'TLSv1.3 X25519');
  assert.equal(await handshake(port, { ecdhCurve: 'P-256' }), 'TLSv1.3 prime256v1');
  assert.match(await handshake(port, { ecdhCurve: 'P-521' }), /HANDSHAKE_FAILURE/);
});

test('TLS 1.2 with AEAD only; 1.1 not at all; tls_min_version and tls_max_version', async (t) => {
  const { port } = await listen(t, { listener: TLS });
  const old: ConnectionOptions = { maxVersion: 'TLSv1.2' };
  assert.match(await handshake(port, old), /^TLSv1\.2 /);
  assert.match(await handshake(port, { ...old, ciphers: 'ECDHE-ECDSA-AES128-SHA256' }), /HANDSHAKE_FAILURE/);
  assert.match(
    await handshake(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    /PROTOCOL_VERSION|UNSUPPORTED/,
  );
  const newest = await listen(t, { listener: { ...TLS, tls_min_version: 'tls13' } });
  assert.match(await handshake(newest.port, old), /PROTOCOL_VERSION/);
  assert.match(await handshake(newest.port, {}), /^TLSv1\.3 /);
  const oldest = await listen(t, { listener: { ...TLS, tls_max_version: 'tls12' } });
  assert.match(await handshake(oldest.port, {}), /^TLSv1\.2 /);
});

function failure(options: Partial<ListenerOptions>): Promise<void> {
  return makeHttpServer({
    handler: { handle: async () => ({ kind: 'empty', status: 204 }), isOpen: () => false },
    log: SILENT_LOG,
    now: Date.now,
    listener: { address: '127.0.0.1:0', ...options },
  }).start();
}

test('settings that cannot be used stop the start, by name', async () => {
  await assert.rejects(failure({}), /^Error: tls_cert_file is not set, and tls_disable is not true$/);
  await assert.rejects(failure({ tls_cert_file: files.certFile }), /^Error: tls_key_file is not set/);
  const missing = join(folder, 'missing.pem');
  await assert.rejects(
    failure({ ...TLS, tls_key_file: missing }),
    /^Error: tls_key_file: cannot read .*missing\.pem: no such file or folder$/,
  );
  await assert.rejects(
    failure({ ...TLS, tls_min_version: 'tls10' }),
    /^Error: tls_min_version must be "tls12" or "tls13"$/,
  );
  await assert.rejects(
    failure({ ...TLS, tls_require_and_verify_client_cert: true, tls_disable_client_certs: true }),
    /exclude each other/,
  );
  await assert.rejects(failure({ ...TLS, tls_key_file: files.certFile }), /tls_key_file.*cannot be used/);
  await assert.rejects(failure({ tls_disable: true, address: '127.0.0.1' }), /is not host:port/);
});

test('reloadTls: new connections get the new certificate; a broken file changes nothing', async (t) => {
  const [certFile, keyFile] = [join(folder, 'now-cert.pem'), join(folder, 'now-key.pem')];
  copyFileSync(files.certFile, certFile);
  copyFileSync(files.keyFile, keyFile);
  const { port, server } = await listen(t, {
    listener: { ...TLS, tls_cert_file: certFile, tls_key_file: keyFile },
  });
  const shown = async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const first = await shown();
  const next = makeDevTls(mkdtempSync(join(folder, 'next-')), [], Date.now());
  copyFileSync(next.certFile, certFile);
  assert.throws(() => server.reloadTls(), /tls_key_file/);
  assert.equal(await shown(), first);
  copyFileSync(next.keyFile, keyFile);
  assert.equal(await shown(), first);
  server.reloadTls();
  assert.notEqual(await shown(), first);
});

/** A client's certificate and key, PEM, from an authority made for it. */
function clientIdentity() {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const client = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const common = {
    issuerName: 'test clients',
    issuerKey: authority.privateKey,
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 3_600_000,
    altNames: [],
  };
  return {
    ca: issueCertificate({
      ...common,
      commonName: 'test clients',
      publicKey: authority.publicKey,
      serial: randomBytes(16),
      isCa: true,
    }),
    cert: issueCertificate({
      ...common,
      commonName: 'client',
      publicKey: client.publicKey,
      serial: randomBytes(16),
      isCa: false,
    }),
    key: client.privateKey.export({ format: 'pem', type: 'pkcs8' }),
  };
}

test('tls_require_and_verify_client_cert: only a client of that authority is served', async (t) => {
  const [good, other] = [clientIdentity(), clientIdentity()];
  const caFile = join(folder, 'clients.pem');
  writeFileSync(caFile, good.ca);
  const { port, seen } = await listen(t, {
    listener: { ...TLS, tls_require_and_verify_client_cert: true, tls_client_ca_file: caFile },
  });
  const served = async (identity: ConnectionOptions) => {
    const connection = await wire(port, { ...TRUST, ...identity });
    connection.write(request('GET /v1/a', { Connection: 'close' }));
    return /^HTTP\/1\.1 200 /.test(await connection.closed());
  };
  assert.equal(await served({ cert: good.cert, key: good.key }), true);
  assert.equal(await served({ cert: other.cert, key: other.key }), false);
  assert.equal(await served({}), false);
  assert.equal(seen.length, 1);
});

test('without it a certificate is asked for, as Vault does, but none is needed', async (t) => {
  const { port } = await listen(t, { listener: TLS });
  const { cert, key } = clientIdentity();
  for (const identity of [{}, { cert, key }]) {
    const connection = await wire(port, { ...TRUST, ...identity });
    connection.write(request('GET /v1/a'));
    assert.equal((await connection.reply()).status, 200);
    connection.socket.destroy();
  }
});
