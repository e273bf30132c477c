/**
 * What a token may do, asked from the namespace above its own: its paths are those of the request, as in Vault. Of tokens above and beside
 * nothing is said.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespaceTree } from '../support/namespace-tree.ts';

const INVALID = { token: '1 error occurred:\n\t* invalid token\n\n', explain: 'invalid token' };

const ask = namespaceTree(
  'p',
  `path "kv/*" { capabilities = ["read", "update"] }
   path "sub/kv/*" { capabilities = ["list"] }
   path "sys/capabilities" { capabilities = ["update"] }`,
);

async function make(namespace: string, settings: object = {}): Promise<{ token: string; accessor: string }> {
  const { body, text } = await ask('POST', `${namespace}auth/token/create`, {
    body: { policies: ['p'], ttl: '10m', ...settings },
  });
  assert(body.auth, text);
  return { token: body.auth.client_token, accessor: body.auth.accessor };
}

async function capabilities(from: string, token: string, paths: string[], asker?: string) {
  const { status, body, text } = await ask('POST', `${from}sys/capabilities`, {
    body: { token, paths },
    ...(asker !== undefined && { token: asker }),
  });
  assert.equal(status, 200, text);
  return body.data;
}

const MAY = ['read', 'update'];

for (const type of ['service', 'batch'])
  test(`of a ${type} token of a namespace below, by whoever may ask`, async () => {
    const { token } = await make('na/', { type });
    const asker = (await make('')).token;
    for (const by of [undefined, asker])
      assert.deepEqual(await capabilities('', token, ['na/kv/a', 'na/sub/kv/a', 'kv/a', 'nb/kv/a'], by), {
        'na/kv/a': MAY,
        'na/sub/kv/a': ['list'],
        'kv/a': ['deny'],
        'nb/kv/a': ['deny'],
      });
    assert.deepEqual(await capabilities('', token, ['na/kv/a']), { 'na/kv/a': MAY, capabilities: MAY });
  });

test('two levels down, from each of those above', async () => {
  const { token } = await make('na/sub/');
  assert.deepEqual(await capabilities('', token, ['na/sub/kv/a', 'kv/a']), {
    'na/sub/kv/a': MAY,
    'kv/a': ['deny'],
  });
  assert.deepEqual(await capabilities('na/', token, ['sub/kv/a', 'kv/a']), {
    'sub/kv/a': MAY,
    'kv/a': ['deny'],
  });
  assert.deepEqual((await capabilities('na/sub/', token, ['kv/a'])).capabilities, MAY);
});

test('why it may, too', async () => {
  const { token } = await make('na/');
  const body = { token, method: 'GET', path: 'na/kv/a' };
  const { status, body: said, text } = await ask('POST', 'sys/internal/policy-explain', { body });
  assert.deepEqual([status, said.data?.allowed], [200, true], text);
});

test('of one above or beside nothing is said, though somebody has it in hand', async () => {
  for (const [from, of] of [
    ['na/', ''],
    ['na/', 'nb/'],
    ['nb/', 'na/sub/'],
    ['na/sub/', 'na/'],
  ] as const) {
    const { token } = await make(of);
    const asker = (await make(from)).token;
    const why = `from "${from}" of "${of}"`;
    for (const by of [undefined, asker]) {
      const asked = await ask('POST', `${from}sys/capabilities`, {
        token: by,
        body: { token, path: 'kv/a' },
      });
      assert.deepEqual([asked.status, asked.body.errors], [400, [INVALID.token]], why);
    }
    const body = { token, method: 'GET', path: 'kv/a' };
    const explained = await ask('POST', `${from}sys/internal/policy-explain`, { body });
    assert.deepEqual([explained.status, explained.body.errors], [400, [INVALID.explain]], why);
  }
});

test('nor of one that is over, made up, or only named by its accessor', async () => {
  const { token, accessor } = await make('na/');
  const suffix = token.slice(token.lastIndexOf('.'));
  await ask('POST', 'na/auth/token/revoke', { body: { token } });
  for (const one of [token, `hvs.${'a'.repeat(24)}${suffix}`, `hvs.x${suffix}`, `hvb.x${suffix}`]) {
    const { status, body } = await ask('POST', 'sys/capabilities', { body: { token: one, path: 'na/kv/a' } });
    assert.deepEqual([status, body.errors], [400, [INVALID.token]], one);
  }
  const alive = await make('na/');
  for (const its of [accessor, alive.accessor]) {
    const named = { accessor: its, path: 'na/kv/a' };
    const { status, text } = await ask('POST', 'sys/capabilities-accessor', { body: named });
    assert.equal(status, 400, text);
  }
});

test('who has it in hand but no right to ask is denied', async () => {
  const { token } = await make('na/');
  const asker = (await make('', { policies: ['default'] })).token;
  const body = { token, path: 'na/kv/a' };
  assert.equal((await ask('POST', 'sys/capabilities', { token: asker, body })).status, 403);
  assert.equal((await ask('POST', 'sys/capabilities', { token, body })).status, 403);
});
