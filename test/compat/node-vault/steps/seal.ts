/** @module Steps on a server that is not initialised: seal and unseal. */

import assert from 'node:assert/strict';
import { callCommand, nodeVault, refusal } from '../client.ts';
import { pick, type Step } from '../step.ts';

/** As long as a root token. */
const OTP = 'abcdefghijklmnopqrstuvwxyzAB';

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
      'generateRootInit, generateRootCancel, generateRootUpdate',
      async () => {
        const begun = await command('generateRootInit', { otp: OTP });
        assert.deepEqual(pick(begun, 'started', 'progress', 'required', 'otp_length'), [true, 0, 3, 28]);
        await command('generateRootCancel');
        assert.equal((await client.read('sys/generate-root/attempt')).started, false);
        const { nonce } = await command('generateRootInit', { otp: OTP });
        assert.equal(await refusal(command('generateRootUpdate', { key: keys[0], nonce: 'another' })), 400);
        for (const key of keys.slice(0, 2)) await command('generateRootUpdate', { key, nonce });
        const made = await command('generateRootUpdate', { key: keys[2], nonce });
        const encoded = Buffer.from(made.encoded_root_token, 'base64');
        const token = Buffer.from(encoded.map((byte, i) => byte ^ OTP.charCodeAt(i))).toString();
        const other = nodeVault(address);
        other.token = token;
        assert.deepEqual((await other.read('auth/token/lookup-self')).data.policies, ['root']);
      },
    ],
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
