import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kv1, kv2 } from '../../src/engines/kv/kv.ts';
import { newMount } from '../../src/engines/system/mount-info.ts';
import { engine } from '../../src/model/engine.ts';
import { CodedError } from '../../src/model/errors.ts';
import type { Mount } from '../../src/model/mount.ts';
import { actorAt } from '../../src/pipeline/actor-at.ts';
import { makeResolver } from '../../src/pipeline/resolve.ts';
import { ONLY_ROOT } from '../support/only-root.ts';

const random = (bytes: number) => Buffer.alloc(bytes, 7);
const mounts: Mount[] = [
  newMount(
    { class: 'secret', path: 'secret/', type: 'kv', namespace: 'root', options: { version: '2' } },
    random,
  ),
  newMount({ class: 'secret', path: 'old/', type: 'kv', namespace: 'root', options: null }, random),
];
const table = {
  all: () => mounts,
  at: (path: string) => mounts.find((mount) => mount.path === path),
  find: (path: string) => mounts.find((mount) => path.startsWith(mount.path)),
};
const resolver = makeResolver({ mounts: { of: () => table }, namespaces: ONLY_ROOT }, (mount) =>
  mount.type === 'system' ? engine('system', '', {}) : mount.path === 'secret/' ? kv2 : kv1,
);
const at = (path: string) => actorAt(resolver, path, undefined);

test('an actor by its API path, or as the command line names a secret', () => {
  const id = at('secret/data/team/hello');
  assert.equal(id.name, 'team/hello');
  assert.equal(id.mount, mounts[0]!.uuid);
  assert.deepEqual(at('secret/team/hello'), id);
  assert.deepEqual(at('secret/metadata/team/hello'), id);
  assert.equal(at('old/hello').name, 'hello');
});

test('what no one actor answers for is refused', () => {
  for (const path of ['nowhere/x', 'secret/', 'sys/mounts', ''])
    assert.throws(
      () => at(path),
      (error) => error instanceof CodedError && error.status === 400,
      path,
    );
});
