import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Acl, compileAcl, type Question } from '../../../src/auth/policies/acl.ts';
import {
  DEFAULT_POLICY_TEXT,
  RESPONSE_WRAPPING_POLICY,
  ROOT_POLICY,
} from '../../../src/auth/policies/built-in.ts';
import { parsePolicy } from '../../../src/auth/policies/parse.ts';
import { type Json, type JsonMap, JsonNumber } from '../../../src/model/json.ts';
import type { Verb } from '../../../src/model/request.ts';
import { path as anyPath, rules as anyRules, policyText } from './generated.ts';
import { referenceCapabilities } from './reference.ts';

const NO_FIELDS: JsonMap = new Map();

function acl(...texts: string[]): Acl {
  return compileAcl(texts.map((text, index) => parsePolicy(`p${index + 1}`, text)));
}

function ask(question: Partial<Question> & { path: string }): Question {
  return { verb: 'read', mayCreate: false, sudo: false, fields: NO_FIELDS, ...question };
}

/** `path` → capabilities, as in `{ 'secret/*': 'read list' }`. */
function granting(paths: Record<string, string>): Acl {
  const text = Object.entries(paths).map(
    ([path, capabilities]) =>
      `path ${JSON.stringify(path)} { capabilities = ${JSON.stringify(capabilities.split(' '))} }`,
  );
  return acl(text.join('\n'));
}

function fields(members: Record<string, Json>): JsonMap {
  return new Map(Object.entries(members));
}

const number = (text: string) => new JsonNumber(text);

test('each verb asks for its capability, help for none (contract §15)', () => {
  const verbs: [Verb, string][] = [
    ['read', 'read'],
    ['header', 'read'],
    ['list', 'list'],
    ['update', 'update'],
    ['delete', 'delete'],
    ['patch', 'patch'],
  ];
  for (const [verb, capability] of verbs) {
    for (const [, other] of verbs) {
      const allowed = granting({ a: other }).check(ask({ path: 'a', verb })).allowed;
      assert.equal(allowed, other === capability, `${verb} with ${other}`);
    }
    assert.equal(granting({ a: 'sudo' }).check(ask({ path: 'a', verb })).allowed, false);
    assert.equal(granting({ b: 'read' }).check(ask({ path: 'a', verb })).allowed, false);
  }
  assert.equal(granting({ a: 'deny' }).check(ask({ path: 'a', verb: 'help' })).allowed, true);
});

test('an update that may create gets the set that the policies allow', () => {
  const cases: [string, boolean, [allowed: boolean, mayCreate: boolean, mayUpdate: boolean]][] = [
    ['create', true, [true, true, false]],
    ['update', true, [true, false, true]],
    ['create update', true, [true, true, true]],
    ['read', true, [false, false, false]],
    ['create', false, [false, false, false]],
    ['update', false, [true, false, true]],
  ];
  for (const [capabilities, mayCreate, want] of cases) {
    const verdict = granting({ a: capabilities }).check(ask({ path: 'a', verb: 'update', mayCreate }));
    assert.deepEqual([verdict.allowed, verdict.mayCreate, verdict.mayUpdate], want, capabilities);
  }
});

test('sudo is asked for besides the verb, not in its place', () => {
  const path = 'sys/raw/x';
  assert.equal(granting({ [path]: 'read' }).check(ask({ path, sudo: true })).allowed, false);
  assert.equal(granting({ [path]: 'sudo' }).check(ask({ path, sudo: true })).allowed, false);
  assert.equal(granting({ [path]: 'read sudo' }).check(ask({ path, sudo: true })).allowed, true);
  assert.equal(granting({ [path]: 'read sudo' }).isSudo(path), true);
  assert.equal(granting({ [path]: 'read' }).isSudo(path), false);
});

