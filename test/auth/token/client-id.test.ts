import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientIdOf } from '../../../src/auth/token/client-id.ts';
import type { TokenState } from '../../../src/model/caller.ts';

const idOf = (policies: string[], namespace = 'root') =>
  clientIdOf({ state: { policies } as unknown as TokenState, namespace });

test('as Vault makes it: a root token of the root namespace, asked of bao 2.7.2', () => {
  assert.equal(idOf(['root']), '0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8=');
});

test('the order of policies makes no other client; another policy or namespace does', () => {
  assert.equal(idOf(['b', 'a']), idOf(['a', 'b']));
  assert.notEqual(idOf(['a', 'b']), idOf(['ab']));
  assert.notEqual(idOf(['a'], 'aaaaaa'), idOf(['a']));
});
