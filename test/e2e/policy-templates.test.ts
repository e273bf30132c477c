/**
 * Policies with `{{…}}` in their paths, while nobody has an entity: such a path grants and denies nothing, and nothing else of the policy changes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { startReadyDev } from '../support/dev-ready.ts';
import type { RunningServer } from '../support/server.ts';

const POLICY = `
  path "secret/data/{{identity.entity.name}}/*" { capabilities = ["read"] }
  path "secret/data/{{ identity.entity.metadata.team }}" { capabilities = ["create", "update"] }
  path "secret/data/{{identity.groups.names.ops.id}}" { capabilities = ["read"] }
  path "secret/data/{{no.such.thing}}" { capabilities = ["read"] }
  path "secret/data/b{{identity.entity.id}}*" { capabilities = ["read"] }
  path "secret/data/{{}}" { capabilities = ["read"] }
  path "secret/data/open/{{identity.entity.id}}" { capabilities = ["deny"] }
  path "secret/data/open/*" { capabilities = ["read"] }
  path "secret/data/{literal}" { capabilities = ["read"] }`;

let server: RunningServer;
let root: Ask;
/** A token of the root token, and one of a login. */
const holders: Ask[] = [];
before(async () => {
  server = await startReadyDev();
  root = asking(server.address);
  await succeed(root, 'PUT', 'sys/policies/acl/templated', { policy: POLICY });
  holders.push(asking(server.address, (await makeToken(root, { policies: ['templated'] })).token));
  await succeed(root, 'POST', 'sys/auth/userpass', { type: 'userpass' });
  await succeed(root, 'POST', 'auth/userpass/users/bob', { password: 'p', token_policies: 'templated' });
  const login = await succeed(root, 'POST', 'auth/userpass/login/bob', { password: 'p' });
  holders.push(asking(server.address, login.body.auth.client_token));
  for (const name of ['bob/x', '{literal}', 'open/x', 'open/'.concat('y'), 'plain'])
    await succeed(root, 'POST', `secret/data/${name}`, { data: { a: 'b' } });
});
after(() => server.stop());

test('it is kept as it was written', async () => {
  const { data } = (await succeed(root, 'GET', 'sys/policies/acl/templated')).body;
  assert.equal(data.policy, POLICY);
});

test('a path that cannot be filled in grants nothing, under no spelling; the others hold', async () => {
  for (const ask of holders) {
    for (const path of [
      'bob/x',
      '{{identity.entity.name}}/x',
      '{{ identity.entity.metadata.team }}',
      '{{no.such.thing}}',
      '{{}}',
      'plain',
    ])
      assert.equal((await ask('GET', `secret/data/${encodeURI(path)}`)).status, 403, path);
    // Refused at the door already.
    assert.equal((await ask('POST', 'secret/data/', { data: {} })).status, 400);
    assert.equal((await ask('GET', `secret/data/${encodeURI('{literal}')}`)).status, 200);
    // Nor does it deny: nobody is named by it.
    assert.equal((await ask('GET', 'secret/data/open/x')).status, 200);
  }
});

test('what is shown of what a token may do says the same', async () => {
  const paths = [
    'secret/data/bob/x',
    'secret/data/{{identity.entity.name}}/x',
    'secret/data/{literal}',
    'secret/data/open/x',
    'secret/data/',
  ];
  const wanted = ['deny', 'deny', 'read', 'read', 'deny'];
  for (const ask of holders) {
    const { data } = (await succeed(ask, 'POST', 'sys/capabilities-self', { paths })).body;
    assert.deepEqual(
      paths.map((path) => data[path].join()),
      wanted,
    );
    const shown = (await succeed(ask, 'GET', 'sys/internal/ui/resultant-acl')).body.data;
    assert.deepEqual(
      [...Object.keys(shown.exact_paths), ...Object.keys(shown.glob_paths)].filter((path) =>
        path.includes('{{'),
      ),
      [],
    );
    assert('secret/data/{literal}' in shown.exact_paths);
  }
  const { accessor } = (await succeed(holders[1]!, 'GET', 'auth/token/lookup-self')).body.data;
  const asked = { accessor, paths };
  const { data } = (await succeed(root, 'POST', 'sys/capabilities-accessor', asked)).body;
  assert.deepEqual(
    paths.map((path) => data[path].join()),
    wanted,
  );
});

test('braces that do not match are refused where the policy is written, and it stays as it was', async () => {
  for (const path of ['a/{{identity.entity.id', 'a/identity.entity.id}}', 'a/{{b}}c}}', 'a/{{b{{c}}']) {
    const policy = `path "${path}" { capabilities = ["read"] }`;
    for (const at of ['sys/policies/acl/templated', 'sys/policy/templated']) {
      const { status, body } = await root('PUT', at, { policy });
      assert.deepEqual(
        [status, body.errors],
        [
          400,
          ['failed to parse policy: failed to validate policy templating: unbalanced templating characters'],
        ],
        path,
      );
    }
  }
  assert.equal((await succeed(root, 'GET', 'sys/policies/acl/templated')).body.data.policy, POLICY);
});

test('tokens name no entity', async () => {
  for (const ask of holders) {
    const { data } = (await succeed(ask, 'GET', 'auth/token/lookup-self')).body;
    assert.equal(data.entity_id, '');
    assert.equal('identity_policies' in data, false);
  }
  const { auth } = (await succeed(root, 'POST', 'auth/userpass/login/bob', { password: 'p' })).body;
  assert.equal(auth.entity_id, '');
  assert.equal('identity_policies' in auth, false);
});