// Rows: rules, path, which rule decides. The capability tells which: each rule has its own.
const PRIORITY: [name: string, paths: Record<string, string>, path: string, capabilities: string][] = [
  ['exact before prefix', { 'a/b': 'read', 'a/*': 'update', '*': 'delete' }, 'a/b', 'read'],
  ['the longest prefix', { 'a/*': 'read', 'a/b/*': 'update', '*': 'delete' }, 'a/b/c', 'update'],
  ['a prefix matches nothing more too', { 'a/*': 'read' }, 'a/', 'read'],
  ['a prefix need not end at a slash', { 'secret/foo*': 'read' }, 'secret/foobar/baz', 'read'],
  ['a prefix does not match less', { 'secret/foo*': 'read' }, 'secret/fo', 'deny'],
  ['a star elsewhere is a star', { 'a*b/c': 'read' }, 'a*b/c', 'read'],
  ['and no pattern', { 'a*b/c': 'read' }, 'axb/c', 'deny'],
  ['+ is one segment', { 'a/+/c': 'read' }, 'a/b/c', 'read'],
  ['+ does not span a slash', { 'a/+/c': 'read' }, 'a/b/b/c', 'deny'],
  ['+ at the end does not span a slash', { 'a/+': 'read' }, 'a/b/c', 'deny'],
  ['+ and * together', { 'secret/+/team*': 'read' }, 'secret/bar/teamb/x', 'read'],
  ['+ within a segment is a plus', { 'a/b+': 'read' }, 'a/bc', 'deny'],
  // The five examples of Vault's documentation of priority, "Policies", section "Priority matching".
  [
    'the later first wildcard (foo/a* before foo/+)',
    { 'foo/a*': 'read', 'foo/+': 'update' },
    'foo/ab',
    'read',
  ],
  [
    'the later first wildcard (+ deeper)',
    { 'foo/bar/+/baz': 'read', 'foo/+/bar/baz': 'update' },
    'foo/bar/bar/baz',
    'read',
  ],
  [
    'not ending in * before ending in it',
    { 'foo/+/bar': 'read', 'foo/+/ba*': 'update' },
    'foo/x/bar',
    'read',
  ],
  ['a + before a * at the same place', { 'foo/+': 'read', 'foo/*': 'update' }, 'foo/x', 'read'],
  ['fewer +', { 'foo/+/b/*': 'read', 'foo/+/+/*': 'update' }, 'foo/a/b/c', 'read'],
  ['a prefix has fewer + than any', { 'foo/*': 'read', 'foo/+/*': 'update' }, 'foo/a/b', 'read'],
  ['a + that is none in a longer text', { 'b/*': 'read', 'b/+a*': 'update' }, 'b/+ab', 'update'],
  ['the longer', { 'foo/+/bar/ba*': 'read', 'foo/+/bar/b*': 'update' }, 'foo/x/bar/bax', 'read'],
  ['the greater, where all else is equal', { 'f/+/b/+': 'read', 'f/+/+/c': 'update' }, 'f/x/b/c', 'read'],
];

for (const [name, paths, path, capabilities] of PRIORITY) {
  test(`priority: ${name}`, () => {
    assert.deepEqual(granting(paths).capabilities(path), capabilities.split(' '));
  });
}

test('lists: a rule with the slash, then one without', () => {
  const list = (paths: Record<string, string>, path: string) =>
    granting(paths).check(ask({ path, verb: 'list' })).allowed;
  assert.equal(list({ 'a/b/': 'list' }, 'a/b/'), true);
  assert.equal(list({ 'a/b': 'list' }, 'a/b/'), true);
  assert.equal(list({ 'a/b': 'list', 'a/b/': 'deny' }, 'a/b/'), false);
  assert.equal(list({ 'a/+': 'list' }, 'a/b/'), true);
  assert.equal(list({ 'a/b*': 'list' }, 'a/b/'), true);
  assert.equal(
    granting({ 'a/b': 'read' }).check(ask({ path: 'a/b/' })).allowed,
    false,
    'only lists fall back',
  );
});

test('security: a denial with a wildcard is not passed by with a list and its slash (CVE-2026-12624, GHSA-xp3c)', () => {
  const denied = granting({ 'secret/metadata/+': 'list', 'secret/metadata/team/*': 'deny' });
  assert.equal(denied.check(ask({ path: 'secret/metadata/team/', verb: 'list' })).allowed, false);
  const plus = granting({ 'secret/*': 'list', 'secret/+/': 'deny' });
  assert.equal(plus.check(ask({ path: 'secret/x/', verb: 'list' })).allowed, false);
});

test('security: the glob of a KV v2 policy gives no delete that it does not name (CVE-2026-3605)', () => {
  const kv = granting({
    'secret/data/*': 'create read update',
    'secret/metadata/*': 'list',
    'secret/delete/*': 'update',
  });
  for (const path of [
    'secret/data/a',
    'secret/metadata/a',
    'secret/delete/a',
    'secret/destroy/a',
    'secret/undelete/a',
  ]) {
    assert.equal(kv.check(ask({ path, verb: 'delete' })).allowed, false, path);
  }
  assert.equal(kv.check(ask({ path: 'secret/destroy/a', verb: 'update', mayCreate: true })).allowed, false);
});

