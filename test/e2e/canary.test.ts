/**
 * Canary secrets through every field of every route, with an audit device on and the log at trace: they are in no error, log line, metric,
 * status or diagnosis, and in the audit log only where contract §17 leaves texts readable.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { type CallReply, call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { Aviary, type Canary, canaryRequests, mayStandInAudit, type Sent } from './canaries.ts';
import { routesOf } from './malformations.ts';

const CONNECTIONS = 16;

let folder: string;
let server: RunningServer;
let root: Ask;
const aviary = new Aviary();
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coffer-test-canary-'));
  mkdirSync(join(folder, 'cwd'));
  server = await startDev({
    args: [`-dev-data=${join(folder, 'data')}`, '-log-level=trace'],
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
after(async () => {
  await server.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const shown = (canaries: readonly Canary[]) =>
  canaries.map(({ kind, what }) => `${kind} of ${what}`).join('; ');

function assertNone(where: string, text: string): void {
  assert.equal(shown(aviary.in(text)), '', where);
}

const send = ({ method, path, token, headers, body }: Sent): Promise<CallReply> =>
  call(server.address, method, `/v1/${path}`, { token, headers, body });

/** What an error may say of what was sent: names and paths, and a policy's own words where it cannot be parsed. */
function assertRepeatsNothing(sent: Sent, reply: CallReply): void {
  // Some refusals of KV are envelopes, whose warning names fields that were ignored.
  const envelope = reply.body === undefined ? reply.text : JSON.stringify({ ...reply.body, warnings: null });
  const errors: string[] = reply.body?.errors ?? [envelope];
  for (const error of errors) {
    if (error.startsWith('failed to parse policy: ')) continue;
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

test('nor do refusals of HTTP itself', async () => {
  for (const name of [
    'x-vault-wrap-ttl',
    'x-vault-namespace',
    'expect',
    'content-type',
    'accept-encoding',
    'x-vault-token',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE', 'LIST']) {
      const headers = { [name]: aviary.add('header', name) };
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

test('the server prints nothing of it', () => {
  assertNone('stdout', server.stdout());
  assertNone('stderr', server.stderr());
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
    .filter((file) => statSync(file).isFile() && !file.endsWith('audit.log'));
  assert(files.some((file) => file.endsWith('.mdb')));
  for (const file of files) assertNone(file, readFileSync(file, 'latin1'));
});
