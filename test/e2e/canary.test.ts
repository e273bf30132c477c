/**
 * Canary secrets through every field of every route, in bodies, paths, queries and headers, with an audit device on, the log at trace and
 * each request in it: they are in no error, header of a reply, log line, metric, status or diagnosis, and in the audit log only where
 * contract §17 leaves texts readable.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { type CallReply, call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import {
  Aviary,
  type Canary,
  canaryRequests,
  mayStandInAudit,
  QUOTES_POLICY,
  type Sent,
} from './canaries.ts';
import { routesOf } from './malformations.ts';

const CONNECTIONS = 16;
const TRIES = 200;

const folder = testFolder('canary');
let server: RunningServer;
let root: Ask;
const aviary = new Aviary();
before(async () => {
  mkdirSync(join(folder, 'cwd'));
  const config = join(folder, 'requests.hcl');
  writeFileSync(config, 'log_requests_level = "trace"\n');
  const log = ['-log-level=trace', `-log-file=${join(folder, 'server.log')}`];
  server = await startDev({
    args: [`-dev-data=${join(folder, 'data')}`, `-config=${config}`, ...log],
    cwd: join(folder, 'cwd'),
  });
  root = asking(server.address);
  const options = { file_path: join(folder, 'audit.log') };
  await succeed(root, 'PUT', 'sys/audit/file', { type: 'file', options });
  await succeed(root, 'POST', 'sys/mounts/one', { type: 'kv-v1' });
  await succeed(root, 'POST', 'secret/data/there', { data: { a: 'b' } });
  await succeed(root, 'PUT', 'sys/policies/acl/there', { policy: '# nothing yet' });
  await makeToken(root, { id: 'fuzz-child', policies: ['default'] });
});
after(() => server.stop('SIGKILL'));

const shown = (canaries: readonly Canary[]) =>
  canaries.map(({ kind, what }) => `${kind} of ${what}`).join('; ');

function assertNone(where: string, text: string): void {
  assert.equal(shown(aviary.in(text)), '', where);
}

/** As a client does: where a server has its hands full and says when to ask again, it is asked again. */
async function send({ method, path, token, headers, body }: Sent): Promise<CallReply> {
  for (let left = TRIES; ; left--) {
    const reply = await call(server.address, method, `/v1/${path}`, { token, headers, body });
    if (reply.status !== 503 || reply.headers['retry-after'] === undefined || left === 0) return reply;
  }
}

/** What an error may say of what was sent: names and paths, and a policy's own words where it cannot be parsed. */
function assertRepeatsNothing(sent: Sent, reply: CallReply): void {
  // Some refusals of KV are envelopes, whose warning names fields that were ignored.
  const envelope = reply.body === undefined ? reply.text : JSON.stringify({ ...reply.body, warnings: null });
  const errors: string[] = reply.body?.errors ?? [envelope];
  for (const error of errors) {
    if (QUOTES_POLICY.test(error)) continue;
    const isOfKeys = error.includes('custom_metadata validation failed: ');
    const wrong = aviary
      .in(error)
      .filter(({ kind }) => kind !== 'path' && kind !== 'label' && !(kind === 'key' && isOfKeys));
    assert.equal(shown(wrong), '', `${sent.method} ${sent.path} ${sent.body}: ${reply.text}`);
  }
}