test('security: a denial written with a capital denies the name that is lower-cased (CVE-2026-89322)', () => {
  const rules = granting({
    'auth/UP/users/*': 'update',
    'auth/UP/users/Bob': 'deny',
    'auth/+/users/EVE': 'deny',
  });
  const allowed = (path: string) =>
    rules.check(ask({ path, verb: 'update', lowerCaseBelow: 'auth/UP/' })).allowed;
  assert.equal(allowed('auth/UP/users/alice'), true);
  assert.equal(allowed('auth/UP/users/bob'), false);
  // The `+` comes first in the pattern, so the longer prefix decides, as everywhere.
  assert.equal(allowed('auth/UP/users/eve'), true);
  // What is said of one mount is not said of another whose path differs in case only.
  assert.equal(
    rules.check(ask({ path: 'auth/up/users/alice', verb: 'update', lowerCaseBelow: 'auth/up/' })).allowed,
    false,
  );
  const grants = granting({ 'sys/policies/acl/MyPolicy': 'read', 'sys/policies/+/Other': 'read' });
  assert.equal(
    grants.check(ask({ path: 'sys/policies/acl/mypolicy', lowerCaseBelow: 'sys/' })).allowed,
    true,
  );
  assert.equal(grants.check(ask({ path: 'sys/policies/acl/other', lowerCaseBelow: 'sys/' })).allowed, true);
  assert.equal(grants.check(ask({ path: 'sys/policies/acl/mypolicy' })).allowed, false);
});

test('the same path in several policies: capabilities together, deny wins in either order', () => {
  const read = 'path "a" { capabilities = ["read"] }';
  const write = 'path "a" { capabilities = ["update"] }';
  const deny = 'path "a" { capabilities = ["deny"] }';
  assert.deepEqual(acl(read, write).capabilities('a'), ['read', 'update']);
  for (const texts of [[read, deny], [deny, read], [read, deny, write], [`${read}\n${deny}`]]) {
    assert.deepEqual(acl(...texts).capabilities('a'), ['deny']);
    assert.equal(acl(...texts).check(ask({ path: 'a' })).allowed, false);
  }
  // Rules of different paths are never joined, not even when both match.
  assert.deepEqual(acl(read, 'path "a*" { capabilities = ["update"] }').capabilities('a'), ['read']);
});

test('says which policies grant it', () => {
  const two = acl(
    'path "a" { capabilities = ["read", "create"] }',
    'path "a" { capabilities = ["read", "update"] }',
  );
  assert.deepEqual(two.check(ask({ path: 'a' })).granting, ['p1', 'p2']);
  assert.deepEqual(two.check(ask({ path: 'a', verb: 'update' })).granting, ['p2']);
  assert.deepEqual(two.check(ask({ path: 'a', verb: 'update', mayCreate: true })).granting, ['p1', 'p2']);
  assert.deepEqual(two.check(ask({ path: 'a', verb: 'delete' })).granting, []);
});

test('capabilities are shown as sys/capabilities does', () => {
  const rules = granting({
    a: 'update sudo create read',
    'b/*': 'deny',
    c: 'list',
    'd/+': 'patch scan subscribe',
  });
  assert.deepEqual(rules.capabilities('a'), ['create', 'read', 'sudo', 'update']);
  assert.deepEqual(rules.capabilities('/a'), ['create', 'read', 'sudo', 'update']);
  assert.deepEqual(rules.capabilities('b/x'), ['deny']);
  assert.deepEqual(rules.capabilities('c/'), ['list'], 'as a list would be decided');
  assert.deepEqual(rules.capabilities('d/e'), ['patch', 'scan', 'subscribe']);
  assert.deepEqual(rules.capabilities('nothing'), ['deny']);
  assert.deepEqual(acl('path "e" {}').capabilities('e'), ['deny']);
});

