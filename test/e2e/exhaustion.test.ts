/**
 * Requests that are made to use up time or memory (CVE-2023-6337, CVE-2023-5954, CVE-2025-6203, GHSA-8w8f), at the front door of a server
 * with an audit device: each is answered, none with a 500, and what strangers send is hardly looked at. The table of advisories is in
 * `docs/security-lessons.md`; bodies and clients that are slow are in `test/http`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { routesOf } from './malformations.ts';

const MB = 1_000_000;

const folder = testFolder('exhaustion');
let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await succeed(root, 'PUT', 'sys/audit/file', { type: 'file', options: { file_path: join(folder, 'log') } });
  await succeed(root, 'POST', 'sys/mounts/one', { type: 'kv-v1' });
});
after(() => server.stop());

const auditBytes = () => statSync(join(folder, 'log')).size;
const many = (count: number, one: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => one(at)).join();

test('CVE-2023-6337, CVE-2025-6203: what strangers send is not hashed by the million, nor written to the log', async () => {
  const bodies: [string, string, number][] = [
    ['brackets', `{"a":${'['.repeat(4 * MB)}`, 400],
    ['strings', `{"a":[${many(990_000, () => '"x"')}]}`, 403],
    ['more values than may be', `{"a":[${many(1_000_001, () => '1')}]}`, 400],
    ['names', `{${many(400_000, (at) => `"k${at}":"v"`)}}`, 403],
    ['one string', `{"a":"${'x'.repeat(16 * MB)}"}`, 403],
    ['escapes', `{"a":"${'\\u0041'.repeat(2 * MB)}"}`, 403],
    ['one name', `{"${'x'.repeat(16 * MB)}":1}`, 403],
    ['a number', `{"a":${'1'.repeat(8 * MB)}}`, 403],
    ['an object in each other', `${'{"a":'.repeat(501)}1${'}'.repeat(501)}`, 400],
  ];
  const before = auditBytes();
  for (const [what, body, status] of bodies) {
    for (const token of [undefined, 'hvs.nobody']) {
      // Not even a name of a token's own: the header is left out where there is none.
      const ask = asking(server.address, token ?? '');
      const reply = await ask('PUT', 'secret/data/a', body);
      assert.equal(reply.status, status, `${what}: ${reply.text}`);
      assert(reply.text.length < 500, what);
    }
  }
  assert.equal((await root('GET', 'sys/health')).status, 200);
  assert(auditBytes() - before < 100_000, `${auditBytes() - before} bytes`);
  // That they asked is there, and what they sent where it is little.
  await asking(server.address, 'hvs.nobody')('PUT', 'secret/data/little', { a: 'b', n: 1 });
  const lines = readFileSync(join(folder, 'log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert(lines.filter(({ request }) => request?.path === 'secret/data/a').length >= 18);
  const [little] = lines.filter(({ request }) => request?.path === 'secret/data/little');
  assert.deepEqual(Object.keys(little.request.data), ['a', 'n']);
});

test('GHSA-8w8f, CVE-2023-5954: no field of any route takes the server down, whatever its size', async () => {
  // Digits and units, which are base64 too: repeated patterns go on a stack.
  const text = '1h'.repeat(4_200_000);
  const { body } = await succeed(root, 'GET', 'sys/internal/specs/openapi');
  const asked = new Set<string>();
  for (const { path, fields, served } of routesOf(body)) {
    if (!served.includes('POST') || /^sys\/(seal|step-down)$/.test(path)) continue;
    for (const field of fields) {
      if (asked.has(field)) continue;
      asked.add(field);
      const reply = await root(
        'POST',
        path.replace(/\{\w+\}/g, 'a'),
        `{"type":"service","${field}":"${text}"}`,
      );
      assert(reply.status < 500, `${path} ${field}: ${reply.status} ${reply.text.slice(0, 500)}`);
      assert.doesNotMatch(reply.text.slice(0, 10_000), /call stack|Maximum/, `${path} ${field}`);
    }
  }
  assert(asked.size > 30, [...asked].join());
  assert.equal((await root('GET', 'sys/health')).status, 200);
  assert.doesNotMatch(server.stderr(), /\[ERROR\]/);
});

test('a policy in base64 is read up to the size of the longest policy', async () => {
  const policy = `path "a" { capabilities = ["read"] }\n${'#'.repeat(1_048_000)}`;
  await succeed(root, 'PUT', 'sys/policies/acl/long', { policy: Buffer.from(policy).toString('base64') });
  assert.equal((await root('GET', 'sys/policies/acl/long')).body.data.policy, policy);
});

test('what a token is made with is bounded: it stays in memory, and comes with each line of the log', async () => {
  const meta = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, at) => [`key-${at}`, 'some more text here']),
  );
  for (const [what, settings] of Object.entries({
    'a name': { display_name: 'x'.repeat(70_000) },
    metadata: { meta },
    policies: { policies: Array.from({ length: 10_000 }, (_, at) => `policy-${at}`) },
    'an id that no request could send': { id: 'x'.repeat(9_000) },
  })) {
    const reply = await root('POST', 'auth/token/create', settings);
    assert.equal(reply.status, 400, what);
    assert.match(reply.body.errors[0], /must not/, what);
  }
  await makeToken(root, { display_name: 'x'.repeat(1_000), policies: ['default', 'a'.repeat(500)] });
  const { token } = await makeToken(root, { id: 'y'.repeat(8_000) });
  assert.equal((await asking(server.address, token)('GET', 'auth/token/lookup-self')).status, 200);
});

test('a path is refused where it is longer than any that could be stored', async () => {
  for (const ask of [root, asking(server.address, '')]) {
    for (const path of [
      `secret/data/${'a/'.repeat(25_000)}a`,
      `secret/data/${'x'.repeat(50_000)}`,
      `sys/policy/${'%41'.repeat(5_000)}`,
    ]) {
      for (const method of ['GET', 'LIST', 'PUT', 'DELETE']) {
        const { status, body } = await ask(method, path);
        assert.deepEqual([status, body.errors], [400, ['path is too long']]);
      }
    }
  }
});
