import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { secretId } from '../../../src/auth/approle/secret-ids.ts';
import { type AuthMounts, NOBODY, startAuthMounts } from '../../support/auth-mounts.ts';
import { assertAlikeInTime } from '../../support/rank-test.ts';

let mounts: AuthMounts;
before(async () => {
  mounts = await startAuthMounts('approle');
});
after(() => mounts.inner.coffer.stop());

const ask: AuthMounts['ask'] = (...args) => mounts.ask(...args);
const well: AuthMounts['well'] = (...args) => mounts.well(...args);
const login = (at: string, role_id?: string, secret_id?: string) =>
  ask('POST', `${at}/login`, { role_id, secret_id }, NOBODY);
const INVALID = [400, ['invalid role or secret ID']];

async function refusedLogin(at: string, roleId?: string, secret?: string): Promise<[number, string[]]> {
  const reply = await login(at, roleId, secret);
  return [reply.status, reply.body.errors];
}

/** A mount with the role `app`, known as `app-id`. */
async function withRole(settings: object = {}, config: object = {}): Promise<string> {
  const at = await mounts.mounted(config);
  await well('POST', `${at}/role/app`, { role_id: 'app-id', ...settings });
  return at;
}

const newSecret = async (at: string, body: object = {}) =>
  (await well('POST', `${at}/role/app/secret-id`, body)).data as {
    secret_id: string;
    secret_id_accessor: string;
    secret_id_ttl: number;
    secret_id_num_uses: number;
  };

