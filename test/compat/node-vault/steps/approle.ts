/** @module AppRole: every command of node-vault about it. */

import assert from 'node:assert/strict';
import { callCommand, nodeVault, refusal } from '../client.ts';
import { type CallNamed, pick, type Step } from '../step.ts';

export function appRoleSteps(command: CallNamed, address: string): Step[] {
  const role = { role_name: 'nv' };
  const secret = async () => (await command('getApproleRoleSecret', role)).data;
  const login = (role_id: string, secret_id: string) =>
    // node-vault goes on with the token that it is given.
    callCommand(nodeVault(address, ''), 'approleLogin', { role_id, secret_id });
  return [
    [
      'addApproleRole, approleRoles, getApproleRole',
      async () => {
        await command('enableAuth', { mount_point: 'approle', type: 'approle' });
        await command('addApproleRole', { ...role, policies: 'p', secret_id_num_uses: 2 });
        assert.deepEqual((await command('approleRoles')).data.keys, ['nv']);
        const { data } = await command('getApproleRole', role);
        assert.deepEqual(pick(data, 'token_policies', 'secret_id_num_uses', 'bind_secret_id'), [
          ['p'],
          2,
          true,
        ]);
      },
    ],
    [
      'updateApproleRoleId, getApproleRoleId',
      async () => {
        await command('updateApproleRoleId', { ...role, role_id: 'nv-id' });
        assert.equal((await command('getApproleRoleId', role)).data.role_id, 'nv-id');
      },
    ],
    [
      'getApproleRoleSecret, approleLogin, approleSecretLookup, approleSecretDestroy',
      async () => {
        const { secret_id } = await secret();
        const { auth } = await login('nv-id', secret_id);
        assert.deepEqual(pick(auth, 'policies', 'metadata'), [['default', 'p'], { role_name: 'nv' }]);
        assert.equal(await refusal(login('nv-id', 'wrong')), 400);
        const shown = await command('approleSecretLookup', { ...role, secret_id });
        assert.equal(shown.data.secret_id_num_uses, 1);
        await command('approleSecretDestroy', { ...role, secret_id });
        await secret();
        assert.equal(await refusal(login('nv-id', secret_id)), 400);
      },
    ],
    [
      'approleSecretAccessors, approleSecretAccessorLookup, approleSecretAccessorDestroy',
      async () => {
        const before = (await command('approleSecretAccessors', role)).data.keys;
        const { secret_id, secret_id_accessor } = await secret();
        const named = { ...role, secret_id_accessor };
        const { keys } = (await command('approleSecretAccessors', role)).data;
        assert.deepEqual(keys, [...before, secret_id_accessor].sort());
        const shown = await command('approleSecretAccessorLookup', named);
        assert.equal(shown.data.secret_id_accessor, secret_id_accessor);
        await command('approleSecretAccessorDestroy', named);
        assert.equal(await refusal(login('nv-id', secret_id)), 400);
      },
    ],
    [
      'deleteApproleRole',
      async () => {
        await command('deleteApproleRole', role);
        assert.equal(await refusal(command('getApproleRole', role)), 404);
        await command('disableAuth', { mount_point: 'approle' });
      },
    ],
  ];
}
