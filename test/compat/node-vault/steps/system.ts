/** @module Steps of sys. */

import assert from 'node:assert/strict';
import { type NodeVault, refusal } from '../client.ts';
import { type CallNamed, pick, type Step } from '../step.ts';

export function systemSteps(client: NodeVault, command: CallNamed, auditFile: string): Step[] {
  const policy = 'path "secret/data/mine/*" { capabilities = ["create", "read", "update"] }';
  return [
    [
      'health',
      async () => {
        const answer = await command('health', { standbyok: true, activecode: 200 });
        assert.deepEqual(pick(answer, 'initialized', 'sealed', 'standby'), [true, false, false]);
        assert.match(answer.version, /^\d+\.\d+\.\d+/);
      },
    ],
    ['leader', async () => assert.equal(typeof (await command('leader')).ha_enabled, 'boolean')],
    ['stepDown', async () => void (await command('stepDown'))],
    [
      'mount, mounts, remount, unmount',
      async () => {
        await command('mount', {
          mount_point: 'nv1',
          type: 'kv',
          description: 'first',
          options: { version: '1' },
        });
        const { data } = await command('mounts');
        assert.equal(data['nv1/'].type, 'kv');
        assert.equal(data['nv1/'].description, 'first');
        assert.deepEqual(data['secret/'].options, { version: '2' });
        assert.equal(
          (await refusal(command('mount', { mount_point: 'nv1', type: 'kv' }))) === undefined,
          false,
        );
        await command('remount', { from: 'nv1', to: 'nv2' });
        assert.equal((await command('mounts')).data['nv2/'].description, 'first');
        await command('unmount', { mount_point: 'nv2' });
        const { data: left } = await command('mounts');
        assert.deepEqual([left['nv1/'], left['nv2/']], [undefined, undefined]);
      },
    ],
    [
      'addPolicy, getPolicy, policies, removePolicy',
      async () => {
        await command('addPolicy', { name: 'nv', policy });
        assert.equal((await command('getPolicy', { name: 'nv' })).data.rules, policy);
        assert.deepEqual((await command('policies')).data.policies, ['default', 'nv', 'root']);
        await command('removePolicy', { name: 'nv' });
        assert.equal(await refusal(command('getPolicy', { name: 'nv' })), 404);
      },
    ],
    ['auths', async () => assert.equal((await command('auths')).data['token/'].type, 'token')],
    [
      'enableAuth, disableAuth',
      async () => {
        assert.equal(
          await refusal(command('enableAuth', { mount_point: 'nv-none', type: 'no-such-method' })),
          400,
        );
        await command('disableAuth', { mount_point: 'nv-none' });
      },
    ],
    [
      'enableAudit, audits, disableAudit',
      async () => {
        await command('enableAudit', { name: 'nv', type: 'file', options: { file_path: auditFile } });
        const { data } = await command('audits');
        assert.deepEqual(pick(data['nv/'], 'type', 'options'), ['file', { file_path: auditFile }]);
        await command('disableAudit', { name: 'nv' });
        assert.equal((await command('audits')).data['nv/'], undefined);
      },
    ],
    [
      'help',
      async () => {
        const answer = await client.help('sys/mounts');
        assert.equal(typeof answer.help, 'string');
      },
    ],
  ];
}
