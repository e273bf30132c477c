/** `kv search` and its endpoint, through the front door: it finds what the token may list and read, and nothing else. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { runInProcess } from './in-process.ts';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
});
after(() => server.stop());

const as = (token: string): Ask => asking(server.address, token);
const policy = (name: string, text: string) =>
  succeed(root, 'PUT', `sys/policies/acl/${name}`, { policy: text });
const run = (token: string, ...args: string[]) =>
  runInProcess(['kv', 'search', ...args], {
    COFFER_ARGV0: 'vault',
    HOME: '/nonexistent',
    VAULT_ADDR: server.address,
    VAULT_TOKEN: token,
    VAULT_MAX_RETRIES: '0',
  });
const search = async (ask: Ask, where: string, body: object) =>
  (await succeed(ask, 'POST', `sys/internal/search/kv/${where}`, body)).body.data;
// biome-ignore lint/suspicious/noExplicitAny: an answer of the server
const pathsOf = (data: any) => data.matches.map(({ path }: { path: string }) => path);

const SECRETS: Record<string, object> = {
  'app/db': { password: 'CANARY-one', user: 'app' },
  'app/cache': { url: 'redis://10.0.0.7' },
  'app/deep/x/y': { nested: { dbpassword: 'CANARY-two' } },
  'DB-admin': { token: 'CANARY-three' },
  'hidden/db': { password: 'CANARY-four' },
  'listed/db': { password: 'CANARY-five' },
};

for (const version of ['1', '2']) {
  describe(`version ${version}`, () => {
    const mount = `kv-${version}`;
    const api = (section: string, path: string) =>
      version === '2' ? `${mount}/${section}/${path}` : `${mount}/${path}`;
    let token = '';
    before(async () => {
      await succeed(root, 'POST', `sys/mounts/${mount}`, { type: 'kv', options: { version } });
      for (const [path, value] of Object.entries(SECRETS))
        await succeed(root, 'POST', api('data', path), version === '2' ? { data: value } : value);
      const readable = version === '2' ? `path "${mount}/data/app/*" { capabilities = ["read"] }` : '';
      const v1 = version === '1';
      await policy(
        `searcher-${version}`,
        `path "sys/internal/search/kv/${mount}" { capabilities = ["update"] }
         path "sys/internal/search/kv/${mount}/*" { capabilities = ["update"] }
         path "${api('metadata', '*')}" { capabilities = ["list"] }
         path "${api('metadata', 'hidden/*')}" { capabilities = ["deny"] }
         path "${api('data', 'app/*')}" { capabilities = ["read"${v1 ? ', "list"' : ''}] }
         path "${api('data', 'app/deep/x/y')}" { capabilities = ["deny"] }
         ${readable}`,
      );
      token = (await makeToken(root, { policies: [`searcher-${version}`] })).token;
    });

    test('by path: all of it, below a folder, in any case, with a star', async () => {
      assert.deepEqual(pathsOf(await search(root, mount, { term: 'db' })), [
        'app/db',
        'hidden/db',
        'listed/db',
      ]);
      assert.deepEqual(pathsOf(await search(root, mount, { term: 'db', ignore_case: true })), [
        'DB-admin',
        'app/db',
        'hidden/db',
        'listed/db',
      ]);
      assert.deepEqual(pathsOf(await search(root, mount, { term: 'a*/y' })), ['app/deep/x/y']);
      assert.deepEqual(pathsOf(await search(root, `${mount}/app`, { term: 'a' })), ['app/cache']);
      assert.deepEqual(pathsOf(await search(root, `${mount}/app/deep`, { term: 'x/y' })), ['app/deep/x/y']);
      const none = await search(root, mount, { term: 'nothing' });
      assert.deepEqual([none.matches, none.is_complete, none.secrets_looked_at], [[], true, 6]);
    });

    test('by field and by value: names of fields are told, values never', async () => {
      const reply = await succeed(root, 'POST', `sys/internal/search/kv/${mount}`, {
        term: 'password',
        fields: true,
      });
      assert.deepEqual(reply.body.data.matches, [
        { path: 'app/db', fields: ['/password'] },
        { path: 'app/deep/x/y', fields: ['/nested/dbpassword'] },
        { path: 'hidden/db', fields: ['/password'] },
        { path: 'listed/db', fields: ['/password'] },
      ]);
      assert(!reply.text.includes('CANARY'));
      const values = await succeed(root, 'POST', `sys/internal/search/kv/${mount}`, {
        term: '-tw',
        values: true,
      });
      assert.deepEqual(values.body.data.matches, [{ path: 'app/deep/x/y', fields: ['/nested/dbpassword'] }]);
      assert(!values.text.includes('CANARY'));
    });

    test('only what the token may list and read, secret by secret', async () => {
      const byPath = await search(as(token), mount, { term: 'db' });
      assert.deepEqual(pathsOf(byPath), ['app/db', 'listed/db']);
      assert.deepEqual(byPath.not_listed, ['hidden/']);
      const byField = await search(as(token), mount, { term: 'password', fields: true });
      assert.deepEqual(byField.matches, [{ path: 'app/db', fields: ['/password'] }]);
      assert.equal(byField.secrets_not_read, 3, 'a denied one, and two that are only listed');
      assert.deepEqual((await search(as(token), mount, { term: 'CANARY', values: true })).matches, [
        { path: 'app/db', fields: ['/password'] },
      ]);
      const inside = await as(token)('POST', `sys/internal/search/kv/${mount}/hidden`, { term: 'db' });
      assert.equal(inside.status, 403);
    });

    test('page by page it is the same, and the last one says so', async () => {
      const whole = pathsOf(await search(root, mount, { term: '*' }));
      assert.equal(whole.length, 6);
      const found: string[] = [];
      for (let next = ''; ; ) {
        const data = await search(root, mount, { term: '*', limit: 1, after: next });
        found.push(...pathsOf(data));
        if (data.is_complete) break;
        assert(data.next !== next);
        next = data.next;
      }
      assert.deepEqual(found, whole);
    });

    test('the command: rows, JSON, exit codes', async () => {
      const table = await run('root', '-fields', mount, 'password');
      assert.equal(table.exit, 0, table.stderr);
      assert.equal(table.stdout.split('\n')[2], 'app/db  /password');
      const json = await run(token, `-mount=${mount}`, '-format=json', 'db');
      assert.deepEqual(JSON.parse(json.stdout), [
        { path: 'app/db', fields: [] },
        { path: 'listed/db', fields: [] },
      ]);
      assert.equal(json.stderr, 'Not listed, permission denied: hidden/\n');
      assert.equal(json.exit, 2);
      const folder = await run('root', `-mount=${mount}`, '-format=json', 'app/', 'cache');
      assert.deepEqual(JSON.parse(folder.stdout), [{ path: 'app/cache', fields: [] }]);
      const none = await run('root', '-format=json', mount, 'nothing');
      assert.deepEqual([none.exit, none.stdout], [1, '[]\n']);
      const cut = await run('root', '-limit=2', '-format=json', mount, '*');
      assert.equal(JSON.parse(cut.stdout).length, 2);
      assert.equal(cut.exit, 2);
      assert.match(cut.stderr, /Stopped after 2/);
    });
  });
}

