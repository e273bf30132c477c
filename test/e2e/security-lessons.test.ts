/**
 * What went wrong in others, tried at our front door: spellings of paths, and policies. Each was seen to fail with its defence taken away; the table of
 * them all is `docs/security-lessons.md`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed, tokenWith } from '../support/asking.ts';
import { call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
});
after(() => server.stop());

const allowed = async (policy: string): Promise<Ask> => asking(server.address, await tokenWith(root, policy));

const ALL = '["create", "read", "update", "patch", "delete", "list", "sudo"]';

test('CVE-2026-89322, HCSEC-2026-43: a denial holds for every spelling of a name that is lower-cased', async () => {
  const texts = ['admin', 'Admin', 'ADMIN'].map(
    (name) => `path "sys/policies/acl/*" { capabilities = ${ALL} }
    path "sys/policies/acl/${name}" { capabilities = ["deny"] }
    path "sys/policy/*" { capabilities = ${ALL} }
    path "sys/policy/${name}" { capabilities = ["deny"] }`,
  );
  await succeed(root, 'PUT', 'sys/policies/acl/admin', { policy: '# as it was' });
  for (const text of texts) {
    const ask = await allowed(text);
    for (const name of ['admin', 'Admin', 'ADMIN', 'aDMIN', '%41dmin', 'adm%49n']) {
      for (const place of ['sys/policies/acl', 'sys/policy']) {
        const path = `${place}/${name}`;
        assert.equal((await ask('GET', path)).status, 403, path);
        assert.equal((await ask('PUT', path, { policy: '# changed' })).status, 403, path);
        assert.equal((await ask('DELETE', path)).status, 403, path);
      }
    }
    assert.equal((await ask('PUT', 'sys/policies/acl/others', { policy: '# may be' })).status, 204);
  }
  assert.equal((await root('GET', 'sys/policies/acl/admin')).body.data.policy, '# as it was');
});

test('GHSA-fg5x-7whg-6c28: a policy has one name, however it is spelled', async () => {
  await succeed(root, 'PUT', 'sys/policies/acl/One-Name', { policy: '# first' });
  await succeed(root, 'PUT', 'sys/policy/ONE-NAME', { policy: '# second' });
  const { keys } = (await succeed(root, 'LIST', 'sys/policies/acl')).body.data;
  assert.deepEqual(
    keys.filter((name: string) => /one-name/i.test(name)),
    ['one-name'],
  );
  assert.equal((await root('GET', 'sys/policies/acl/one-name')).body.data.policy, '# second');
});

/** Ways to write `secret/data/team/private/key` otherwise; some servers took one of them for it, after policies had looked. */
const SPELLINGS = [
  'secret/data/team/private%2fkey',
  'secret/data/team/private%2Fkey',
  'secret%2fdata%2fteam%2fprivate%2fkey',
  'secret/data/team/%70rivate/key',
  'secret/data/team/%2570rivate/key',
  'secret/data/team/open/%252e%252e/private/key',
  'secret/data/team/private/key/',
  'secret/data/team/private/key%20',
  'secret/data/team/private/key;x',
  'secret/data/team/private;x/key',
  'secret/data/team\\private\\key',
  'secret/data/team%5cprivate%5ckey',
  'secret/data/team/PRIVATE/key',
  'SECRET/data/team/private/key',
  'secret/DATA/team/private/key',
  'secret/data/team/pr%C4%B1vate/key',
  'secret/data/team/%EF%BD%90rivate/key',
];
/** And those that are none of any path. */
const REFUSED = [
  'secret//data/team/private/key',
  '/secret/data/team/private/key',
  'secret/data//team/private/key',
  'secret/data/team/private//key',
  'secret/data/./team/private/key',
  'secret/data/team/private/./key',
  'secret/data/team/private/key/.',
  'secret/data/team/open/../private/key',
  'secret/data/team/open/%2e%2e/private/key',
  'secret/data/team/open/.%2e/private/key',
  'secret/data/team/open/..%2fprivate/key',
  'secret/metadata/../data/team/private/key',
  'secret/data/team/private/key%00',
  'secret/data/team/private/key%00.x',
  'secret/data/team/private/key%0a',
  'secret/data/team/private/key%E2%80%8B',
  'secret/data/team/private%c0%afkey',
  'secret/data/team/private/%6',
  'secret/data/team/private/%zzkey',
];

