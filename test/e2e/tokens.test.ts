/**
 * Tokens through the front door: families, and who may make what (contract §3).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, type Made, makeToken, succeed } from '../support/asking.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { until } from '../support/until.ts';

const NO_TOKEN = '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n';
const DENIED = '1 error occurred:\n\t* permission denied\n\n';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await policy('maker', 'path "auth/token/*" { capabilities = ["create", "read", "update", "list"] }');
  await policy(
    'sudo-maker',
    'path "auth/token/*" { capabilities = ["create", "read", "update", "list", "sudo"] }',
  );
  await policy('app', 'path "secret/data/app" { capabilities = ["read"] }');
});
after(() => server.stop());

const policy = (name: string, text: string) =>
  succeed(root, 'PUT', `sys/policies/acl/${name}`, { policy: text });
const as = (token: string): Ask => asking(server.address, token);
const isGood = async (token: string) => (await as(token)('GET', 'auth/token/lookup-self')).status === 200;
const accessors = async (): Promise<string[]> => (await root('LIST', 'auth/token/accessors')).body.data.keys;
const lookUp = async (token: string) =>
  (await succeed(root, 'POST', 'auth/token/lookup', { token })).body.data;

/** Each made by the one before. */
async function chain(length: number): Promise<Made[]> {
  const made: Made[] = [];
  for (let at = 0; at < length; at++) {
    const parent = made.at(-1);
    made.push(await makeToken(parent ? as(parent.token) : root, { policies: ['maker'] }));
  }
  return made;
}

async function refusal(ask: Ask, settings: object, how = 'create'): Promise<[number, string]> {
  const { status, body } = await ask('POST', `auth/token/${how}`, settings);
  return [status, body.errors?.[0]];
}

test('revoking a token ends all below it at once, and their accessors go', async () => {
  const family = await chain(6);
  const side = await Promise.all(
    Array.from({ length: 30 }, () => makeToken(as(family[1]!.token), { policies: ['maker'] })),
  );
  const stranger = await makeToken(root, { policies: ['app'] });
  await succeed(root, 'POST', 'auth/token/revoke', { token: family[1]!.token });
  for (const { token, accessor } of [...family.slice(1), ...side]) {
    const reply = await as(token)('GET', 'auth/token/lookup-self');
    assert.deepEqual([reply.status, reply.body], [403, { errors: [NO_TOKEN] }]);
    assert.equal((await root('POST', 'auth/token/lookup', { token })).body.errors[0], 'bad token');
    assert.equal((await root('POST', 'auth/token/lookup-accessor', { accessor })).status, 400);
    assert.equal((await root('POST', 'auth/token/renew', { token })).status, 400);
  }
  assert(await isGood(family[0]!.token), 'the one above lives');
  assert(await isGood(stranger.token), 'and so does its other family');
  const dead = new Set([...family.slice(1), ...side].map(({ accessor }) => accessor));
  await until('their accessors go', async () => !(await accessors()).some((one) => dead.has(one)));
  assert((await accessors()).includes(family[0]!.accessor));
});

for (const [how, body] of [
  ['revoke-self', () => undefined],
  ['revoke', ({ token }: Made) => ({ token })],
  ['revoke-accessor', ({ accessor }: Made) => ({ accessor })],
] as const) {
  test(`${how} ends the whole family, and once more changes nothing`, async () => {
    const [parent, child] = (await chain(2)) as [Made, Made];
    const ask = how === 'revoke-self' ? as(parent.token) : root;
    assert.equal((await ask('POST', `auth/token/${how}`, body(parent))).status, 204);
    assert.deepEqual([await isGood(parent.token), await isGood(child.token)], [false, false]);
    const again = await ask('POST', `auth/token/${how}`, body(parent));
    // 200 with a warning where its record is swept already.
    const expected = { 'revoke-self': [403], revoke: [204], 'revoke-accessor': [200, 204] }[how];
    assert(expected.includes(again.status), String(again.status));
  });
}

