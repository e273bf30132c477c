/** @module Steps of KV and cubbyhole. */

import assert from 'node:assert/strict';
import { type NodeVault, nodeVault, refusal } from '../client.ts';
import type { CallNamed, Step } from '../step.ts';

export function secretSteps(client: NodeVault, command: CallNamed, address: string, token: string): Step[] {
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
