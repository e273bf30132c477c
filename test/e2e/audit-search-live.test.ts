/** `audit search -live` and its endpoint, through the front door: what devices write, and nothing else that lies in a file. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runInProcess } from '../cli/in-process.ts';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { type LiveReply, liveReply } from '../support/live-reply.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const folder = testFolder('audit-live');
const log = join(folder, 'audit.log');
let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await succeed(root, 'PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } });
  await succeed(root, 'POST', 'secret/data/one', { data: { value: 'CANARY' } });
  await succeed(root, 'GET', 'secret/data/one');
  await succeed(root, 'GET', 'sys/mounts');
});
after(() => server.stop());

const as = (token: string): Ask => asking(server.address, token);
const run = (token: string, ...args: string[]) =>
  runInProcess(['audit', 'search', ...args], {
    COFFER_ARGV0: 'vault',
    HOME: '/nonexistent',
    VAULT_ADDR: server.address,
    VAULT_TOKEN: token,
    VAULT_MAX_RETRIES: '0',
  });
// biome-ignore lint/suspicious/noExplicitAny: entries of every kind
async function search(body: object, ask = root): Promise<any[]> {
  const { status, text } = await ask('POST', 'sys/audit-search', body);
  assert.equal(status, 200, text);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
// biome-ignore lint/suspicious/noExplicitAny: entries of every kind
const paths = (entries: any[]) =>
  entries.map(({ type, request: asked }) => `${type} ${asked?.path ?? ''}`.trim());

/** A search that goes on until it is left. */
const follow = (body: object, token = 'root'): LiveReply =>
  liveReply(server.address, token, 'POST', 'sys/audit-search', { follow: true, ...body });

test('by path, request id, time, accessor: lines as they stand in the log, then why it ended', async () => {
  assert.deepEqual(paths(await search({ path: 'secret/data/*' })), [
    'request secret/data/one',
    'response secret/data/one',
    'request secret/data/one',
    'response secret/data/one',
    'search-end',
  ]);
  const { body } = await succeed(root, 'GET', 'sys/mounts');
  const byId = await search({ request_id: body.request_id });
  assert.deepEqual(paths(byId), ['request sys/mounts', 'response sys/mounts', 'search-end']);
  assert.equal(byId.at(-1).reason, 'complete');
  assert.deepEqual(paths(await search({ until: '2020-01-01T00:00:00Z' })), ['search-end']);
  assert.deepEqual(paths(await search({ since: '2120-01-01T00:00:00Z' })), ['search-end']);
  const made = await makeToken(root, { policies: ['default'] });
  await succeed(as(made.token), 'GET', 'auth/token/lookup-self');
  const own = paths(await search({ accessor: made.accessor, path: 'auth/token/lookup-self' }));
  assert.deepEqual(own, ['request auth/token/lookup-self', 'response auth/token/lookup-self', 'search-end']);
  const { hash } = (await succeed(root, 'POST', 'sys/audit-hash/file', { input: made.accessor })).body;
  assert.deepEqual(paths(await search({ accessor: hash, path: 'auth/token/lookup-self' })), own);
});

test('no secret is in it, and no more than was asked for', async () => {
  const { text } = await root('POST', 'sys/audit-search', { path: 'secret/*' });
  assert(!text.includes('CANARY'));
  const few = await search({ limit: 2 });
  assert.equal(few.length, 3);
  assert.equal(few.at(-1).reason, 'limit');
});

test('who has no sudo may not, nor in a namespace', async () => {
  await succeed(root, 'PUT', 'sys/policies/acl/no-sudo', {
    policy: 'path "sys/audit-search" { capabilities = ["update"] }',
  });
  const { token } = await makeToken(root, { policies: ['no-sudo'] });
  assert.equal((await as(token)('POST', 'sys/audit-search', {})).status, 403);
  await succeed(root, 'POST', 'sys/namespaces/team');
  assert.equal((await root('POST', 'team/sys/audit-search', {})).status, 400);
});

test('what is wrong is refused, and not repeated', async () => {
  const wrong: object[] = [
    { device: 'CANARY' },
    { device: '../CANARY' },
    { device: log },
    { since: 'CANARY' },
    { until: '2026-13-01T00:00:00Z' },
    { limit: 0 },
    { limit: 'CANARY' },
    { path: `CANARY${'a'.repeat(5_000)}` },
  ];
  for (const body of wrong) {
    const reply = await root('POST', 'sys/audit-search', body);
    assert.equal(reply.status, 400, JSON.stringify(body).slice(0, 60));
    assert(!reply.text.includes('CANARY'));
  }
});