describe('a login', () => {
  test('gives an orphan with the role’s settings and the secret id’s metadata', async () => {
    const at = await withRole({ token_policies: 'p', token_ttl: '10m', token_num_uses: 7 });
    const { secret_id } = await newSecret(at, { metadata: '{"k":"v","role_name":"fake"}' });
    const reply = await login(at, ' app-id ', ` ${secret_id} `);
    assert.equal(reply.status, 200, reply.text);
    const { auth, data } = reply.body;
    assert.equal(data, null);
    assert.deepEqual(auth.policies, ['default', 'p']);
    assert.deepEqual(auth.metadata, { k: 'v', role_name: 'app' });
    assert.deepEqual([auth.lease_duration, auth.orphan, auth.renewable, auth.num_uses], [600, true, true, 7]);
    const self = (await well('GET', 'auth/token/lookup-self', undefined, auth.client_token)).data;
    assert.equal(self.display_name, at.slice('auth/'.length));
    assert.equal(self.path, `${at}/login`);
  });

  test('fails alike for a role that is not there and a wrong secret id', async () => {
    const at = await withRole();
    const { secret_id } = await newSecret(at);
    await well('POST', `${at}/role/other`, { role_id: 'other-id' });
    for (const [roleId, secret] of [
      ['none', secret_id],
      ['app-id', 'wrong'],
      ['APP-ID', secret_id],
      ['other-id', secret_id],
      ['app-id', 'x'.repeat(5_000)],
      ['x/../\u{1}'.repeat(1_000), 'x'],
    ] as const)
      assert.deepEqual(await refusedLogin(at, roleId, secret), INVALID);
    for (const roleId of ['app-id', 'none'])
      assert.deepEqual(await refusedLogin(at, roleId), [400, ['missing secret_id']]);
    assert.deepEqual(await refusedLogin(at, '', secret_id), [400, ['missing role_id']]);
    assert.equal((await login(at, 'app-id', secret_id)).status, 200);
  });

  test('by a role id that the role has no more fails, also where a crash left that behind', async () => {
    const at = await withRole();
    const { secret_id } = await newSecret(at);
    const { inner } = mounts;
    let commits = 0;
    inner.beforeCommit = (paths) => {
      // The new one is claimed by the first; the old one would be let go by the second.
      const isOfRoleIds = paths.some((path) => path.includes('/approle-role-id/'));
      if (isOfRoleIds && ++commits > 1) throw new Error('the store went away');
    };
    try {
      assert.equal((await ask('POST', `${at}/role/app/role-id`, { role_id: 'new-id' })).status, 500);
    } finally {
      inner.beforeCommit = undefined;
    }
    assert.deepEqual(await refusedLogin(at, 'app-id', secret_id), INVALID);
    assert.equal((await login(at, 'new-id', secret_id)).status, 200);
  });

  test('needs no secret id where the role asks for none, but the right network', async () => {
    const at = await withRole({ bind_secret_id: false, secret_id_bound_cidrs: '127.0.0.0/8' });
    assert.equal((await login(at, 'app-id')).status, 200);
    assert.equal((await login(at, 'app-id', 'whatever')).status, 200);
    await well('POST', `${at}/role/app`, { secret_id_bound_cidrs: '10.0.0.0/8' });
    assert.match((await refusedLogin(at, 'app-id'))[1][0]!, /CIDR restrictions on the role$/);
    const refused = await ask('POST', `${at}/role/app/secret-id`, {});
    assert.deepEqual(refused.body.errors, ['bind_secret_id is not set on the role']);
  });

  test('comes from the secret id’s networks; its token is used from those of the token', async () => {
    const at = await withRole({ secret_id_bound_cidrs: '127.0.0.0/8,10.0.0.0/8' });
    const far = await newSecret(at, { cidr_list: '10.1.0.0/16', num_uses: 1 });
    const error = 'source address "127.0.0.1" unauthorized through CIDR restrictions on the secret ID';
    // A use that the network does not allow is none.
    for (let time = 0; time < 2; time++)
      assert.deepEqual(await refusedLogin(at, 'app-id', far.secret_id), [400, [error]]);
    for (const [networks, status] of [
      ['127.0.0.0/8', 200],
      ['10.0.0.0/8', 403],
    ] as const) {
      const { secret_id } = await newSecret(at, { token_bound_cidrs: networks });
      const { auth } = (await login(at, 'app-id', secret_id)).body;
      assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, auth.client_token)).status, status);
    }
  });

  test('never gives root or response-wrapping', async () => {
    const at = await withRole();
    const { secret_id } = await newSecret(at);
    for (const policy of ['root', ' Root', 'response-wrapping']) {
      await well('POST', `${at}/role/app`, { token_policies: [policy] });
      assert.equal((await login(at, 'app-id', secret_id)).status, 400, policy);
    }
  });

  test('its token is renewed as the role is now, and not when the role is gone; it ends with the mount', async () => {
    const at = await withRole({ token_ttl: '10m' });
    const { secret_id } = await newSecret(at);
    const { auth } = (await login(at, 'app-id', secret_id)).body;
    const renew = () => ask('POST', 'auth/token/renew-self', {}, auth.client_token);
    await well('POST', `${at}/role/app/token-ttl`, { token_ttl: '20m' });
    assert.equal((await renew()).body.auth.lease_duration, 1_200);
    await well('POST', `${at}/role/app/period`, { token_period: '7m' });
    assert.equal((await renew()).body.auth.lease_duration, 420);
    await well('DELETE', `${at}/role/app`);
    assert.deepEqual((await renew()).body.errors, ['the role is gone, not renewing']);
    await well('DELETE', at.replace('auth/', 'sys/auth/'));
    assert.equal((await ask('GET', 'auth/token/lookup-self', undefined, auth.client_token)).status, 403);
  });
});