for (const [kind, policy] of [
  [
    'a glob below',
    'path "secret/*" { capabilities = ALL } path "secret/data/team/private/*" { capabilities = ["deny"] }',
  ],
  [
    'an exact path',
    'path "secret/*" { capabilities = ALL } path "secret/data/team/private/key" { capabilities = ["deny"] }',
  ],
  [
    'a segment',
    'path "secret/*" { capabilities = ALL } path "secret/data/team/+/key" { capabilities = ["deny"] }',
  ],
] as const) {
  test(`HCSEC-2026-43, O 2.5.3: no spelling of a path reaches what ${kind} denies`, async () => {
    await succeed(root, 'PUT', 'secret/data/team/private/key', { data: { a: 'untouched' } });
    const before = (await root('GET', 'secret/data/team/private/key')).body.data;
    const token = await tokenWith(root, policy.replace('ALL', ALL));
    const ask = asking(server.address, token);
    assert.equal((await ask('GET', 'secret/data/team/private/key')).status, 403);
    assert.equal((await ask('PUT', 'secret/data/team/open', { data: { a: 'b' } })).status, 200);
    for (const path of [...SPELLINGS, ...REFUSED]) {
      for (const method of ['GET', 'LIST', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']) {
        const body = method === 'GET' || method === 'LIST' ? undefined : { data: { a: 'reached' } };
        const reply = await ask(method, path, body);
        assert(!reply.text.includes('untouched'), `${method} ${path}: ${reply.text}`);
        if (REFUSED.includes(path)) assert.equal(reply.status, 400, `${method} ${path}`);
      }
    }
    const absolute = `${server.address}/v1/secret/data/team/private/key`;
    assert.equal((await call(server.address, 'GET', absolute, { token })).status, 403);
    assert.deepEqual((await root('GET', 'secret/data/team/private/key')).body.data, before);
  });
}

test('GHSA-fg5x, property of the walk: two paths are two objects, however alike they look', async () => {
  const names = [
    'name',
    'Name',
    'NAME',
    'name ',
    ' name',
    'n%61me%',
    'name%',
    'n\u00e4me',
    'na\u0308me',
    'na\uff4de',
    'name;',
    'name.',
  ];
  const path = (name: string) => `secret/data/alike/${encodeURIComponent(name)}`;
  for (const name of names) await succeed(root, 'PUT', path(name), { data: { name } });
  for (const name of names) {
    assert.deepEqual((await root('GET', path(name))).body.data.data, { name });
    const ask = await allowed(`path "secret/data/alike/${name}" { capabilities = ["read"] }`);
    for (const other of names) {
      assert.equal((await ask('GET', path(other))).status, other === name ? 200 : 403, `${name}: ${other}`);
    }
  }
  const { keys } = (await succeed(root, 'LIST', 'secret/metadata/alike')).body.data;
  assert.deepEqual(new Set(keys), new Set(names));
});

test('CVE-2026-3605, HCSEC-2026-05: a KV v2 policy with a glob deletes nothing that it does not name', async () => {
  for (const path of ['app', 'app/a', 'apple', 'other']) {
    await succeed(root, 'PUT', `secret/data/${path}`, { data: { a: 'kept' } });
  }
  const ask = await allowed(
    'path "secret/data/app*" { capabilities = ["create", "read", "update", "list"] }',
  );
  for (const path of ['app', 'app/a', 'apple', 'other', 'app/../other', 'app%2f..%2fother', 'app/', '']) {
    const tried = [
      await ask('DELETE', `secret/data/${path}`),
      await ask('DELETE', `secret/metadata/${path}`),
      await ask('POST', `secret/delete/${path}`, { versions: [1] }),
      await ask('PUT', `secret/destroy/${path}`, { versions: [1] }),
      await ask('PUT', `secret/undelete/${path}`, { versions: [1] }),
      await ask('POST', `secret/metadata/${path}`, { max_versions: 1 }),
    ];
    for (const { status } of tried) assert([400, 403].includes(status), `${path}: ${status}`);
  }
  for (const path of ['app', 'app/a', 'apple', 'other']) {
    assert.deepEqual((await root('GET', `secret/data/${path}`)).body.data.data, { a: 'kept' });
  }
});

test('CVE-2026-12624, GHSA-xp3c: a list with a slash at its end passes no denial by', async () => {
  await succeed(root, 'PUT', 'secret/data/hidden/name', { data: { a: 'b' } });
  const list =
    'path "secret/metadata/+" { capabilities = ["list"] } path "secret/metadata/" { capabilities = ["list"] }';
  for (const denial of [
    'secret/metadata/hidden/*',
    'secret/metadata/hidden*',
    'secret/metadata/hidden',
    'secret/metadata/hidden/',
  ]) {
    const ask = await allowed(`${list} path "${denial}" { capabilities = ["deny"] }`);
    assert.equal((await ask('LIST', 'secret/metadata')).status, 200);
    for (const path of [
      'hidden',
      'hidden/',
      'hidden?list=true',
      'hidden/?list=true',
      'hidden%2f',
      '%68idden/',
    ]) {
      const reply = await ask(path.includes('?') ? 'GET' : 'LIST', `secret/metadata/${path}`);
      assert.equal(reply.status, 403, `${denial}: ${path}`);
    }
  }
});

test('CVE-2026-5006, GHSA-59w7: who has no identity gets nothing by a template, and no text of a token is one', async () => {
  await succeed(root, 'PUT', 'secret/data/own/x', { data: { a: 'b' } });
  // Filled in with nothing, the second and the third would be a grant for all.
  const policy = ['{{identity.entity.name}}/*', '{{identity.entity.id}}*', '+{{identity.entity.id}}/x']
    .map((path) => `path "secret/data/${path}" { capabilities = ["read"] }`)
    .join(' ');
  await succeed(root, 'PUT', 'sys/policies/acl/templated', { policy });
  for (const text of ['own', '*', '+', 'own/*', '{{identity.entity.name}}']) {
    const { token } = await makeToken(root, {
      policies: ['templated'],
      display_name: text,
      meta: { name: text, 'identity.entity.name': text },
    });
    for (const path of ['own/x', '%2a/x', '+/x', '{{identity.entity.name}}/x', '/x']) {
      const reply = await asking(server.address, token)('GET', `secret/data/${path}`);
      assert([400, 403].includes(reply.status), `${text} ${path}: ${reply.status}`);
    }
  }
});

test('CVE-2026-105820, GHSA-mjch: a list of policies that looks like another is not the other', async () => {
  const grant = (path: string) => `path "secret/data/cache/${path}" { capabilities = ["read"] }`;
  await succeed(root, 'PUT', 'secret/data/cache/a', { data: { a: 'b' } });
  await succeed(root, 'PUT', 'sys/policies/acl/one', { policy: grant('a') });
  await succeed(root, 'PUT', 'sys/policies/acl/two', { policy: grant('b') });
  const may = async (policies: string[]) => {
    const { token } = await makeToken(root, { policies, no_default_policy: true });
    return (await asking(server.address, token)('GET', 'secret/data/cache/a')).status === 200;
  };
  assert.equal(await may(['one', 'two']), true);
  const joints = [',', ', ', '\n', '\u0000', '\t', ' ', '|', ';', ':', '/', '","', '"', "','"];
  for (const joint of joints) assert.equal(await may([`one${joint}two`]), false, JSON.stringify(joint));
  for (const [first, second] of [
    ['../one', 'x'],
    ['x/../one', 'two'],
    ['one\u0000', 'two'],
  ] as const) {
    assert.equal(await may([first, second]), false, first);
  }
  // Asked first, it must not lay the place of the others either.
  assert.equal(await may(['two,zero']), false);
  assert.equal(await may(['one', 'two', 'zero']), true);
});
