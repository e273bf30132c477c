import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTokenActor } from '../../../src/auth/token/token-actor.ts';
import type { ActorContext } from '../../../src/model/actor.ts';
import type { TokenState } from '../../../src/model/caller.ts';

const NOW = Date.UTC(2026, 0, 1);
const { revoke } = makeTokenActor(async () => {});

/** What one revocation replies and leaves. Only the clock is looked at. */
async function revoked(state: Partial<TokenState> | undefined, how: 'tree' | 'self') {
  const { reply, next } = await revoke.run(state as TokenState, how, { now: () => NOW } as ActorContext);
  return [reply, next?.state];
}

test('a token that is dead is gone to whoever revokes it again, also before it was swept', async () => {
  assert.deepEqual(await revoked({}, 'tree'), [true, { dying: 'tree', dyingSinceMs: NOW }]);
  assert.deepEqual(await revoked({ dying: 'tree' }, 'tree'), [false, undefined]);
  assert.deepEqual(await revoked({ dying: 'tree' }, 'self'), [false, undefined]);
  assert.deepEqual(await revoked({ dying: 'self' }, 'self'), [false, undefined]);
  assert.deepEqual(await revoked(undefined, 'tree'), [false, undefined]);
});

test('expired, or being orphaned: it is gone, and its tree is felled all the same', async () => {
  const felled = { dying: 'tree', dyingSinceMs: NOW };
  assert.deepEqual(await revoked({ expiresAtMs: NOW }, 'tree'), [false, { expiresAtMs: NOW, ...felled }]);
  assert.deepEqual(await revoked({ dying: 'self' }, 'tree'), [false, felled]);
});
