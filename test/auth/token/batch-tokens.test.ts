import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { makeBatchTokens } from '../../../src/auth/token/batch-tokens.ts';
import type { TokenState } from '../../../src/model/caller.ts';
import { type InnerCoffer, startInnerCoffer } from '../../support/inner-coffer.ts';
import { tokenState } from '../../support/token-state.ts';

const BATCH = tokenState({
  policies: ['default'],
  type: 'batch',
  ttl: 60,
  expiresAtMs: 61_000,
  renewable: false,
});

/** Of namespaces, by id. */
const uuids = new Map([
  ['root', 'r'],
  ['abc123', 'u1'],
  ['abc124', 'u2'],
]);

describe('the text of a batch token', () => {
  const { write, open } = makeBatchTokens(
    () => Buffer.alloc(32, 7),
    randomBytes,
    (id) => uuids.get(id),
  );

  test('holds all of it, and opens with the same key only', () => {
    const full: TokenState = {
      ...BATCH,
      parent: 'p',
      meta: { a: 'b' },
      noDefaultPolicy: true,
      role: 'r',
      boundCidrs: ['10.0.0.0/8'],
      issuer: { mount: 'm', name: 'n' },
    };
    for (const state of [BATCH, full, { ...BATCH, issuer: { mount: 'm', name: 'n' } }])
      for (const namespace of ['root', 'abc123']) assert.deepEqual(open(write(state, namespace)), state);
    assert.equal(
      makeBatchTokens(
        () => Buffer.alloc(32, 8),
        randomBytes,
        () => 'u',
      ).open(write(BATCH, 'root')),
      undefined,
    );
  });

  test('is another one each time, of one spelling, and of its namespace', () => {
    const token = write(BATCH, 'abc123');
    assert.match(token, /^hvb\.[\w-]+\.abc123$/);
    assert.notEqual(write(BATCH, 'abc123'), token);
    const body = token.slice(0, -'.abc123'.length);
    for (const wrong of [
      body,
      `${body}.abc124`,
      `${body}=.abc123`,
      `${body} .abc123`,
      token.replace('hvb', 'hvs'),
      'hvb.',
      'hvb.AAAA',
      `hvb.${'A'.repeat(100)}`,
      `${token}x`,
    ])
      assert.equal(open(wrong), undefined, wrong);
  });

  test('is none of a namespace that is gone, nor of another one to which its id was given', () => {
    const token = write(BATCH, 'abc123');
    uuids.delete('abc123');
    assert.equal(open(token), undefined);
    uuids.set('abc123', 'u3');
    assert.equal(open(token), undefined);
    uuids.set('abc123', 'u1');
    assert.deepEqual(open(token), BATCH);
  });

  test('is none any more where a bit of it is another', () => {
    const bytes = Buffer.from(write(BATCH, 'root').slice(4), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const other = Buffer.from(bytes);
      other[at]! ^= 1 << (at % 8);
      assert.equal(open(`hvb.${other.toString('base64url')}`), undefined, String(at));
    }
  });

  test('has a longest length', () => {
    assert.throws(() => write({ ...BATCH, policies: ['p'.repeat(7_000)] }, 'root'), /would be longer/);
  });
});

let inner: InnerCoffer;
before(async () => {
  inner = await startInnerCoffer();
});
after(() => inner.coffer.stop());

const ask = (method: string, path: string, body?: unknown, token?: string) =>
  inner.ask(method, path, body, token);