test('root may do everything, and is known by the built-in policy, not by a name', () => {
  const root = compileAcl([ROOT_POLICY]);
  const verdict = root.check(ask({ path: 'sys/raw/x', verb: 'update', mayCreate: true, sudo: true }));
  assert.deepEqual(verdict, { allowed: true, mayCreate: true, mayUpdate: true, granting: ['root'] });
  assert.deepEqual(root.capabilities('x'), ['root']);
  assert.deepEqual(root.resultant(), { root: true });
  assert.equal(root.isSudo('x'), true);
  assert.equal(root.touches('secret/'), true);
  // A stored policy of that name, however it got there, is what its text says.
  for (const name of ['root', 'Root', 'ROOT']) {
    const stored = compileAcl([parsePolicy(name, 'path "a" { capabilities = ["read"] }')]);
    assert.equal(stored.isRoot, false);
    assert.equal(stored.check(ask({ path: 'b' })).allowed, false);
  }
  assert.throws(() => compileAcl([ROOT_POLICY, parsePolicy('x', '')]));
});

test('no policy, or an empty one, allows nothing', () => {
  for (const nothing of [compileAcl([]), acl(''), acl('# nothing\n')]) {
    assert.equal(nothing.check(ask({ path: 'a' })).allowed, false);
    assert.equal(nothing.check(ask({ path: '' })).allowed, false);
    assert.deepEqual(nothing.capabilities('a'), ['deny']);
    assert.equal(nothing.touches('a/'), false);
  }
});

test('default grants what the contract lists, and nothing of the entity that is not there', () => {
  const rules = acl(DEFAULT_POLICY_TEXT);
  const granted: Record<string, string> = {
    'auth/token/lookup-self': 'read',
    'auth/token/renew-self': 'update',
    'auth/token/revoke-self': 'update',
    'sys/capabilities-self': 'update',
    'sys/internal/ui/resultant-acl': 'read',
    'sys/renew': 'update',
    'sys/leases/renew': 'update',
    'sys/leases/lookup': 'update',
    'cubbyhole/x/y': 'create delete list read update',
    'sys/wrapping/wrap': 'update',
    'sys/wrapping/lookup': 'update',
    'sys/wrapping/unwrap': 'update',
    'sys/tools/hash': 'update',
    'sys/tools/hash/sha2-256': 'update',
    'sys/control-group/request': 'update',
    'identity/oidc/provider/default/authorize': 'read update',
    'identity/entity/id/': 'deny',
    'identity/entity/id/{{identity.entity.id}}': 'deny',
    'auth/token/lookup': 'deny',
    'sys/policies/acl/default': 'deny',
    'secret/x': 'deny',
  };
  for (const [path, capabilities] of Object.entries(granted)) {
    assert.deepEqual(rules.capabilities(path), capabilities.split(' '), path);
  }
  const wrapping = compileAcl([RESPONSE_WRAPPING_POLICY]);
  assert.deepEqual(wrapping.capabilities('cubbyhole/response'), ['create', 'read']);
  assert.deepEqual(wrapping.capabilities('sys/wrapping/unwrap'), ['update']);
  assert.deepEqual(wrapping.capabilities('cubbyhole/other'), ['deny']);
});

test('touches: what the UI shows of a mount', () => {
  const cases: [Record<string, string>, string, boolean][] = [
    [{ 'secret/a': 'read' }, 'secret/', true],
    [{ 'secret/a/b*': 'read' }, 'secret/', true],
    [{ 'sec*': 'read' }, 'secret/', true],
    [{ '+/a': 'read' }, 'secret/', true],
    [{ 'secret/+/x': 'read' }, 'secret/', true],
    [{ 'auth/+/login': 'update' }, 'auth/userpass/', true],
    [{ 'auth/+/login': 'update' }, 'secret/', false],
    [{ '+/a*': 'read' }, 'x/abc/', true],
    [{ '+/a*': 'read' }, 'x/b/', false],
    [{ 'secret/a': 'deny' }, 'secret/', false],
    [{ 'secret/+/x': 'deny' }, 'secret/', false],
    [{ secretary: 'read' }, 'secret/', false],
    [{ other: 'read' }, 'secret/', false],
  ];
  for (const [paths, prefix, want] of cases) {
    assert.equal(granting(paths).touches(prefix), want, `${JSON.stringify(paths)} ${prefix}`);
  }
});

