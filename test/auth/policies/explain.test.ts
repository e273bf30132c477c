/** Why policies decide as they do: never otherwise than `check`, and by the rule that decides. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Acl, compileAcl, type Question } from '../../../src/auth/policies/acl.ts';
import { ROOT_POLICY } from '../../../src/auth/policies/built-in.ts';
import { parameterFaults, parametersPass } from '../../../src/auth/policies/parameters.ts';
import { parsePolicy } from '../../../src/auth/policies/parse.ts';
import type { Json, JsonMap } from '../../../src/model/json.ts';
import { path as anyPath, rules as anyRules, policyText } from './generated.ts';

const acl = (...texts: string[]): Acl =>
  compileAcl(texts.map((text, index) => parsePolicy(`p${index + 1}`, text)));
const rule = (path: string, capabilities: string, more = '') =>
  `path "${path}" { capabilities = ${JSON.stringify(capabilities.split(' '))} ${more} }`;
const fields = (members: Record<string, Json>): JsonMap => new Map(Object.entries(members));
const ask = (question: Partial<Question> & { path: string }): Question => ({
  verb: 'read',
  mayCreate: false,
  sudo: false,
  fields: new Map(),
  ...question,
});

test('granted: the rule, its blocks by policy, and what it came before', () => {
  const both = acl(
    `${rule('a/*', 'list')} ${rule('a/+/c', 'read')}`,
    `${rule('a/+/c', 'update')} ${rule('b', 'read')}`,
  );
  const found = both.explain(ask({ path: 'a/b/c' }));
  assert.equal(found.reason, 'granted');
  assert(found.allowed);
  assert.deepEqual(found.granting, ['p1']);
  assert.deepEqual(found.rule, {
    path: 'a/+/c',
    capabilities: ['read', 'update'],
    blocks: [
      { policy: 'p1', path: 'a/+/c', capabilities: ['read'] },
      { policy: 'p2', path: 'a/+/c', capabilities: ['update'] },
    ],
  });
  assert.deepEqual(
    found.passedOver.map(({ path }) => path),
    ['a/*'],
  );
  assert.equal(found.needed, undefined);
});

test('no rule, a capability or sudo missing: what is needed keeps what there is', () => {
  const some = acl(rule('a/*', 'read list'));
  assert.deepEqual(some.explain(ask({ path: 'b', verb: 'update', mayCreate: true })).needed, {
    path: 'b',
    capabilities: ['create', 'update'],
  });
  const missing = some.explain(ask({ path: 'a/b', verb: 'delete', sudo: true }));
  assert.equal(missing.reason, 'capability missing');
  assert.deepEqual(missing.needed, { path: 'a/b', capabilities: ['delete', 'list', 'read', 'sudo'] });
  const sudo = some.explain(ask({ path: 'a/b', sudo: true }));
  assert.equal(sudo.reason, 'sudo missing');
  assert.deepEqual(sudo.needed?.capabilities, ['list', 'read', 'sudo']);
});

test('denied, refused for a field or the wrapping: no grant would help, and none is proposed', () => {
  const strict = acl(
    `${rule('no', 'deny')} ${rule('a', 'update', 'denied_parameters = { "x" = [], "v" = ["1"] } allowed_parameters = { "ok" = [], "w" = ["2"], "v" = [] } required_parameters = ["ok"]')}
     ${rule('w', 'read', 'min_wrapping_ttl = "10s" max_wrapping_ttl = "1m"')}`,
    rule('no', 'read'),
  );
  const denied = strict.explain(ask({ path: 'no' }));
  assert.equal(denied.reason, 'denied');
  assert.deepEqual(denied.rule?.capabilities, ['deny']);
  assert.deepEqual(
    denied.rule?.blocks.map(({ policy }) => policy),
    ['p1', 'p2'],
  );
  const faulty = strict.explain(
    ask({ path: 'a', verb: 'update', fields: fields({ x: 'q', v: '1', w: '3', other: '' }) }),
  );
  assert.equal(faulty.reason, 'parameters');
  assert.deepEqual(faulty.faults, [
    { name: 'ok', reason: 'required' },
    { name: 'x', reason: 'denied' },
    { name: 'v', reason: 'value denied' },
    { name: 'w', reason: 'value not allowed' },
    { name: 'other', reason: 'not allowed' },
  ]);
  const bare = strict.explain(ask({ path: 'w' }));
  assert.equal(bare.reason, 'wrapping');
  assert.deepEqual(bare.wrapping, { min: 10, max: 60 });
  for (const { needed } of [denied, faulty, bare]) assert.equal(needed, undefined);
});

test('root', () => {
  const found = compileAcl([ROOT_POLICY]).explain(ask({ path: 'x', sudo: true }));
  assert.equal(found.reason, 'root');
  assert(found.allowed);
});

test('a path that a rule would read as a pattern gets no proposal', () => {
  for (const path of ['a*', 'a/+/b', '+', 'a{{b}}'])
    assert.equal(acl(rule('x', 'read')).explain(ask({ path })).needed, undefined);
});

test('never otherwise than the check; what is needed lets it pass', () => {
  const verbs = fc.constantFrom('read', 'list', 'update', 'delete', 'patch') as fc.Arbitrary<
    Question['verb']
  >;
  fc.assert(
    fc.property(
      anyRules,
      anyRules,
      anyPath,
      verbs,
      fc.boolean(),
      fc.boolean(),
      (one, other, path, verb, sudo, mayCreate) => {
        const texts = [policyText(one), policyText(other)];
        const asked = ask({ path: verb === 'list' ? `${path}/` : path, verb, sudo, mayCreate });
        const made = acl(...texts);
        const verdict = made.check(asked);
        const found = made.explain(asked);
        assert.equal(found.allowed, verdict.allowed);
        assert.deepEqual(found.granting, verdict.granting);
        if (verdict.allowed) assert.equal(found.reason, 'granted');
        if (!found.needed) return;
        const { path: exact, capabilities } = found.needed;
        assert(acl(...texts, rule(exact, capabilities.join(' '))).check(asked).allowed);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('fields have faults exactly where they do not pass', () => {
  const names = fc.constantFrom('a', 'B', 'c', '*');
  const values = fc.dictionary(names, fc.array(fc.constantFrom('x', 'y*', '*'), { maxLength: 2 }));
  const lists = fc.option(values, { nil: undefined });
  const asMap = (of: Record<string, string[]> | undefined) =>
    of && new Map(Object.entries(of).map(([name, list]) => [name.toLowerCase(), list]));
  fc.assert(
    fc.property(
      lists,
      lists,
      fc.array(names, { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'B', 'c', 'd'), fc.constantFrom('x', 'yz', '')),
      (allowed, denied, required, sent) => {
        const rules = { allowed: asMap(allowed), denied: asMap(denied), required };
        assert.equal(parameterFaults(rules, fields(sent)).length === 0, parametersPass(rules, fields(sent)));
      },
    ),
    { numRuns: 2_000 },
  );
});