async function well(method: string, path: string, body?: unknown, token?: string) {
  const reply = await ask(method, path, body, token);
  assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply.body;
}
async function refused(method: string, path: string, body?: unknown, token?: string, status = 400) {
  const reply = await ask(method, path, body, token);
  assert.equal(reply.status, status, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply.body.errors[0];
}
const create = (body: object = {}, token?: string) =>
  well('POST', 'auth/token/create', { type: 'batch', policies: ['default'], ...body }, token);
const status = async (token: string) => (await ask('GET', 'auth/token/lookup-self', undefined, token)).status;

describe('a batch token', () => {
  test('is made without a record, looked at and used', async () => {
    const before = inner.commits;
    const { auth } = await create({ meta: { a: 'b' }, ttl: '10m', display_name: 'me' });
    assert.equal(inner.commits, before);
    assert.match(auth.client_token, /^hvb\./);
    assert.deepEqual(
      [auth.accessor, auth.renewable, auth.token_type, auth.lease_duration, auth.orphan, auth.num_uses],
      ['', false, 'batch', 600, false, 0],
    );
    const self = (await well('GET', 'auth/token/lookup-self', undefined, auth.client_token)).data;
    const { id, creation_time, issue_time, expire_time, ttl, ...rest } = self;
    assert.equal(id, auth.client_token);
    assert(Date.parse(expire_time) > Date.now());
    assert(ttl > 590 && creation_time > 0 && issue_time);
    assert.deepEqual(rest, {
      accessor: '',
      creation_ttl: 600,
      display_name: 'token-me',
      entity_id: '',
      explicit_max_ttl: 0,
      meta: { a: 'b' },
      num_uses: 0,
      orphan: false,
      path: 'auth/token/create',
      policies: ['default'],
      renewable: false,
      type: 'batch',
    });
    const looked = (await well('POST', 'auth/token/lookup', { token: auth.client_token })).data;
    assert.equal(looked.type, 'batch');
    const capable = await well('POST', 'sys/capabilities', {
      token: auth.client_token,
      path: 'auth/token/lookup-self',
    });
    assert.deepEqual(capable.data.capabilities, ['read']);
  });

  test('is neither renewed nor revoked, has no cubbyhole and no children', async () => {
    await well('PUT', 'sys/policies/acl/maker', {
      policy: 'path "auth/token/create" { capabilities = ["update"] }',
    });
    const { client_token: token } = (await create({ policies: ['default', 'maker'] })).auth;
    assert.equal(await refused('POST', 'auth/token/renew-self', {}, token), 'batch tokens cannot be renewed');
    assert.equal(await refused('POST', 'auth/token/renew', { token }), 'batch tokens cannot be renewed');
    for (const path of ['revoke', 'revoke-orphan'])
      assert.equal(await refused('POST', `auth/token/${path}`, { token }), 'batch tokens cannot be revoked');
    assert.equal(
      await refused('POST', 'auth/token/revoke-self', {}, token),
      'batch tokens cannot be revoked',
    );
    assert.equal(
      await refused('POST', 'auth/token/create', {}, token),
      'batch tokens cannot create more tokens',
    );
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', { a: 1 }],
      ['DELETE', undefined],
      ['LIST', undefined],
    ] as const)
      assert.match(
        await refused(method, 'cubbyhole/a', body, token),
        /only supported by 'service' type tokens/,
      );
    assert.equal(await status(token), 200);
  });

  test('cannot have what would have to be stored, nor be root', async () => {
    for (const [body, error] of [
      [{ num_uses: 1 }, 'batch tokens cannot have "num_uses" set'],
      [{ period: '1h' }, 'batch tokens cannot have "period" set'],
      [{ explicit_max_ttl: '1h' }, 'batch tokens cannot have "explicit_max_ttl" set'],
      [{ id: 'mine' }, 'batch tokens cannot have "id" set'],
      [{ policies: ['root'] }, 'batch tokens cannot be root tokens'],
      [{ policies: [] }, 'batch tokens cannot be root tokens'],
      [{ type: 'strange' }, "invalid 'token_type' value"],
    ] as const)
      assert.equal(
        await refused('POST', 'auth/token/create', { type: 'batch', policies: ['default'], ...body }),
        error,
      );
    assert.equal(
      (await create({ num_uses: 0, period: '0', explicit_max_ttl: '0' })).auth.token_type,
      'batch',
    );
  });

  test('dies with its parent, and all above it; an orphan does not', async () => {
    await well('PUT', 'sys/policies/acl/parent', {
      policy: 'path "auth/token/create*" { capabilities = ["update", "sudo"] }',
    });
    for (const how of ['revoke', 'revoke-orphan']) {
      const parent = (await well('POST', 'auth/token/create', { policies: ['parent', 'default'] })).auth;
      const child = (await well('POST', 'auth/token/create', {}, parent.client_token)).auth;
      const ofParent = (await create({}, parent.client_token)).auth.client_token;
      const ofChild = (await create({}, child.client_token)).auth.client_token;
      const orphan = (await create({ no_parent: true }, parent.client_token)).auth.client_token;
      for (const token of [ofParent, ofChild, orphan]) assert.equal(await status(token), 200);
      await well('POST', `auth/token/${how}`, { token: parent.client_token });
      assert.equal(await status(ofParent), 403);
      // A child that became an orphan goes on, and so does what it has made.
      assert.equal(await status(ofChild), how === 'revoke' ? 403 : 200);
      assert.equal(await status(orphan), 200);
      assert.equal(
        await refused('POST', 'auth/token/lookup', { token: ofParent }, undefined, 403),
        'bad token',
      );
    }
  });

  test('of a role is what the role says', async () => {
    const made = async (token_type: string, asked?: string) => {
      const more = token_type === 'batch' ? { orphan: true, renewable: false } : {};
      await well('POST', 'auth/token/roles/r', { token_type, ...more });
      const body = { policies: ['default'], type: asked };
      return (await well('POST', 'auth/token/create/r', body)).auth.token_type;
    };
    for (const [type, asked, becomes] of [
      ['default-service', undefined, 'service'],
      ['default-service', 'batch', 'batch'],
      ['default-batch', undefined, 'batch'],
      ['default-batch', 'service', 'service'],
      ['service', 'batch', 'service'],
      ['batch', 'service', 'batch'],
    ] as const)
      assert.equal(await made(type, asked), becomes, `${type}, ${asked}`);
    const role = (body: object) =>
      refused('POST', 'auth/token/roles/bad', {
        token_type: 'batch',
        orphan: true,
        renewable: false,
        ...body,
      });
    assert.match(await role({ orphan: false }), /non-orphan tokens/);
    assert.match(await role({ renewable: true }), /renewable tokens/);
    assert.match(await role({ token_period: 60 }), /periodic tokens/);
    assert.match(await role({ token_explicit_max_ttl: 60 }), /explicit max TTL/);
    assert.match(await role({ token_num_uses: 6 }), /limited use count/);
    // What the role bounds is bound also where it makes both kinds.
    await well('POST', 'auth/token/roles/both', {
      token_type: 'default-batch',
      token_explicit_max_ttl: 60,
      token_period: 90,
    });
    const { auth } = await well('POST', 'auth/token/create/both', { policies: ['default'] });
    assert.deepEqual([auth.token_type, auth.lease_duration], ['batch', 60]);
    await well('POST', 'auth/token/roles/both', { token_num_uses: 2 });
    assert.match(await refused('POST', 'auth/token/create/both', { policies: ['default'] }), /num_uses/);
  });

  test('of a login is what the mount says, and the user where that leaves it open; it ends with the mount', async () => {
    for (const [ofMount, ofUser, becomes] of [
      ['batch', 'service', 'batch'],
      ['default-batch', 'default', 'batch'],
      ['default-batch', 'service', 'service'],
      ['default-service', 'batch', 'batch'],
      ['service', 'batch', 'service'],
      ['service', 'default', 'service'],
    ] as const) {
      await well('POST', 'sys/auth/up', { type: 'userpass', config: { token_type: ofMount } });
      await well('POST', 'auth/up/users/bob', { password: 'pw', token_type: ofUser, token_ttl: '5m' });
      const { auth } = await well('POST', 'auth/up/login/bob', { password: 'pw' }, '');
      assert.deepEqual([auth.token_type, auth.lease_duration], [becomes, 300], `${ofMount}, ${ofUser}`);
      assert.equal(await status(auth.client_token), 200);
      await well('DELETE', 'sys/auth/up');
      assert.equal(await status(auth.client_token), 403);
    }
    await well('POST', 'sys/auth/up', { type: 'userpass', config: { token_type: 'batch' } });
    await well('POST', 'auth/up/users/bob', { password: 'pw', token_num_uses: 3 });
    assert.match(await refused('POST', 'auth/up/login/bob', { password: 'pw' }, ''), /num_uses/);
    assert.match(
      await refused('POST', 'auth/up/users/eve', { token_type: 'batch', token_num_uses: 3 }),
      /limited use/,
    );
    assert.match(
      await refused('POST', 'auth/up/users/eve', { token_type: 'batch', token_period: 3 }),
      /periodic/,
    );
  });

  test('is bound to networks as others are', async () => {
    await well('POST', 'auth/token/roles/far', {
      token_type: 'default-batch',
      token_bound_cidrs: '10.0.0.0/8',
    });
    const { auth } = await well('POST', 'auth/token/create/far', { policies: ['default'] });
    assert.equal(await status(auth.client_token), 403);
  });

  test('wraps and unwraps', async () => {
    const { client_token: token } = (await create()).auth;
    const reply = await fetch(`${inner.address}/v1/sys/wrapping/wrap`, {
      method: 'POST',
      headers: { 'x-vault-token': token, 'x-vault-wrap-ttl': '60' },
      body: '{"a":"b"}',
    });
    const { wrap_info } = (await reply.json()) as { wrap_info: { token: string } };
    assert.deepEqual((await well('POST', 'sys/wrapping/unwrap', { token: wrap_info.token }, token)).data, {
      a: 'b',
    });
  });

  test('is over at its time', async () => {
    const { auth } = await create({ ttl: '1s' });
    assert.equal(await status(auth.client_token), 200);
    const until = Date.now() + 1_500;
    while ((await status(auth.client_token)) === 200) assert(Date.now() < until, 'it lives on');
  });
});