describe('a secret id', () => {
  test('is used exactly as often as allowed, however many try at once', async () => {
    const at = await withRole({ secret_id_num_uses: 3 }, { user_lockout_config: { lockout_disable: true } });
    for (let round = 0; round < 5; round++) {
      const { secret_id, secret_id_num_uses } = await newSecret(at);
      assert.equal(secret_id_num_uses, 3);
      const replies = await Promise.all(Array.from({ length: 12 }, () => login(at, 'app-id', secret_id)));
      assert.equal(replies.filter(({ status }) => status === 200).length, 3);
      assert.equal(replies.filter(({ status }) => status === 400).length, 9);
      assert.equal((await ask('POST', `${at}/role/app/secret-id/lookup`, { secret_id })).status, 204);
    }
    assert.equal((await ask('LIST', `${at}/role/app/secret-id`)).status, 404);
  });

  test('shows what is left of it', async () => {
    const at = await withRole({ secret_id_num_uses: 2, secret_id_ttl: '10m' });
    const made = await newSecret(at, { metadata: 'a=b, c=d', cidr_list: ['127.0.0.0/8'] });
    assert.equal(made.secret_id_ttl, 600);
    await login(at, 'app-id', made.secret_id);
    const byId = await well('POST', `${at}/role/app/secret-id/lookup`, made);
    const byAccessor = await well('POST', `${at}/role/app/secret-id-accessor/lookup`, made);
    assert.deepEqual(byAccessor.data, byId.data);
    const { creation_time, expiration_time, last_updated_time, ...rest } = byId.data;
    assert.deepEqual(rest, {
      secret_id_accessor: made.secret_id_accessor,
      secret_id_num_uses: 1,
      secret_id_ttl: 600,
      metadata: { a: 'b', c: 'd' },
      cidr_list: ['127.0.0.0/8'],
      token_bound_cidrs: [],
    });
    assert.equal(Date.parse(expiration_time) - Date.parse(creation_time), 600_000);
    assert(Date.parse(last_updated_time) >= Date.parse(creation_time));
    assert.doesNotMatch(JSON.stringify(byAccessor), new RegExp(made.secret_id));
  });

  test('that never ends says so; a long one is cut to the mount’s TTL', async () => {
    const at = await withRole();
    const shown = async (body: object) => {
      const made = await newSecret(at, body);
      const { data } = await well('POST', `${at}/role/app/secret-id/lookup`, made);
      return [made.secret_id_ttl, data.secret_id_ttl, data.expiration_time];
    };
    assert.deepEqual(await shown({}), [0, 0, '0001-01-01T00:00:00Z']);
    const [made, ttl] = await shown({ ttl: '30h' });
    assert.deepEqual([made, ttl], [3_600, 108_000]);
  });

  test('is chosen by who makes it, once', async () => {
    const at = await withRole();
    const own = (body: object) => ask('POST', `${at}/role/app/custom-secret-id`, body);
    assert.deepEqual((await own({})).body.errors, ['missing secret_id']);
    assert.equal((await own({ secret_id: 'x'.repeat(4_097) })).status, 400);
    assert.equal((await own({ secret_id: 'mine' })).body.data.secret_id, 'mine');
    const again = await own({ secret_id: 'mine' });
    assert.equal(again.status, 500);
    assert.match(again.body.errors[0], /SecretID is already registered/);
    assert.equal((await login(at, 'app-id', 'mine')).status, 200);
    await well('POST', `${at}/role/other`, {});
    assert.equal((await ask('POST', `${at}/role/other/custom-secret-id`, { secret_id: 'mine' })).status, 200);
  });

  test('stays within what the role allows', async () => {
    const at = await withRole({
      secret_id_num_uses: 5,
      secret_id_ttl: '1h',
      secret_id_bound_cidrs: '10.0.0.0/8',
      token_bound_cidrs: '10.0.0.1',
    });
    for (const [body, error] of [
      [{ num_uses: 6 }, /num_uses cannot be higher/],
      [{ num_uses: 0 }, /num_uses cannot be higher/],
      [{ num_uses: -1 }, /cannot be negative/],
      [{ ttl: '2h' }, /ttl cannot be longer/],
      [{ ttl: 0 }, /ttl cannot be longer/],
      [{ ttl: -1 }, /negative/],
      [{ cidr_list: '11.0.0.0/8' }, /subset/],
      [{ cidr_list: '10.0.0.0/7' }, /subset/],
      [{ cidr_list: '::1/128' }, /subset/],
      [{ cidr_list: '10.0.0.1' }, /failed to validate CIDR blocks/],
      [{ token_bound_cidrs: '10.0.0.2/32' }, /subset/],
      [{ metadata: 'nonsense' }, /failed to parse metadata/],
      [{ metadata: '{"a":1}' }, /failed to parse metadata/],
      [{ metadata: '{"a":"b"' }, /failed to parse metadata/],
    ] as const) {
      const reply = await ask('POST', `${at}/role/app/secret-id`, body);
      // Of blocks Vault says it as an error of its own.
      assert.equal(reply.status, /subset|CIDR/.test(error.source) ? 500 : 400, reply.text);
      assert.match(reply.body.errors[0], error);
    }
    assert.equal((await ask('LIST', `${at}/role/app/secret-id`)).status, 404);
    const made = await newSecret(at, {
      num_uses: 4,
      ttl: 60,
      cidr_list: '10.2.0.0/16',
      token_bound_cidrs: '10.0.0.1/32',
    });
    assert.equal(made.secret_id_num_uses, 4);
  });

  test('is ended by itself or by its accessor, and by its own role only', async () => {
    const at = await withRole();
    await well('POST', `${at}/role/other`, {});
    const path = (role: string, what: string) => `${at}/role/${role}/${what}/destroy`;
    const [a, b, c, d] = [await newSecret(at), await newSecret(at), await newSecret(at), await newSecret(at)];
    const accessors = [a, b, c, d].map(({ secret_id_accessor }) => secret_id_accessor).sort();
    assert.deepEqual((await well('LIST', `${at}/role/app/secret-id`)).data.keys, accessors);
    assert.deepEqual(
      (await well('GET', `${at}/role/app/secret-id?list=true&limit=2`)).data.keys,
      accessors.slice(0, 2),
    );
    await well('POST', path('other', 'secret-id'), a);
    const foreign = await ask('POST', path('other', 'secret-id-accessor'), a);
    assert.deepEqual([foreign.status, foreign.body.errors], [403, ['invalid secret id accessor']]);
    const strange = await ask('POST', path('app', 'secret-id-accessor'), { secret_id_accessor: '../x' });
    assert.equal(strange.status, 403);
    assert.equal((await login(at, 'app-id', a.secret_id)).status, 200);
    await well('POST', path('app', 'secret-id'), a);
    await well('DELETE', `${path('app', 'secret-id')}?secret_id=${b.secret_id}`);
    await well('POST', path('app', 'secret-id-accessor'), c);
    await well('DELETE', `${path('app', 'secret-id-accessor')}?secret_id_accessor=${d.secret_id_accessor}`);
    for (const { secret_id } of [a, b, c, d])
      assert.deepEqual(await refusedLogin(at, 'app-id', secret_id), INVALID);
    // A secret id that is not there is ended already; an accessor is none.
    await well('POST', path('app', 'secret-id'), a);
    assert.equal((await ask('POST', path('app', 'secret-id-accessor'), c)).status, 403);
    for (const what of ['secret-id', 'secret-id-accessor'])
      assert.match((await ask('POST', path('app', what), {})).body.errors[0], /^missing secret_id/);
  });

  test('of no role, or with an accessor of none, is answered as in Vault', async () => {
    const at = await withRole();
    const nobody = `${at}/role/nobody`;
    const answer = async (method: string, path: string, body?: object) => {
      const reply = await ask(method, path, body);
      return [reply.status, reply.body?.errors ?? reply.body?.data ?? null];
    };
    const error = ['role "nobody" does not exist'];
    const multi = ['1 error occurred:\n\t* role "nobody" does not exist\n\n'];
    assert.deepEqual(await answer('POST', `${nobody}/secret-id`, {}), [404, error]);
    assert.deepEqual(await answer('LIST', `${nobody}/secret-id`), [400, error]);
    for (const what of ['secret-id', 'secret-id-accessor'])
      for (const verb of ['lookup', 'destroy'])
        assert.deepEqual(
          await answer('POST', `${nobody}/${what}/${verb}`, { secret_id: 'x', secret_id_accessor: 'x' }),
          [500, multi],
        );
    assert.deepEqual(await answer('POST', `${at}/role/app/secret-id/lookup`, { secret_id: 'x' }), [
      204,
      null,
    ]);
    assert.deepEqual(
      await answer('POST', `${at}/role/app/secret-id-accessor/lookup`, { secret_id_accessor: 'x' }),
      [404, { error: 'failed to find accessor entry for secret_id_accessor: "x"' }],
    );
  });

  test('goes with its role, and does not come back with another of that name', async () => {
    const at = await withRole();
    const { secret_id } = await newSecret(at);
    await well('DELETE', `${at}/role/app`);
    assert.deepEqual(await refusedLogin(at, 'app-id', secret_id), INVALID);
    await well('POST', `${at}/role/app`, { role_id: 'app-id' });
    assert.deepEqual(await refusedLogin(at, 'app-id', secret_id), INVALID);
    assert.equal((await ask('LIST', `${at}/role/app/secret-id`)).status, 404);
  });

  test('wrapped brings its accessor', async () => {
    const at = await withRole();
    const { inner } = mounts;
    const { address } = inner;
    const reply = await fetch(`${address}/v1/${at}/role/app/secret-id`, {
      method: 'POST',
      headers: { 'x-vault-token': inner.root, 'x-vault-wrap-ttl': '60s' },
    });
    const { wrap_info } = (await reply.json()) as { wrap_info: Record<string, string> };
    const opened = await well('POST', 'sys/wrapping/unwrap', { token: wrap_info.token });
    assert.equal(wrap_info.wrapped_accessor, opened.data.secret_id_accessor);
    assert.equal(wrap_info.creation_path, `${at}/role/app/secret-id`);
    assert.equal((await login(at, 'app-id', opened.data.secret_id)).status, 200);
  });

  test('rests nowhere in the clear', async () => {
    const at = await withRole();
    const state = secretId.encode({
      usesLeft: 0,
      ttl: 0,
      createdAtMs: 1,
      updatedAtMs: 1,
      metadata: {},
      cidrs: [],
      tokenCidrs: [],
    });
    assert.doesNotMatch(String(state), /secret/i);
    const { secret_id } = await newSecret(at);
    const { text } = await ask('LIST', `${at}/role/app/secret-id`);
    assert.doesNotMatch(text, new RegExp(secret_id));
  });
});