test('of files only what audit devices write; none of devices without a file, or with secrets in the clear', async () => {
  const other = join(folder, 'other.json');
  await succeed(root, 'PUT', 'sys/audit/other', { type: 'file', options: { file_path: other } });
  // As if the file had become another under the device.
  appendFileSync(
    other,
    `{"type":"service_account","time":"2026-01-01T00:00:00Z","private_key":"CANARY-key"}\n{"type":"request","request":{"path":"CANARY-path"}}\nCANARY-text\n`,
  );
  const shown = await root('POST', 'sys/audit-search', { device: 'other', all: true });
  assert.equal(shown.status, 200);
  assert(!shown.text.includes('CANARY'), shown.text);
  const several = await root('POST', 'sys/audit-search', {});
  assert.equal(several.status, 400);
  assert.match(several.body.errors[0], /name one/);
  await succeed(root, 'DELETE', 'sys/audit/other');
  assert.equal((await root('POST', 'sys/audit-search', { device: 'other' })).status, 400, 'disabled');
  const raw = { type: 'file', options: { file_path: join(folder, 'raw.log'), log_raw: 'true' } };
  await succeed(root, 'PUT', 'sys/audit/raw', raw);
  const refused = await root('POST', 'sys/audit-search', { device: 'raw' });
  assert.equal(refused.status, 400);
  assert.match(refused.body.errors[0], /in the clear/);
  await succeed(root, 'DELETE', 'sys/audit/raw');
  await succeed(root, 'PUT', 'sys/audit/none', { type: 'file', options: { file_path: 'discard' } });
  assert.equal((await root('POST', 'sys/audit-search', { device: 'none' })).status, 400);
  await succeed(root, 'DELETE', 'sys/audit/none');
});

test('follows what is written from now on, until its client leaves', async () => {
  const seen = follow({ path: 'secret/data/followed' });
  await until('it begins', () => seen.status === 200);
  await succeed(root, 'POST', 'secret/data/followed', { data: {} });
  await until('both lines', () => seen.text.trimEnd().split('\n').length >= 2);
  assert.deepEqual(
    paths(
      seen.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ),
    ['request secret/data/followed', 'response secret/data/followed'],
  );
  seen.leave();
});

test('ends when its token does, and leaves its place', async () => {
  const policy = 'path "sys/audit-search" { capabilities = ["update", "sudo"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/looks', { policy });
  const { token } = await makeToken(root, { policies: ['looks'] });
  const seen = Array.from({ length: 4 }, () => follow({}, token));
  await until('all begin', () => seen.every(({ status }) => status === 200));
  assert.equal((await root('POST', 'sys/audit-search', { limit: 1 })).status, 503, 'as many as there may be');
  await succeed(root, 'POST', 'auth/token/revoke', { token });
  await until('all end', () => seen.every(({ ended }) => ended));
  for (const { text } of seen) assert.match(text, /"reason":"not allowed any more"\}\n$/);
  assert.equal((await search({ limit: 1 })).length, 2);
});

test('the command: entries for people and machines, exit codes', async () => {
  const table = await run('root', '-live', '-path=secret/data/one', '-since=1h');
  assert.equal(table.exit, 0, table.stderr);
  assert.match(table.stdout.split('\n')[0]!, /^\S+ {2}request {2}(?:create|update) {2}secret\/data\/one/);
  const json = await run('root', '-live', '-format=json', '-device=file', '-path=secret/data/one');
  assert.equal(JSON.parse(json.stdout.split('\n')[0]!).request.path, 'secret/data/one');
  const none = await run('root', '-live', '-path=nothing');
  assert.deepEqual([none.exit, none.stdout, none.stderr], [1, '', '']);
  const cut = await run('root', '-live', '-limit=1');
  assert.equal(cut.exit, 0);
  assert.match(cut.stderr, /There may be more/);
  const denied = await run((await makeToken(root, { policies: ['default'] })).token, '-live');
  assert.equal(denied.exit, 2);
  assert.match(denied.stderr, /^Error searching audit log: .*Code: 403/s);
  for (const args of [['-live', log], ['-live', '-device=a', '-device=b'], ['-live', '-since=x'], []])
    assert.equal((await run('root', ...args)).exit, 1, args.join(' '));
});

test('a line that is not whole yet, and one that is none, are passed over', async () => {
  appendFileSync(log, 'no json\n{"time":"2026-01-01T00:00:00Z","type":"req');
  const found = await search({ path: 'secret/data/one' });
  assert.equal(found.at(-1).reason, 'complete');
});