test('no error repeats a secret that was sent', async () => {
  const { body } = await succeed(root, 'GET', 'sys/internal/specs/openapi');
  const requests = canaryRequests(routesOf(body), aviary);
  const counts = { done: 0, refused: 0 };
  const worker = async () => {
    for (const sent of requests) {
      const reply = await send(sent);
      assert(reply.status < 500, `${sent.method} ${sent.path} ${sent.body}: ${reply.status} ${reply.text}`);
      assertNone(`headers of the reply to ${sent.method} ${sent.path}`, JSON.stringify(reply.headers));
      if (reply.status >= 400) {
        counts.refused++;
        assertRepeatsNothing(sent, reply);
      } else counts.done++;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  assert(counts.done > 300 && counts.refused > 300, JSON.stringify(counts));
  assert(aviary.count > 10_000, String(aviary.count));
});

/** Longer than a key may be. */
const long = (canary: string) => canary.padEnd(200, 'x');

test('nor a key that is too long, and of an audit device no option', async () => {
  const metadata = (what: string) => {
    const add = (kind: 'key' | 'value') => aviary.add(kind, what);
    return [
      { [long(add('key'))]: 'a' },
      { [long(add('key'))]: { [add('key')]: add('value') } },
      { [long(add('key'))]: long(add('value')).repeat(4) },
      { [long(add('key'))]: '\x01', [`${long(add('key'))}\x01`]: add('value') },
      { a: long(add('value')).repeat(4) },
      { a: [add('value')] },
      { a: `${add('value')}\x01` },
    ];
  };
  for (const path of ['secret/metadata/there', 'secret/metadata/new', 'sys/namespaces/new']) {
    for (const method of ['POST', 'PATCH']) {
      for (const custom of metadata(`${method} ${path}`)) {
        const reply = await root(method, path, { custom_metadata: custom });
        // Nothing is there that could be patched.
        if (reply.status === 404) continue;
        assert.equal(reply.status, 400, reply.text);
        assertNone(`${method} ${path}`, reply.text);
      }
    }
  }
  const file = { type: 'file', file_path: 'discard' };
  const option = (what: string) => aviary.add('value', `an audit device's ${what}`);
  const http = { type: 'http', uri: 'http://127.0.0.1:9/' };
  for (const { type, ...options } of [
    ...['format', 'mode', 'hmac_accessor', 'log_raw', 'elide_list_responses', 'prefix', 'filter'].map(
      (name) => ({ ...file, [name]: option(name) }),
    ),
    ...['exclude', 'fallback'].map((name) => ({ ...file, [name]: option(name) })),
    { ...file, exclude: `[{"fields":["${option('exclude')}"],"condition":"${option('exclude')}"}]` },
    ...['socket_type', 'address', 'write_timeout'].map((name) => ({
      type: 'socket',
      address: '127.0.0.1:9',
      [name]: option(name),
    })),
    ...['facility', 'tag', 'address'].map((name) => ({ type: 'syslog', [name]: `${option(name)} a` })),
    ...['headers', 'write_timeout'].map((name) => ({ ...http, [name]: option(name) })),
    { ...http, headers: JSON.stringify({ [option('headers')]: `${option('headers')}\n` }) },
    { ...http, headers: JSON.stringify({ authorization: option('headers') }) },
    {
      ...http,
      uri: `http://${option('uri')}:${option('uri')}@127.0.0.1:9/${option('uri')}?${option('uri')}`,
    },
    { type: option('type') },
  ]) {
    const reply = await root('PUT', 'sys/audit/new', { type, options });
    assert.equal(reply.status, 400, `${JSON.stringify(options)}: ${reply.text}`);
    assertNone(JSON.stringify(options), reply.text);
  }
});

test('nor do refusals of HTTP itself', async () => {
  for (const name of [
    'x-vault-wrap-ttl',
    'x-vault-namespace',
    'expect',
    'content-type',
    'accept-encoding',
    'x-vault-token',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE', 'LIST', 'PATCH']) {
      // The media type that PATCH does not take is named, in Vault's words: here there is none.
      const before = method === 'PATCH' && name === 'content-type' ? ';' : '';
      const headers = { [name]: before + aviary.add('header', name) };
      const reply = await call(server.address, method, '/v1/secret/data/a', {
        headers,
        token: 'root',
        body: '{"a":',
      });
      assert(reply.status < 500, `${name} ${method} ${reply.status}`);
      if (reply.status >= 400) assertNone(`${name} ${method}`, reply.text);
    }
  }
});

/** All that comes back for bytes that may be no HTTP, until the connection ends. */
function answerTo(bytes: string): Promise<string> {
  const { hostname, port } = new URL(server.address);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      // What is refused ends its connection by itself; the rest is ended here.
      if (/\r\n\r\n/.test(text)) socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

test('nor what is said to bytes that are no request, or a broken one', async () => {
  const canary = (what: string) => aviary.add('header', what);
  const rest = (what: string) => `Host: ${canary(what)}\r\nX-Vault-Token: ${canary(what)}\r\n`;
  for (const bytes of [
    `${canary('a line')}\r\n\r\n`,
    `${canary('a verb')} /v1/sys/health HTTP/1.1\r\n${rest('a verb')}\r\n`,
    `GET /${canary('a root')} HTTP/1.1\r\n${rest('a root')}\r\n`,
    `GET /v1/${canary('an escape')}%zz HTTP/1.1\r\n${rest('an escape')}\r\n`,
    `GET /v1/a?${canary('a query')}=%zz HTTP/1.1\r\n${rest('a query')}\r\n`,
    `GET /v1/a?a=${canary('a query')};b#${canary('a query')} HTTP/1.1\r\n${rest('a query')}\r\n`,
    `GET /v1/sys/health HTTP/${canary('a version')}\r\n${rest('a version')}\r\n`,
    `GET /v1/a HTTP/1.1\r\n${rest('a header')}${canary('a header')}\x01: ${canary('a header')}\r\n\r\n`,
    `GET /v1/a HTTP/1.1\r\n${rest('a long header')}A: ${canary('a long header').repeat(8_000)}\r\n\r\n`,
    `PUT /v1/a HTTP/1.1\r\n${rest('a length')}Content-Length: ${canary('a length')}\r\n\r\n`,
    `PUT /v1/a HTTP/1.1\r\n${rest('a coding')}Transfer-Encoding: ${canary('a coding')}\r\n\r\n`,
    `PUT /v1/a HTTP/1.1\r\n${rest('a chunk')}Transfer-Encoding: chunked\r\n\r\n${canary('a chunk')}\r\n`,
    `CONNECT ${canary('a tunnel')}:443 HTTP/1.1\r\n${rest('a tunnel')}\r\n`,
  ]) {
    const text = await answerTo(bytes);
    assert.match(text, /^HTTP\/1\.1 [3-5]\d\d /, bytes.slice(0, 100));
    assertNone(bytes.slice(0, 100), text);
  }
});

test('seal and unseal: no share comes back, and the server says nothing of them', async () => {
  await succeed(root, 'PUT', 'sys/seal');
  const key = aviary.add('value', 'a share');
  for (const share of [
    key,
    Buffer.from(key).toString('hex'),
    Buffer.from(key).toString('base64'),
    { a: key },
    [key],
  ]) {
    const reply = await root('PUT', 'sys/unseal', { key: share, [aviary.add('key', 'unseal')]: key });
    assert.equal(reply.status, 400, reply.text);
    assertNone('unseal', reply.text);
    assert(!reply.text.includes(Buffer.from(key).toString('hex')));
  }
  for (const path of ['secret/data/a', 'sys/mounts', 'auth/token/lookup-self']) {
    const reply = await asking(server.address, aviary.add('token', path))('POST', path, {
      a: aviary.add('value', path),
    });
    assert.equal(reply.status, 503);
    assertNone(path, reply.text);
  }
  const unsealKey = readFileSync(join(folder, 'data', 'unseal-key'), 'utf8').trim();
  assert.equal((await root('PUT', 'sys/unseal', { key: unsealKey })).body.sealed, false);
});

test('status, diagnoses and metrics know nothing of what was sent', async () => {
  const { token } = await makeToken(root, { policies: ['default'] });
  for (const path of [
    'sys/health',
    'sys/seal-status',
    'sys/leader',
    'sys/ha-status',
    'sys/key-status',
    'sys/host-info',
    'sys/metrics',
    'sys/metrics?format=prometheus',
    'sys/internal/specs/openapi',
    'sys/in-flight-req',
  ]) {
    const reply = await succeed(root, 'GET', path);
    const found = aviary.in(reply.text).filter(({ kind }) => !(kind === 'path' && path.includes('openapi')));
    assert.equal(shown(found), '', path);
    assert(reply.text.length > 20, path);
  }
  const { body } = await succeed(asking(server.address, token), 'GET', 'auth/token/lookup-self');
  assertNone('another token', JSON.stringify(body));
});

test('requests under way are shown with their paths, and nothing else of them', async () => {
  const path = `secret/data/${aviary.add('path', 'in flight')}`;
  const data = { data: { [aviary.add('key', 'in flight')]: aviary.add('value', 'in flight') } };
  let seen = 0;
  for (let round = 0; round < 50 && seen === 0; round++) {
    const writes = Array.from({ length: 8 }, () =>
      root('PUT', `${path}?a=${aviary.add('query', 'in flight')}`, data, {
        headers: { 'x-custom': aviary.add('header', 'in flight') },
      }),
    );
    const [rows] = await Promise.all([root('GET', 'sys/in-flight-req'), ...writes]);
    seen += Object.keys(rows.body).length - 1;
    const wrong = aviary.in(rows.text).filter(({ kind }) => kind !== 'path');
    assert.equal(shown(wrong), '');
    assert(!rows.text.includes('root'), 'nor tokens');
  }
  assert(seen > 0, 'some were seen');
});

test('the server prints nothing of it, and its log shows the paths of requests alone', () => {
  assertNone('stdout', server.stdout());
  assertNone('stderr', server.stderr());
  const lines = readFileSync(join(folder, 'server.log'), 'utf8').trimEnd().split('\n');
  let requests = 0;
  for (const line of lines) {
    const [, path = ''] = / completed_request: .* request_path=(\S+) request_method=[A-Z]+$/.exec(line) ?? [];
    if (path !== '') requests++;
    assert.equal(shown(aviary.in(path).filter(({ kind }) => kind !== 'path')), '', line);
    assertNone('the log', line.replace(path, ''));
  }
  assert(requests > 1_500, String(requests));
});

test('the audit log shows texts where the contract leaves them readable, and hashes all others', async () => {
  const value = aviary.add('value', 'hashed');
  await succeed(root, 'PUT', 'secret/data/hashed', { data: { a: value } });
  await succeed(root, 'GET', 'secret/data/hashed');
  const { hash } = (await succeed(root, 'POST', 'sys/audit-hash/file', { input: value })).body.data;
  const log = readFileSync(join(folder, 'audit.log'), 'utf8');
  assert(log.split(hash).length > 3, 'request and reply are in the log, hashed');
  const wrong = new Set<string>();
  let lines = 0;
  for (const line of log.trimEnd().split('\n')) {
    lines++;
    for (const { place, text } of texts(JSON.parse(line), '')) {
      for (const canary of aviary.in(text)) {
        if (!mayStandInAudit(canary, place, text)) wrong.add(`${place}: ${shown([canary])}`);
      }
    }
  }
  assert.deepEqual([...wrong].slice(0, 20), []);
  assert(lines > 3_000, String(lines));
});

interface Text {
  readonly place: string;
  readonly text: string;
}

/** Every text of a line, names of members too, with the names that lead to it. */
function* texts(value: unknown, place: string): Generator<Text> {
  if (typeof value === 'string') yield { place, text: value };
  else if (Array.isArray(value)) for (const one of value) yield* texts(one, place);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      const at = place === '' ? name : `${place}.${name}`;
      yield { place: `${at}#key`, text: name };
      yield* texts(member, at);
    }
  }
}

test('what rests on disk shows none: no value, no name, no path', async () => {
  await server.stop();
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile() && !/(audit|server)\.log$/.test(file));
  assert(files.some((file) => file.endsWith('.mdb')));
  for (const file of files) assertNone(file, readFileSync(file, 'latin1'));
});
