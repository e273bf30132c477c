import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actorKey } from '../../src/model/actor.ts';

test('each id has its own key, whichever was asked for before', () => {
  const one = { kind: 'kv', namespace: 'n', mount: 'm', name: 'a/b' };
  const ids = [
    one,
    { ...one, kind: 'kv2' },
    { ...one, namespace: 'o' },
    { ...one, mount: 'p' },
    { ...one, name: 'a' },
  ];
  const keys = ['kv:n/m/a/b', 'kv2:n/m/a/b', 'kv:o/m/a/b', 'kv:n/p/a/b', 'kv:n/m/a'];
  for (const id of [...ids, ...ids.toReversed(), one, one]) assert.equal(actorKey(id), keys[ids.indexOf(id)]);
});
