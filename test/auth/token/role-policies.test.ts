import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policiesByRole, rulesPolicies } from '../../../src/auth/token/role-policies.ts';

const NO_RULES = {
  allowed_policies: [],
  disallowed_policies: [],
  allowed_policies_glob: [],
  disallowed_policies_glob: [],
  token_no_default_policy: false,
};

test('a role with an empty list says nothing of policies', () => {
  assert(!rulesPolicies(NO_RULES));
  for (const name of [
    'allowed_policies',
    'disallowed_policies',
    'allowed_policies_glob',
    'disallowed_policies_glob',
  ])
    assert(rulesPolicies({ ...NO_RULES, [name]: ['a'] }), name);
});

test('nothing asked for: what is allowed, or the parent’s', () => {
  assert.deepEqual(policiesByRole({ ...NO_RULES, allowed_policies: ['a', 'b'] }, [], ['p'], false), [
    'a',
    'b',
    'default',
  ]);
  assert.deepEqual(policiesByRole({ ...NO_RULES, disallowed_policies: ['x'] }, [], ['p'], true), ['p']);
  // Globs alone allow none by themselves.
  assert.deepEqual(policiesByRole({ ...NO_RULES, allowed_policies_glob: ['a*'] }, [], ['p'], true), []);
});

test('asked for: each must be allowed, by name or by glob; the texts are Vault’s', () => {
  const role = { ...NO_RULES, allowed_policies: ['a', 'b'], allowed_policies_glob: ['team-*-read'] };
  assert.deepEqual(policiesByRole(role, [' A ', 'team-x-read'], [], false), ['a', 'default', 'team-x-read']);
  assert.throws(() => policiesByRole(role, ['c'], [], false), {
    message:
      'token policies (["c" "default"]) must be subset of the role\'s allowed policies (["a" "b" "default"]) or glob policies (["team-*-read"])',
  });
  assert.throws(() => policiesByRole(role, ['team-read'], [], false), /must be subset/);
});

test('what is disallowed no spelling gets, the parent’s neither, and `default` is not added then', () => {
  const role = { ...NO_RULES, disallowed_policies: ['root', 'default'], disallowed_policies_glob: ['prod*'] };
  assert.throws(() => policiesByRole(role, ['ROOT '], [], false), {
    message: 'token policy "root" is disallowed by this role',
  });
  assert.throws(() => policiesByRole(role, ['Production'], [], false), /"production" is disallowed/);
  assert.throws(() => policiesByRole(role, [], ['root'], false), /"root" is disallowed/);
  assert.deepEqual(policiesByRole(role, ['a'], [], false), ['a']);
});

test('a glob means what the same regular expression does', () => {
  const piece = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(piece, name, (glob, asked) => {
      fc.pre(glob !== '');
      const matches = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(asked);
      const role = { ...NO_RULES, allowed_policies_glob: [glob] };
      if (matches) assert.deepEqual(policiesByRole(role, [asked], [], true), [asked]);
      else assert.throws(() => policiesByRole(role, [asked], [], true), /must be subset/);
    }),
  );
});
