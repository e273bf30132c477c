/**
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeToken, encodeToken } from '../../../src/auth/token/token-record.ts';
import type { TokenState } from '../../../src/model/caller.ts';
import { tokenState } from '../../support/token-state.ts';

const STATE = tokenState({
  policies: ['default'],
  createdAtMs: 1_700_000_000_000,
  ttl: 60,
  expiresAtMs: 1_700_000_060_000,
});

const text = fc.string({ unit: 'binary' });
const absent = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const always = fc.record({
  parent: absent(text),
  policies: fc.array(text),
  meta: fc.option(
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      text,
      { noNullPrototype: true },
    ),
  ),
  displayName: text,
  usesLeft: absent(fc.nat()),
  numUses: fc.nat(),
  type: fc.constant('service' as const),
  path: text,
  createdAtMs: fc.nat(),
  ttl: fc.nat(),
  expiresAtMs: absent(fc.nat()),
  explicitMaxTtl: fc.nat(),
  period: fc.nat(),
  renewable: fc.boolean(),
  noDefaultPolicy: fc.boolean(),
});
const latin1 = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1'));
const wrapping = fc.record({ path: text, reply: latin1 }, { noNullPrototype: true });
const sometimes = fc.record(
  {
    role: text,
    renewedAtMs: fc.nat(),
    grantedTtl: fc.nat(),
    boundCidrs: fc.array(text),
    issuer: fc.record({ mount: text, name: text }, { noNullPrototype: true }),
    wraps: fc.oneof(fc.record({ path: text }, { noNullPrototype: true }), wrapping),
    dying: fc.constantFrom('tree' as const, 'self' as const, 'orphaning' as const),
    dyingSinceMs: fc.nat(),
  },
  { requiredKeys: [] },
);

test('each state comes back as it was', () => {
  fc.assert(
    fc.property(always, sometimes, (most, more) => {
      const state: TokenState = { ...most, ...more };
      assert.deepEqual(decodeToken(encodeToken(state)), state);
    }),
  );
});

test('a state as stores of format 3 hold it is read as it is', () => {
  const state = { ...STATE, issuer: { mount: 'm', name: 'n' }, renewedAtMs: 1_700_000_010_000 };
  assert.deepEqual(decodeToken(Buffer.from(JSON.stringify(state))), JSON.parse(JSON.stringify(state)));
});

test('another form, or none, is refused', () => {
  assert.throws(() => decodeToken(Buffer.from('[2,[]]')), /does not know/);
  assert.throws(() => decodeToken(Buffer.from('')));
});

test('a token of a usual login takes less than half of what its names would', () => {
  const state = { ...STATE, issuer: { mount: '5b0a4a52-7f0d-4e3c-8b1a-2f3e4d5c6b7a', name: 'web' } };
  assert(encodeToken(state).length * 2 < JSON.stringify(state).length);
});
