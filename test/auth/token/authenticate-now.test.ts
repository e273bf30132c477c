/**
 * Who a token is, told in one turn: what `authenticate` would say, or nothing.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OWN_CLAIMS } from '../../../src/model/actor.ts';
import type { TokenState } from '../../../src/model/caller.ts';
import { startTokens } from '../../support/test-tokens.ts';
import { tokenState } from '../../support/token-state.ts';

const clock = { ms: 1_000_000_000 };
const OWN = { claims: OWN_CLAIMS, namespace: 'root' };

function make() {
  const there = { issuer: true, namespace: true };
  const { cluster, tokens } = startTokens({
    clock,
    isIssuer: () => there.issuer,
    isNamespace: () => there.namespace,
  });
  /** A token that was used once. */
  const used = async (more: Partial<TokenState> = {}, namespace = 'root') => {
    const made = await tokens.create(tokenState({ createdAtMs: clock.ms, ...more }), undefined, {
      ...OWN,
      namespace,
    });
    const caller = await tokens.authenticate(made.token);
    assert(caller);
    return { ...made, caller };
  };
  return { tokens, cluster, there, used };
}

test('a token met before is who it was; of one that was not, nothing is said', async () => {
  const { tokens, cluster, used } = make();
  const { token, caller } = await used();
  assert.deepEqual(tokens.authenticateNow(token), caller);
  assert.deepEqual(await tokens.authenticate(token), caller);
  const fresh = await tokens.create(tokenState({ createdAtMs: clock.ms }), undefined, OWN);
  assert.equal(tokens.authenticateNow(fresh.token), undefined);
  assert.equal(tokens.authenticateNow(`${token}x`), undefined);
  tokens.clear();
  assert.equal(tokens.authenticateNow(token), undefined);
  await cluster.stop();
});

test('where uses are counted, none is taken and nothing is said', async () => {
  const { tokens, cluster, used } = make();
  const { token, accessor } = await used({ numUses: 3, usesLeft: 3 });
  for (let n = 0; n < 5; n++) assert.equal(tokens.authenticateNow(token), undefined);
  assert.equal((await tokens.stateOf(accessor))?.usesLeft, 2);
  await cluster.stop();
});

test('nothing is said of a token that is over', async () => {
  const { tokens, cluster, used } = make();
  const { token } = await used({ ttl: 60, expiresAtMs: clock.ms + 60_000 });
  assert(tokens.authenticateNow(token));
  clock.ms += 60_000;
  assert.equal(tokens.authenticateNow(token), undefined);
  await cluster.stop();
});

for (const how of ['tree', 'self'] as const) {
  test(`nothing is said of a token that was revoked (${how}), from then on`, async () => {
    const { tokens, cluster, used } = make();
    const { token, accessor } = await used();
    await tokens.revoke(accessor, how);
    assert.equal(tokens.authenticateNow(token), undefined);
    await cluster.stop();
  });
}

test('nothing is said of a token when one above it was revoked', async () => {
  const { tokens, cluster, used } = make();
  const above = await used();
  const between = await used({ parent: above.accessor });
  const { token } = await used({ parent: between.accessor });
  assert(tokens.authenticateNow(token));
  await tokens.revoke(above.accessor, 'tree');
  assert.equal(tokens.authenticateNow(token), undefined);
  await cluster.stop();
});

test('nothing is said when the login that issued it, or its namespace, is gone', async () => {
  const { tokens, cluster, used, there } = make();
  const issued = await used({ issuer: { mount: 'm', name: 'n' } });
  const elsewhere = await used({}, 'abcdef');
  assert(tokens.authenticateNow(issued.token));
  assert(tokens.authenticateNow(elsewhere.token));
  there.issuer = false;
  there.namespace = false;
  assert.equal(tokens.authenticateNow(issued.token), undefined);
  assert.equal(tokens.authenticateNow(elsewhere.token), undefined);
  await cluster.stop();
});
