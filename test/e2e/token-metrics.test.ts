import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asking, makeToken, succeed } from '../support/asking.ts';
import { startDev } from '../support/server.ts';

test('tokens that are made are counted with the labels that Vault has', async () => {
  const server = await startDev();
  try {
    const root = asking(server.address);
    const lines = async () => {
      const { text } = await succeed(root, 'GET', 'sys/metrics?format=prometheus');
      return text.split('\n').filter((line) => line.startsWith('vault_token_creat'));
    };
    const of = (all: string[], ...labels: string[]) => {
      const found = all.filter((line) => labels.every((label) => line.includes(label)));
      return found.map((line) => Number(line.split(' ').at(-1)));
    };
    const countOf = (all: string[]) =>
      Number(all.find((line) => line.startsWith('vault_token_create_count '))?.split(' ')[1]);
    const before = countOf(await lines());
    for (const ttl of ['61s', '10m', '31d', '24h']) await makeToken(root, { ttl });
    await makeToken(root, { type: 'batch', policies: ['default'], ttl: '1h' });
    await succeed(root, 'POST', 'sys/auth/people', { type: 'userpass' });
    await succeed(root, 'POST', 'auth/people/users/ada', { password: 'long enough', token_ttl: '2h' });
    const login = await asking(server.address, '')('POST', 'auth/people/login/ada', {
      password: 'long enough',
    });
    assert.equal(login.status, 200);
    // Refused: nothing is made.
    assert.equal((await root('POST', 'auth/token/create', { ttl: 'x' })).status, 400);

    const all = await lines();
    assert.equal(countOf(all), before + 6);
    const own = [
      'auth_method="token"',
      'mount_point="auth/token/"',
      'namespace="root"',
      'token_type="service"',
    ];
    assert.deepEqual(of(all, ...own, 'creation_ttl="10m"'), [2]);
    assert.deepEqual(of(all, ...own, 'creation_ttl="1d"'), [1]);
    assert.deepEqual(of(all, ...own, 'creation_ttl="+Inf"'), [1]);
    assert.deepEqual(of(all, 'token_type="batch"', 'creation_ttl="1h"'), [1]);
    assert.deepEqual(
      of(all, 'auth_method="userpass"', 'mount_point="auth/people/"', 'creation_ttl="2h"'),
      [1],
    );
  } finally {
    await server.stop();
  }
});
