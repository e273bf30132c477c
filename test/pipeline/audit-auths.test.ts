/**
 * Who asks, as devices are told: the same object as long as nothing differs, and another as soon as anything does.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../../src/model/caller.ts';
import { makeAuditAuths } from '../../src/pipeline/audit-auths.ts';
import type { Decision } from '../../src/pipeline/authority.ts';
import { tokenState } from '../support/token-state.ts';

const STATE = tokenState({ policies: ['app', 'default'], ttl: 60, expiresAtMs: 61_000 });
const CALLER: Caller = {
  token: 'hvs.A',
  accessor: 'A',
  namespace: 'root',
  state: STATE,
  isRoot: false,
};
const GRANTED: Decision = { allowed: true, mayCreate: false, mayUpdate: false, granting: ['app'] };
const DENIED: Decision = { allowed: false, mayCreate: false, mayUpdate: false, granting: [] };

test('the same caller under the same verdict is the same object', () => {
  const authOf = makeAuditAuths();
  const first = authOf(CALLER, GRANTED, 'team/');
  assert.equal(authOf({ ...CALLER }, GRANTED, 'team/'), first);
  assert.deepEqual(first.policyResults, {
    allowed: true,
    grantingPolicies: [{ name: 'app', namespaceId: 'root', namespacePath: 'team/', type: 'acl' }],
  });
  assert.equal(first.clientToken, 'hvs.A');
});

test('what differs is told: token, what is known of it, verdict, namespace', () => {
  const authOf = makeAuditAuths();
  // Twice: also after each of the others was seen.
  for (let round = 0; round < 2; round++) {
    assert.equal(authOf(CALLER, GRANTED, '').policyResults!.allowed, true);
    assert.deepEqual(authOf(CALLER, DENIED, '').policyResults, { allowed: false, grantingPolicies: [] });
    assert.equal(authOf({ ...CALLER, token: 'hvs.B' }, GRANTED, '').clientToken, 'hvs.B');
    assert.equal(authOf({ ...CALLER, state: { ...STATE, ttl: 120 } }, GRANTED, '').tokenTtl, 120);
    for (const path of ['', 'team/', '']) {
      const [granting] = authOf(CALLER, GRANTED, path).policyResults!.grantingPolicies!;
      assert.equal(granting!.namespacePath ?? '', path);
    }
  }
});

test('a token with limited uses is told with those that are left', () => {
  const authOf = makeAuditAuths();
  for (const usesLeft of [2, 1]) {
    const auth = authOf({ ...CALLER, state: { ...STATE, numUses: 2, usesLeft } }, GRANTED, '');
    assert.equal(auth.remainingUses, usesLeft);
  }
  const state = { ...STATE, usesLeft: 1 };
  assert.notEqual(authOf({ ...CALLER, state }, GRANTED, ''), authOf({ ...CALLER, state }, GRANTED, ''));
});

test('a batch token has no accessor to show; who has no token is nobody', () => {
  const authOf = makeAuditAuths();
  const batch: Caller = { ...CALLER, state: { ...STATE, type: 'batch' } };
  assert.equal(authOf(batch, GRANTED, '').accessor, '');
  assert.deepEqual(authOf(undefined, DENIED, ''), {
    tokenType: 'default',
    policyResults: { allowed: false },
  });
});

test('no more are kept than may be; who keeps coming stays', () => {
  const authOf = makeAuditAuths(4);
  const others = Array.from({ length: 20 }, () => ({ ...CALLER, state: { ...STATE } }));
  const often = authOf(CALLER, GRANTED, '');
  const firsts = others.map((other) => {
    assert.equal(authOf(CALLER, GRANTED, ''), often);
    return authOf(other, GRANTED, '');
  });
  assert.notEqual(authOf(others[0]!, GRANTED, ''), firsts[0]);
  assert.equal(authOf(others[19]!, GRANTED, ''), firsts[19]);
});