describe('lockout', () => {
  test('counts guesses by role id, says nothing of which there are, and is undone by it', async () => {
    const at = await withRole({}, { user_lockout_config: { lockout_threshold: '3' } });
    const { secret_id } = await newSecret(at);
    for (const roleId of ['app-id', 'none']) {
      for (let time = 0; time < 3; time++) assert.deepEqual(await refusedLogin(at, roleId, 'wrong'), INVALID);
      assert.deepEqual(await refusedLogin(at, roleId, secret_id), [403, ['permission denied']]);
    }
    const { accessor } = (await well('GET', at.replace('auth/', 'sys/auth/'))).data;
    assert.equal((await well('GET', `sys/locked-users/${accessor}`)).data.total, 2);
    await well('POST', `sys/locked-users/${accessor}/unlock/app-id`);
    assert.equal((await login(at, 'app-id', secret_id)).status, 200);
    // Who sends none has not guessed.
    for (let time = 0; time < 5; time++) await refusedLogin(at, 'app-id');
    assert.equal((await login(at, 'app-id', secret_id)).status, 200);
  });
});

test('how long a refusal takes does not tell whether there is such a role id', async (t) => {
  const at = await withRole({}, { user_lockout_config: { lockout_disable: true } });
  await newSecret(at);
  await assertAlikeInTime(t, async (which, pair) => {
    const refused = await refusedLogin(at, which === 'first' ? 'app-id' : `nobody${pair}`, `wrong${pair}`);
    assert.deepEqual(refused, INVALID);
  });
});

describe('tidying', () => {
  test('answers 202 and leaves what is good', async () => {
    const at = await withRole();
    const { secret_id } = await newSecret(at);
    const reply = await ask('POST', `${at}/tidy/secret-id`);
    assert.equal(reply.status, 202);
    assert.match(reply.body.warnings[0], /^Tidy operation successfully started/);
    assert.equal((await login(at, 'app-id', secret_id)).status, 200);
  });
});
