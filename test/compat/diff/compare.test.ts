/** @module What counts as a difference between two servers' answers, and what is only another run. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ABSENT, compareReplies } from './compare.ts';
import { normalise } from './normalise.ts';

function differences(bao: unknown, ours: unknown, { status = 200, headers = {}, shapeOnly = false } = {}) {
  const side = (body: unknown, statusOf: number, headersOf: object) => ({
    reply: { status: statusOf, headers: { ...headersOf }, body, text: JSON.stringify(body) ?? '' },
    body: normalise(JSON.stringify(body) ?? '', new Map()),
  });
  return compareReplies(side(bao, 200, {}), side(ours, status, headers), shapeOnly);
}

test('equal answers have no differences', () => {
  assert.deepEqual(differences({ data: { a: [1, null, 'x'] } }, { data: { a: [1, null, 'x'] } }), []);
});

test('status, a header, a value, and a key that is not there are differences', () => {
  assert.deepEqual(differences({}, {}, { status: 404 }), [{ where: 'status', bao: 200, ours: 404 }]);
  assert.deepEqual(differences({}, {}, { headers: { allow: 'GET' } }), [
    { where: 'header allow', bao: ABSENT, ours: 'GET' },
  ]);
  assert.deepEqual(differences({ a: { 'b/c': 1 } }, { a: { 'b/c': 2 } }), [
    { where: '/a/b~1c', bao: 1, ours: 2 },
  ]);
  assert.deepEqual(differences({ a: null }, {}), [{ where: '/a', bao: null, ours: ABSENT }]);
  assert.deepEqual(differences({ a: null }, { a: {} }), [{ where: '/a', bao: null, ours: {} }]);
  assert.deepEqual(differences({ a: '1' }, { a: 1 }), [{ where: '/a', bao: '1', ours: 1 }]);
  assert.deepEqual(differences({ a: [1] }, { a: [1, 2] }), [{ where: '/a', bao: [1], ours: [1, 2] }]);
});

test('a body that is not JSON is compared as text', () => {
  const plain = (text: string) => ({
    reply: { status: 200, headers: {}, body: undefined, text },
    body: undefined,
  });
  assert.deepEqual(compareReplies(plain('a'), plain('b'), false), [{ where: 'body', bao: 'a', ours: 'b' }]);
  assert.deepEqual(compareReplies(plain('a'), plain('a'), false), []);
});

test('key order counts in the envelope and in data', () => {
  assert.equal(differences({ a: 1, b: 2 }, { b: 2, a: 1 })[0]?.where, 'key order');
  assert.equal(
    differences({ request_id: 1, data: { a: 1, b: 2 } }, { request_id: 1, data: { b: 2, a: 1 } })[0]?.where,
    'key order',
  );
});

test('what changes from run to run is no difference', () => {
  const body = (n: number) => ({
    request_id: `7b5a4a0e-0000-4000-8000-00000000000${n}`,
    ttl: 3600 - n,
    creation_time: 1_700_000_000 + n,
    created_time: `2026-11-22T03:51:38.12345678${n}Z`,
    accessor: `AbCdEfGhIjKlMnOpQrStUvW${n}`,
    mount: `kv_0123456${n}`,
    text: `hmac-sha256:${String(n).repeat(64)}`,
  });
  assert.deepEqual(differences(body(1), body(2)), []);
});

test('tokens of either family are the same word, saved values are their names', () => {
  assert.equal(
    normalise('s.AbCdEfGhIjKlMnOpQrStUvWx', new Map()),
    normalise('hvs.AbCdEfGhIjKlMnOpQrStUvWx', new Map()),
  );
  assert.deepEqual(normalise('{"id":"abc"}', new Map([['mine', 'abc']])), { id: '<mine>' });
});

test('the text of a number counts', () => {
  assert.notDeepEqual(
    normalise('[12345678901234567890]', new Map()),
    normalise('[12345678901234567000]', new Map()),
  );
  assert.notDeepEqual(normalise('[1.10]', new Map()), normalise('[1.1]', new Map()));
});

test('of a shape, only statuses, keys and kinds count', () => {
  assert.deepEqual(differences({ a: 1, b: 'x' }, { a: 2, b: 'y' }, { shapeOnly: true }), []);
  assert.deepEqual(differences({ a: 1 }, { a: '1' }, { shapeOnly: true }), [
    { where: '/a', bao: 'number', ours: 'string' },
  ]);
});
