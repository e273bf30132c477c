/**
 * What node-vault is made to do: every command in scope, in an order in which each finds what it needs.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type Answer, callCommand, type NodeVault, nodeVault, refusal } from './client.ts';

/** One step; its name begins with the command it is about. */
export type Step = [name: string, run: () => Promise<void>];

/** Steps on a server that is not initialised: seal and unseal. */
export function sealSteps(address: string): Step[] {
  const client = nodeVault(address);
  const command = (name: string, args: object = {}) => callCommand(client, name, args);
  let keys: string[] = [];
  return [
    ['initialized before init', async () => assert.equal((await command('initialized')).initialized, false)],
    [
      'status before init',
      async () => assert.deepEqual(pick(await command('status'), 'sealed', 't', 'n'), [true, 0, 0]),
    ],
    [
      'health before init',
      async () => assert.equal((await command('health', { uninitcode: 200 })).initialized, false),
    ],
    [
      'init',
      async () => {
        const made = await command('init', { secret_shares: 5, secret_threshold: 3 });
        assert.equal(made.keys.length, 5);
        assert.equal(made.keys_base64.length, 5);
        keys = made.keys;
        client.token = made.root_token;
      },
    ],
    [
      'init twice',
      async () =>
        assert.equal(await refusal(command('init', { secret_shares: 1, secret_threshold: 1 })), 400),
    ],
    ['initialized after init', async () => assert.equal((await command('initialized')).initialized, true)],
    ['mounts while sealed', async () => assert.equal(await refusal(command('mounts')), 503)],
    [
      'unseal by share',
      async () => {
        assert.deepEqual(pick(await command('unseal', { key: keys[0] }), 'sealed', 'progress'), [true, 1]);
        assert.deepEqual(pick(await command('unseal', { key: keys[0] }), 'sealed', 'progress'), [true, 1]);
        assert.deepEqual(pick(await command('unseal', { reset: true }), 'sealed', 'progress'), [true, 0]);
        await command('unseal', { key: keys[0] });
        await command('unseal', { key: keys[1] });
        assert.deepEqual(pick(await command('unseal', { key: keys[2] }), 'sealed', 'progress'), [false, 0]);
      },
    ],
    [
      'status unsealed',
      async () => assert.deepEqual(pick(await command('status'), 'sealed', 't', 'n'), [false, 3, 5]),
    ],
    ['rotate', async () => void (await command('rotate'))],
    [
      'seal',
      async () => {
        await command('seal');
        assert.equal((await command('status')).sealed, true);
        assert.equal((await command('health', { sealedcode: 200 })).sealed, true);
        assert.equal(await refusal(command('unseal', { key: 'not a key' })), 400);
        for (const key of keys.slice(2)) await command('unseal', { key });
        assert.equal((await command('status')).sealed, false);
      },
    ],
  ];
}

/** Steps on a dev server with `token` as its root token; `auditFile` is a path it may write. */
export function devSteps(address: string, token: string, auditFile: string): Step[] {
  const client = nodeVault(address, token);
  const command = (name: string, args: object = {}) => callCommand(client, name, args);
  return [
    ...systemSteps(client, command, auditFile),
    ...tokenSteps(client, command, address),
    ...secretSteps(client, command, address, token),
  ];
}

type CallNamed = (name: string, args?: object) => Promise<Answer>;

function systemSteps(client: NodeVault, command: CallNamed, auditFile: string): Step[] {
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
      'mount, mounts, unmount',
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
        await command('unmount', { mount_point: 'nv1' });
        assert.equal((await command('mounts')).data['nv1/'], undefined);
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

function tokenSteps(client: NodeVault, command: CallNamed, address: string): Step[] {
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
        await command('addTokenRole', {
          role_name: 'nv',
          allowed_policies: 'default,nv',
          orphan: true,
          period: 3600,
          renewable: true,
        });
        assert.deepEqual(
          pick(
            (await command('getTokenRole', { role_name: 'nv' })).data,
            'name',
            'orphan',
            'allowed_policies',
          ),
          ['nv', true, ['default', 'nv']],
        );
        assert.deepEqual((await command('tokenRoles')).data.keys, ['nv']);
        const { auth } = await command('tokenCreateRole', { role_name: 'nv', policies: ['default'], meta });
        assert.deepEqual(pick(auth, 'lease_duration', 'orphan'), [3600, true]);
        await command('removeTokenRole', { role_name: 'nv' });
        assert.equal(await refusal(command('getTokenRole', { role_name: 'nv' })), 404);
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
      'a client without a token',
      async () => assert.equal(await refusal(callCommand(nodeVault(address, ''), 'mounts')), 403),
    ],
    [
      'the root token is still its own',
      async () => assert.equal((await client.read('auth/token/lookup-self')).data.id, root),
    ],
  ];
}

function secretSteps(client: NodeVault, command: CallNamed, address: string, token: string): Step[] {
  return [
    [
      'write, read, list, delete on KV v2',
      async () => {
        assert.equal((await client.write('secret/data/nv/a', { data: { who: 'world' } })).data.version, 1);
        assert.deepEqual((await client.read('secret/data/nv/a')).data.data, { who: 'world' });
        assert.deepEqual((await client.list('secret/metadata/nv')).data.keys, ['a']);
        const byQuery = nodeVault(address, token, { noCustomHTTPVerbs: true });
        assert.deepEqual((await byQuery.list('secret/metadata/nv')).data.keys, ['a']);
        await client.delete('secret/data/nv/a');
        assert.equal(await refusal(client.read('secret/data/nv/a')), 404);
      },
    ],
    [
      'update (PATCH) on KV v2',
      async () => {
        await client.write('secret/data/nv/p', { data: { a: '1', b: '2' } });
        assert.equal(
          (await client.update('secret/data/nv/p', { data: { b: null, c: '3' } })).data.version,
          2,
        );
        assert.deepEqual((await client.read('secret/data/nv/p')).data.data, { a: '1', c: '3' });
      },
    ],
    [
      'destroySecretVersions',
      async () => {
        await client.write('secret/data/nvd', { data: { a: '1' } });
        await command('destroySecretVersions', { path: 'nvd', versions: [1] });
        const { data } = await client.read('secret/metadata/nvd');
        assert.equal(data.versions['1'].destroyed, true);
      },
    ],
    [
      'write, read, list, delete on KV v1',
      async () => {
        await command('mount', { mount_point: 'nv-kv1', type: 'kv' });
        await client.write('nv-kv1/x/y', { n: 1, s: 'two' });
        assert.deepEqual((await client.read('nv-kv1/x/y')).data, { n: 1, s: 'two' });
        assert.deepEqual((await client.list('nv-kv1/x')).data.keys, ['y']);
        await client.delete('nv-kv1/x/y');
        assert.equal(await refusal(client.list('nv-kv1/x')), 404);
        await command('unmount', { mount_point: 'nv-kv1' });
      },
    ],
    [
      'write, read, delete on cubbyhole',
      async () => {
        await client.write('cubbyhole/nv', { a: 'b' });
        assert.deepEqual((await client.read('cubbyhole/nv')).data, { a: 'b' });
        await client.delete('cubbyhole/nv');
        assert.equal(await refusal(client.read('cubbyhole/nv')), 404);
      },
    ],
  ];
}

function pick(from: Answer, ...names: string[]): unknown[] {
  return names.map((name) => from[name]);
}