test('resultant-acl: exact and glob paths, sorted, with their rules', () => {
  const rules = acl(`
    path "b" { capabilities = ["update", "create"] min_wrapping_ttl = "1s" max_wrapping_ttl = 90
      allowed_parameters = { "Key" = ["x", 1] } denied_parameters = { "no" = [] } required_parameters = ["Key"] }
    path "a/*" { capabilities = ["read"] }
    path "+/c" { capabilities = ["read"] }
    path "a" { capabilities = ["deny"] }`);
  const { root, exact_paths, glob_paths } = rules.resultant();
  assert.equal(root, false);
  assert.deepEqual(
    [...(exact_paths ?? [])],
    [
      [
        'a',
        {
          capabilities: ['deny'],
          min_wrapping_ttl: undefined,
          max_wrapping_ttl: undefined,
          allowed_parameters: undefined,
          denied_parameters: undefined,
          required_parameters: undefined,
        },
      ],
      [
        'b',
        {
          capabilities: ['create', 'update'],
          min_wrapping_ttl: 1,
          max_wrapping_ttl: 90,
          allowed_parameters: new Map([['key', ['x', number('1')]]]),
          denied_parameters: new Map([['no', []]]),
          required_parameters: ['key'],
        },
      ],
    ],
  );
  assert.deepEqual([...(glob_paths?.keys() ?? [])], ['a/']);
});

test('wrapping TTLs: too long, too short, none', () => {
  const rules = acl(
    'path "a" { capabilities = ["read", "delete"] min_wrapping_ttl = "10s" max_wrapping_ttl = "1m" }',
  );
  const allowed = (wrapTtlSeconds: number | undefined, verb: Verb = 'read') =>
    rules.check(ask({ path: 'a', verb, wrapTtlSeconds })).allowed;
  assert.deepEqual(
    [undefined, 9, 10, 60, 61].map((ttl) => allowed(ttl)),
    [false, false, true, true, false],
  );
  assert.deepEqual(
    [undefined, 10].map((ttl) => allowed(ttl, 'delete')),
    [false, true],
  );
  // The smallest of each is taken; where they cross, nothing fits.
  const crossed = acl(
    'path "a" { capabilities = ["read"] min_wrapping_ttl = "1h" }',
    'path "a" { capabilities = ["read"] max_wrapping_ttl = "1m" }',
  );
  for (const ttl of [undefined, 30, 60, 3_600])
    assert.equal(crossed.check(ask({ path: 'a', wrapTtlSeconds: ttl })).allowed, false);
});

test('an ACL that was compiled does not change when it is asked', () => {
  fc.assert(
    fc.property(anyRules, fc.array(anyPath, { maxLength: 6 }), (rules, paths) => {
      const compiled = acl(policyText(rules));
      const before = paths.map((path) => compiled.capabilities(path));
      for (const path of paths) compiled.check(ask({ path, verb: 'update', lowerCaseBelow: 'a/' }));
      assert.deepEqual(
        paths.map((path) => compiled.capabilities(path)),
        before,
      );
    }),
    { numRuns: 50 },
  );
});

test('decides as the plain reading of the contract does', () => {
  fc.assert(
    fc.property(anyRules, anyPath, (rules, path) => {
      const compiled = acl(policyText(rules));
      assert.deepEqual(compiled.capabilities(path), referenceCapabilities(rules, path, true) ?? ['deny']);
      const known = referenceCapabilities(rules, path, false) ?? [];
      for (const verb of ['read', 'update', 'delete', 'patch'] as const) {
        assert.equal(compiled.check(ask({ path, verb })).allowed, known.includes(verb), `${verb} ${path}`);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('the order of policies and rules decides nothing', () => {
  fc.assert(
    fc.property(anyRules, anyPath, fc.integer({ min: 1, max: 3 }), (rules, path, parts) => {
      const one = acl(policyText(rules));
      const split = Array.from({ length: parts }, (_, part) =>
        policyText(rules.filter((_, index) => index % parts === part)),
      );
      assert.deepEqual(acl(...split.toReversed()).capabilities(path), one.capabilities(path));
    }),
    { numRuns: 300 },
  );
});

test('parameters matter to reads, creates, updates and patches only', () => {
  const rules = acl(
    'path "a" { capabilities = ["create", "read", "update", "patch", "delete", "list"] denied_parameters = { "x" = [] } }',
  );
  const allowed = (verb: Verb, mayCreate = false) =>
    rules.check(ask({ path: 'a', verb, mayCreate, fields: fields({ x: '1' }) })).allowed;
  for (const verb of ['read', 'update', 'patch'] as const) assert.equal(allowed(verb), false, verb);
  assert.equal(allowed('update', true), false);
  for (const verb of ['delete', 'list'] as const) assert.equal(allowed(verb), true, verb);
});