test('a deleted version has no fields', async () => {
  await succeed(root, 'POST', 'secret/data/gone', { data: { canary: 'x' } });
  await succeed(root, 'DELETE', 'secret/data/gone');
  assert.deepEqual((await search(root, 'secret', { term: 'canary', fields: true })).matches, []);
  assert.deepEqual((await search(root, 'secret', { term: 'gone', fields: true })).matches, [
    { path: 'gone', fields: [] },
  ]);
});

test('fields are told to who may read only subkeys, values are not looked at for them', async () => {
  await succeed(root, 'POST', 'secret/data/sub', { data: { password: 'CANARY' } });
  await policy(
    'sub',
    `path "sys/internal/search/kv/secret" { capabilities = ["update"] }
     path "secret/metadata/" { capabilities = ["list"] }
     path "secret/subkeys/*" { capabilities = ["read"] }`,
  );
  const { token } = await makeToken(root, { policies: ['sub'] });
  assert.deepEqual((await search(as(token), 'secret', { term: 'pass', fields: true })).matches, [
    { path: 'sub', fields: ['/password'] },
  ]);
  const values = await search(as(token), 'secret', { term: 'CANARY', values: true });
  assert.deepEqual(values.matches, []);
});

test('who has no policy for it may not search, and is not told what is mounted', async () => {
  const { token } = await makeToken(root, { policies: ['default'] });
  for (const where of ['secret', 'nothing', 'sys'])
    assert.equal((await as(token)('POST', `sys/internal/search/kv/${where}`, { term: 'a' })).status, 403);
  assert.equal(
    (await call(server.address, 'POST', '/v1/sys/internal/search/kv/secret', { body: { term: 'a' } })).status,
    403,
  );
  await policy('only-search', 'path "sys/internal/search/kv/*" { capabilities = ["update"] }');
  const searcher = await makeToken(root, { policies: ['only-search'] });
  for (const where of ['secret', 'nothing'])
    assert.equal(
      (await as(searcher.token)('POST', `sys/internal/search/kv/${where}`, { term: 'a' })).status,
      403,
    );
  assert.equal((await root('POST', 'sys/internal/search/kv/nothing', { term: 'a' })).status, 400);
  const refused = await run(searcher.token, 'secret', 'a');
  assert.equal(refused.exit, 2);
  assert.equal(refused.stdout, '');
});