test('revoke-orphan ends one token; its children are orphans at once, their families whole', async () => {
  const [parent, child, grandchild] = (await chain(3)) as [Made, Made, Made];
  const above = await makeToken(root, { policies: ['maker'] });
  const below = await makeToken(as(above.token), { policies: ['maker'] });
  const lowest = await makeToken(as(below.token), { policies: ['maker'] });
  assert.equal((await root('POST', 'auth/token/revoke-orphan', { token: parent.token })).status, 204);
  assert.equal(await isGood(parent.token), false);
  assert.equal((await lookUp(child.token)).orphan, true);
  assert.equal((await lookUp(grandchild.token)).orphan, false);
  // What is above the revoked one has no power over its children any more.
  await succeed(root, 'POST', 'auth/token/revoke-orphan', { token: below.token });
  await succeed(root, 'POST', 'auth/token/revoke', { token: above.token });
  assert(await isGood(lowest.token));
  await succeed(root, 'POST', 'auth/token/revoke', { token: child.token });
  assert.deepEqual([await isGood(child.token), await isGood(grandchild.token)], [false, false]);
  const unknown = await root('POST', 'auth/token/revoke-orphan', { token: 'hvs.none' });
  assert.deepEqual([unknown.status, unknown.body.errors[0]], [400, 'token to revoke not found']);
});

test('orphans outlive who made them', async () => {
  const maker = await makeToken(root, { policies: ['sudo-maker'] });
  const orphans = [
    await makeToken(as(maker.token), { policies: ['app'], no_parent: true }),
    await makeToken(as(maker.token), { policies: ['app'] }, 'create-orphan'),
  ];
  const child = await makeToken(as(maker.token), { policies: ['app'] });
  await succeed(root, 'POST', 'auth/token/revoke', { token: maker.token });
  assert.equal(await isGood(child.token), false);
  for (const { token } of orphans) assert.equal((await lookUp(token)).orphan, true);
});

test('a child that is being made while its parent is revoked is dead too, and goes', async () => {
  const orphaned: string[] = [];
  for (let round = 0; round < 15; round++) {
    const parent = await makeToken(root, { policies: ['maker'] });
    const making = Array.from({ length: 8 }, () => as(parent.token)('POST', 'auth/token/create', {}));
    const revoking = root('POST', 'auth/token/revoke', { token: parent.token });
    const children = (await Promise.all(making)).flatMap(({ body }) => (body.auth ? [body.auth] : []));
    assert.equal((await revoking).status, 204);
    for (const { client_token: token, accessor } of children) {
      assert.equal(await isGood(token), false, `round ${round}`);
      orphaned.push(accessor);
    }
  }
  await until('all of them go', async () => {
    const left = new Set(await accessors());
    return !orphaned.some((accessor) => left.has(accessor));
  });
});

test('a token made again under its old id has nothing of the old one: no children, no cubbyhole', async () => {
  const settings = { id: 'made-twice', policies: ['maker'] };
  const first = await makeToken(root, settings);
  const child = await makeToken(as(first.token), { policies: ['maker'] });
  await succeed(as(first.token), 'POST', 'cubbyhole/deep/er/secret', { a: 'b' });
  await succeed(as(first.token), 'POST', 'cubbyhole/secret', { a: 'b' });
  assert.deepEqual(await refusal(root, settings), [400, 'cannot create a token with a duplicate ID']);
  await succeed(root, 'POST', 'auth/token/revoke', { token: first.token });
  // Until all of the old one is gone its id is taken.
  await until('the id is free', async () => (await refusal(root, settings))[0] === 200);
  assert(await isGood(first.token));
  assert.equal(await isGood(child.token), false);
  assert.equal((await as(first.token)('GET', 'cubbyhole/secret')).status, 404);
  assert.equal((await as(first.token)('LIST', 'cubbyhole')).status, 404);
  assert.equal((await as(first.token)('GET', 'cubbyhole/deep/er/secret')).status, 404);
});

test('what only sudo may: ids, orphans, periods, revoke-orphan, the list of accessors', async () => {
  const plain = await makeToken(root, { policies: ['maker'] });
  const ask = as(plain.token);
  const needsSudo = (what: string) => [400, `root or sudo privileges required to ${what}`];
  assert.deepEqual(await refusal(ask, { id: 'chosen' }), needsSudo('specify token id'));
  assert.deepEqual(await refusal(ask, { no_parent: true }), needsSudo('create orphan token'));
  assert.deepEqual(await refusal(ask, { period: '1h' }), needsSudo('create periodic token'));
  const other = await makeToken(root, { policies: ['app'] });
  assert.deepEqual(
    await refusal(ask, { token: other.token }, 'revoke-orphan'),
    needsSudo('revoke and orphan'),
  );
  assert(await isGood(other.token));
  const list = await ask('LIST', 'auth/token/accessors');
  assert.deepEqual([list.status, list.body.errors[0]], [403, DENIED]);

  const sudo = as((await makeToken(root, { policies: ['sudo-maker'] })).token);
  assert.equal((await makeToken(sudo, { id: 'chosen-by-sudo' })).token, 'chosen-by-sudo');
  assert.deepEqual(await refusal(sudo, { id: 'a.b' }), [
    400,
    "custom token ID cannot have a '.' in the value",
  ]);
  assert.equal((await lookUp((await makeToken(sudo, { period: '1h' })).token)).period, 3_600);
  assert((await succeed(sudo, 'LIST', 'auth/token/accessors')).body.data.keys.length > 3);
});

