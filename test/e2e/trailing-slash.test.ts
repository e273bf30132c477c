/**
 * A DELETE whose path ends in a slash: it ends what is a place, or is refused. A success that did nothing would be a lie.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';

let inner: InnerCoffer;
before(async () => {
  inner = await startInnerCoffer();
});
after(() => inner.coffer.stop());

const POLICY = 'path "a" { capabilities = ["read"] }';
const WORDS = 'length = 20\nrule "charset" { charset = "abcdefgh" }';

test('what is no place is not deleted by a path with a slash at its end, and that is said', async () => {
  const { ask } = inner;
  await ask('POST', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' } });
  await ask('POST', 'sys/auth/up', { type: 'userpass' });
  await ask('POST', 'sys/auth/ar', { type: 'approle' });
  const kept: readonly [path: string, body: object, status: number][] = [
    ['sys/policies/acl/pt', { policy: POLICY }, 400],
    ['sys/policy/pu', { policy: POLICY }, 400],
    ['kv/ee', { a: 1 }, 400],
    ['kv2/data/ee', { data: { a: 1 } }, 404],
    ['cubbyhole/ee', { a: 1 }, 400],
    ['auth/up/users/u', { password: 'password' }, 404],
    ['auth/ar/role/r', {}, 404],
    ['auth/token/roles/r', {}, 404],
    ['sys/quotas/rate-limit/q', { rate: 1_000 }, 404],
    ['sys/policies/password/pp', { policy: WORDS }, 404],
    ['sys/config/ui/headers/X-Foo', { values: ['a'] }, 404],
  ];
  for (const [path, body, status] of kept) {
    assert((await ask('POST', path, body)).status < 300, path);
    const reply = await ask('DELETE', `${path}/`);
    assert.equal(reply.status, status, path);
    assert.match(reply.text, /cannot delete a path ending in '\/'|unsupported path|Invalid path/, path);
    assert.equal((await ask('GET', path)).status, 200, path);
  }
  assert.equal((await ask('DELETE', 'kv2/metadata/ee/')).status, 400);
  assert.equal((await ask('GET', 'kv2/metadata/ee')).status, 200);
  for (const [path, , status] of kept) {
    const name = path.replace(/\w+$/, 'none');
    if (status === 400) assert.equal((await ask('DELETE', `${name}/`)).status, 400, name);
    assert.equal((await ask('DELETE', path)).status, 204, path);
    assert.equal((await ask('GET', path)).status, 404, path);
  }
  for (const path of ['sys/policies/acl', 'sys/policy']) {
    const { status } = await ask('DELETE', `${path}/`);
    assert.equal(status, 404, path);
  }
});

test('places are deleted with the slash at their end, and without', async () => {
  const { ask } = inner;
  for (const end of ['/', '']) {
    const made: readonly [path: string, body: object][] = [
      ['sys/mounts/kx', { type: 'kv' }],
      ['sys/auth/ux', { type: 'userpass' }],
      ['sys/namespaces/n1', {}],
    ];
    for (const [path, body] of made) {
      assert((await ask('POST', path, body)).status < 300, path);
      assert.equal((await ask('DELETE', path + end)).status, 204, path + end);
      assert.notEqual((await ask('GET', path)).status, 200, path);
    }
  }
});

test('who may not delete is denied before anything is said of the slash', async () => {
  const { body } = await inner.ask('POST', 'auth/token/create', { policies: ['default'] });
  const { client_token } = body.auth;
  for (const path of ['sys/policies/acl/pt/', 'kv/ee/', 'kv2/metadata/ee/'])
    assert.equal((await inner.ask('DELETE', path, undefined, client_token)).status, 403, path);
});