test('what is not a search is refused, and not repeated', async () => {
  const wrong: object[] = [
    {},
    { term: '' },
    { term: `CANARY${'a'.repeat(2_000)}` },
    { term: 'a', limit: 0 },
    { term: 'a', limit: 1_000_000 },
    { term: 'a', limit: 'CANARY' },
    { term: 'a', after: `CANARY${'a'.repeat(5_000)}` },
  ];
  for (const body of wrong) {
    const { status, text } = await root('POST', 'sys/internal/search/kv/secret', body);
    assert.equal(status, 400, JSON.stringify(body).slice(0, 80));
    assert(!text.includes('CANARY'));
  }
  for (const args of [[], ['a'], ['-limit=0', 'secret', 'a'], ['a', 'b', 'c']])
    assert.equal((await run('root', ...args)).exit, 1);
});

test('in a namespace: its own mounts, and no others', async () => {
  await succeed(root, 'POST', 'sys/namespaces/team');
  await succeed(root, 'POST', 'team/sys/mounts/kv', { type: 'kv', options: { version: '2' } });
  await succeed(root, 'POST', 'team/kv/data/inner', { data: { a: 'b' } });
  const inside = await succeed(root, 'POST', 'team/sys/internal/search/kv/kv', { term: 'inner' });
  assert.deepEqual(pathsOf(inside.body.data), ['inner']);
  assert.equal((await root('POST', 'team/sys/internal/search/kv/secret', { term: 'a' })).status, 400);
  const made = await succeed(root, 'POST', 'team/auth/token/create', { policies: ['root'].slice(1) });
  const { status } = await as(made.body.auth.client_token)('POST', 'sys/internal/search/kv/kv', {
    term: 'inner',
  });
  assert.equal(status, 403);
});

test('a mount of many secrets: each page ends in time, and all are found', async () => {
  await succeed(root, 'POST', 'sys/mounts/many', { type: 'kv', options: { version: '1' } });
  const many = Array.from({ length: 1_100 }, (_, n) => `f${n % 7}/s${n}`);
  for (let at = 0; at < many.length; at += 50)
    await Promise.all(
      many.slice(at, at + 50).map((path) => succeed(root, 'POST', `many/${path}`, { n: path })),
    );
  const json = await run('root', '-format=json', '-values', 'many', 's1099');
  assert.deepEqual(JSON.parse(json.stdout), [{ path: 'f0/s1099', fields: ['/n'] }]);
  const all = await run('root', '-format=json', 'many', 's*');
  assert.equal(JSON.parse(all.stdout).length, 1_100);
});
