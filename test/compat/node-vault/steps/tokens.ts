/** @module Steps of tokens. */

import assert from 'node:assert/strict';
import { type Answer, callCommand, type NodeVault, nodeVault, refusal } from '../client.ts';
import { type CallNamed, pick, type Step } from '../step.ts';

export function tokenSteps(client: NodeVault, command: CallNamed, address: string): Step[] {
  const root = client.token;
  const meta = { team: 'blue' };
  const create = (args: object = {}) =>
    command('tokenCreate', { policies: ['default'], ttl: '1h', meta, ...args });
  return [
    [
      'tokenCreate',
      async () => {
        const { auth } = await create({
          display_name: 'nv',
          num_uses: 3,
          renewable: true,
          explicit_max_ttl: '2h',
        });
        assert.deepEqual(auth.policies, ['default']);
        assert.deepEqual(auth.metadata, meta);
        assert.deepEqual(pick(auth, 'lease_duration', 'renewable', 'orphan', 'num_uses'), [
          3600,
          true,
          false,
          3,
        ]);
      },
    ],
    [
      'tokenCreateOrphan',
      async () => assert.equal((await command('tokenCreateOrphan', { meta })).auth.orphan, true),
    ],
    [
      'tokenLookup, tokenLookupAccessor, tokenLookupSelf',
      async () => {
        const { auth } = await create();
        const looked = (await command('tokenLookup', { token: auth.client_token })).data;
        assert.deepEqual(pick(looked, 'id', 'accessor', 'path'), [
          auth.client_token,
          auth.accessor,
          'auth/token/create',
        ]);
        assert.equal((await command('tokenLookupAccessor', { accessor: auth.accessor })).data.id, '');
        const own = nodeVault(address, auth.client_token);
        assert.equal((await callCommand(own, 'tokenLookupSelf')).data.id, auth.client_token);
      },
    ],
    [
      'revoke, revokePrefix',
      async () => {
        await command('addTokenRole', { role_name: 'leased', allowed_policies: 'default' });
        const issue = async () =>
          (await command('tokenCreateRole', { role_name: 'leased', meta })).auth.client_token as string;
        const isGood = async (token: string) =>
          (await refusal(callCommand(nodeVault(address, token), 'tokenLookupSelf'))) === undefined;
        const under = 'auth/token/create/leased';
        const one = await issue();
        const [id] = (await client.list(`sys/leases/lookup/${under}`)).data.keys;
        await command('revoke', { lease_id: `${under}/${id}` });
        assert.equal(await isGood(one), false);
        const two = await issue();
        assert.equal(await isGood(two), true);
        await command('revokePrefix', { path_prefix: under });
        assert.equal(await isGood(two), false);
        await command('removeTokenRole', { role_name: 'leased' });
      },
    ],
    [
      'tokenAccessors',
      async () => {
        const { auth } = await create();
        assert((await command('tokenAccessors')).data.keys.includes(auth.accessor));
      },
    ],
    [
      'tokenRenew, tokenRenewSelf',
      async () => {
        const { auth } = await create({ renewable: true });
        assert.equal(
          (await command('tokenRenew', { token: auth.client_token, increment: '30m' })).auth.lease_duration,
          1800,
        );
        const own = nodeVault(address, auth.client_token);
        assert.equal((await callCommand(own, 'tokenRenewSelf', { increment: 600 })).auth.lease_duration, 600);
      },
    ],
    [
      'tokenRevoke, tokenRevokeAccessor, tokenRevokeSelf',
      async () => {
        const tokens = [await create(), await create(), await create()].map((answer) => answer.auth);
        await command('tokenRevoke', { token: tokens[0].client_token });
        await command('tokenRevokeAccessor', { accessor: tokens[1].accessor });
        await callCommand(nodeVault(address, tokens[2].client_token), 'tokenRevokeSelf');
        for (const { client_token } of tokens)
          assert.equal(await refusal(command('tokenLookup', { token: client_token })), 403);
      },
    ],
    [
      'tokenRevokeOrphan',
      async () => {
        const parent = (await create({ policies: ['root'] })).auth.client_token;
        const child = (await callCommand(nodeVault(address, parent), 'tokenCreate', { meta, ttl: '10m' }))
          .auth.client_token;
        await command('tokenRevokeOrphan', { token: parent });
        assert.equal(await refusal(command('tokenLookup', { token: parent })), 403);
        assert.equal((await command('tokenLookup', { token: child })).data.orphan, true);
      },
    ],
    [
      'addTokenRole, getTokenRole, tokenRoles, tokenCreateRole, removeTokenRole',
      async () => {
        await command('addTokenRole', { role_name: 'nv', allowed_policies: 'default', period: 600 });
        const { data } = await command('getTokenRole', { role_name: 'nv' });
        assert.deepEqual(pick(data, 'allowed_policies', 'token_period'), [['default'], 600]);
        assert.deepEqual((await command('tokenRoles')).data.keys, ['nv']);
        const { auth } = await command('tokenCreateRole', { role_name: 'nv', meta });
        assert.deepEqual(pick(auth, 'policies', 'lease_duration'), [['default'], 600]);
        await command('removeTokenRole', { role_name: 'nv' });
        assert.equal(await refusal(command('getTokenRole', { role_name: 'nv' })), 404);
      },
    ],
    [
      'userpassLogin',
      async () => {
        await command('enableAuth', { mount_point: 'userpass', type: 'userpass' });
        await client.write('auth/userpass/users/nv', { password: 'pw', token_policies: 'default' });
        // node-vault goes on with the token that it is given.
        const own = nodeVault(address, '');
        const { auth } = await callCommand(own, 'userpassLogin', { username: 'nv', password: 'pw' });
        assert.deepEqual(pick(auth, 'policies', 'metadata'), [['default'], { username: 'nv' }]);
        const wrong = callCommand(nodeVault(address, ''), 'userpassLogin', {
          username: 'nv',
          password: 'no',
        });
        assert.equal(await refusal(wrong), 400);
        await command('disableAuth', { mount_point: 'userpass' });
      },
    ],
    [
      'startTokenRenewal',
      async () => {
        const { auth } = await create({ renewable: true, ttl: '10s' });
        const own = nodeVault(address, auth.client_token);
        const renewed = new Promise<Answer>((resolve, reject) => {
          own.once('token:renewed', resolve);
          own.once('token:error:renew', reject);
          own.once('token:expired', () =>
            reject(new Error('node-vault thinks that the token is not renewable')),
          );
        });
        await own.startTokenRenewal({ ttl: 1, increment: 60 });
        // node-vault's own timers do not keep a process alive.
        const alive = setInterval(() => {}, 1_000);
        try {
          assert.equal((await renewed).auth.lease_duration, 60);
        } finally {
          clearInterval(alive);
          own.stopAllRenewals();
        }
      },
    ],
    [
      'unwrap',
      async () => {
        const asked = await fetch(`${address}/v1/sys/wrapping/wrap`, {
          method: 'POST',
          headers: { 'X-Vault-Token': root, 'X-Vault-Wrap-TTL': '60', 'Content-Type': 'application/json' },
          body: JSON.stringify(meta),
        });
        const { wrap_info } = (await asked.json()) as { wrap_info: { token: string } };
        assert.deepEqual((await command('unwrap', { token: wrap_info.token })).data, meta);
        assert.equal(await refusal(command('unwrap', { token: wrap_info.token })), 400);
        const own = nodeVault(address, wrap_info.token);
        assert.equal(await refusal(callCommand(own, 'unwrap')), 400);
      },
    ],
    [
      'a client without a token',
      async () => assert.equal(await refusal(callCommand(nodeVault(address, ''), 'mounts')), 403),
    ],
    [
      'the root token is still its own',
      async () => assert.equal((await client.read('auth/token/lookup-self')).data.id, root),
    ],
  ];
}