test('nobody hands on more than they have', async () => {
  const plain = as((await makeToken(root, { policies: ['maker', 'app'] })).token);
  for (const policies of [
    ['other'],
    ['maker', 'other'],
    ['sudo-maker'],
    ['Other'],
    ['app,maker'],
    ['root'],
    [' ROOT '],
  ]) {
    const [status, error] = await refusal(plain, { policies });
    assert.deepEqual([status, error], [400, 'child policies must be subset of parent'], String(policies));
  }
  const sudo = as((await makeToken(root, { policies: ['sudo-maker'] })).token);
  for (const policies of [['root'], [' Root\t'], ['app', 'ROOT']]) {
    const [status, error] = await refusal(sudo, { policies });
    assert.equal(status, 400, String(policies));
    assert.equal(error, 'root tokens may not be created without parent token being root');
  }
  assert.deepEqual(await refusal(root, { policies: ['response-wrapping'] }), [
    400,
    'cannot assign policy "response-wrapping"',
  ]);
  assert.deepEqual(
    [...(await lookUp((await makeToken(plain, { policies: ['APP', 'app '] })).token)).policies],
    ['app', 'default'],
  );
  assert.deepEqual((await lookUp((await makeToken(plain)).token)).policies, ['app', 'default', 'maker']);
  const bare = await makeToken(plain, { policies: ['app'], no_default_policy: true });
  assert.deepEqual((await lookUp(bare.token)).policies, ['app']);
  assert.equal((await as(bare.token)('GET', 'auth/token/lookup-self')).status, 403);
  // Names that come to nothing do not stand for the parent's.
  for (const policies of [[''], [' '], ['', '\t']]) {
    assert.deepEqual((await lookUp((await makeToken(root, { policies })).token)).policies, ['default']);
  }
});

test('a root token that expires makes none that does not', async () => {
  const expiring = await makeToken(root, { ttl: '1h' });
  assert.deepEqual((await lookUp(expiring.token)).policies, ['root']);
  assert.deepEqual(await refusal(as(expiring.token), {}), [
    400,
    'expiring root tokens cannot create non-expiring root tokens',
  ]);
  assert((await lookUp((await makeToken(as(expiring.token), { ttl: '2h' })).token)).ttl > 0);
});

test('an accessor shows its token to who may ask, without the token itself', async () => {
  const { token, accessor } = await makeToken(root, {
    policies: ['app'],
    meta: { team: 'a' },
    display_name: 'x/y',
  });
  const { data } = (await succeed(root, 'POST', 'auth/token/lookup-accessor', { accessor })).body;
  assert.deepEqual(data, { ...(await lookUp(token)), id: '', ttl: data.ttl });
  assert.deepEqual([data.accessor, data.display_name, data.meta], [accessor, 'token-x-y', { team: 'a' }]);
  const { text } = await succeed(root, 'POST', 'auth/token/renew-accessor', { accessor });
  assert(!text.includes(token));
  assert.equal((await as(token)('POST', 'auth/token/lookup-accessor', { accessor })).status, 403);
  const paths = ['secret/data/app', 'secret/data/b'];
  const asked = await succeed(root, 'POST', 'sys/capabilities-accessor', { accessor, paths });
  assert.deepEqual(asked.body.data, { 'secret/data/app': ['read'], 'secret/data/b': ['deny'] });
  await succeed(root, 'POST', 'auth/token/revoke-accessor', { accessor });
  for (const path of [
    'sys/capabilities-accessor',
    'auth/token/lookup-accessor',
    'auth/token/renew-accessor',
  ]) {
    const reply = await root('POST', path, { accessor, paths });
    assert.equal(reply.status, 400, path);
    assert.match(reply.body.errors[0], /invalid accessor/);
  }
  assert.equal((await root('POST', 'sys/capabilities', { token, paths })).status, 400);
});
