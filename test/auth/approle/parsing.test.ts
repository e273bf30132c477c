import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { metadataOf } from '../../../src/auth/approle/metadata.ts';
import { blocksOf, checkInside } from '../../../src/auth/approle/networks.ts';
import { uuidOf } from '../../../src/auth/approle/uuids.ts';
import { CodedError } from '../../../src/model/errors.ts';

test('metadata is JSON, pairs, or either in base64, as Vault reads it', () => {
  assert.deepEqual(metadataOf(''), {});
  assert.deepEqual(metadataOf(' {"a":"b"} '), { a: 'b' });
  assert.deepEqual(metadataOf('a=b, c = d,e='), { a: 'b', c: 'd', e: '' });
  assert.deepEqual(metadataOf(Buffer.from('{"a":"b"}').toString('base64')), { a: 'b' });
  assert.deepEqual(metadataOf(Buffer.from('a=b').toString('base64')), { a: 'b' });
  for (const text of ['x', 'a=b,c', '=b', 'a=b=c', '{"a":1}', '{"a":{}}', '{', '[]', 'null'])
    assert.throws(() => metadataOf(text), /failed to parse metadata/, text);
});

test('no text of metadata does more than be refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.base64String()), (text) => {
      try {
        for (const value of Object.values(metadataOf(text))) assert.equal(typeof value, 'string');
      } catch (error) {
        assert(error instanceof CodedError, String(error));
      }
    }),
  );
});

test('a member named __proto__ is one like the others', () => {
  const found = metadataOf('{"__proto__":"x"}');
  assert.deepEqual(Object.keys(found), ['__proto__']);
  assert.equal(Object.getPrototypeOf(found), Object.prototype);
});

test('networks are kept as they are written, each with its bits', () => {
  assert.deepEqual(blocksOf(['10.0.0.0/8', '', '::1/128', '10.0.0.1/32']), [
    '10.0.0.0/8',
    '::1/128',
    '10.0.0.1/32',
  ]);
  for (const text of ['10.0.0.1', '10.0.0.0/33', '10.0.0.0/', 'x/8', '10.0.0.0/8/8', '::1/129'])
    assert.throws(() => blocksOf([text]), CodedError, text);
});

test('networks lie inside of others, or of none at all', () => {
  checkInside(['1.2.3.4/32', '::1/128'], []);
  checkInside([], ['10.0.0.0/8']);
  checkInside(['10.0.0.0/8', '10.1.0.0/16', '10.0.0.1/32'], ['11.0.0.0/8', '10.0.0.0/8']);
  checkInside(['10.0.0.1/32'], ['10.0.0.1']);
  checkInside(['fd00::1/128', 'fd00::/64'], ['fd00::/16']);
  for (const [block, outer] of [
    ['10.0.0.0/7', '10.0.0.0/8'],
    ['11.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '10.0.0.1'],
    ['::/0', '0.0.0.0/0'],
    ['0.0.0.0/0', '::/0'],
  ] as const)
    assert.throws(() => checkInside([block], [outer]), /subset/, `${block} in ${outer}`);
});

test('identifiers have the form of UUIDs, and keep all other bits', () => {
  assert.equal(uuidOf(Buffer.alloc(16, 0xff)), 'ffffffff-ffff-4fff-bfff-ffffffffffff');
  assert.equal(uuidOf(Buffer.alloc(32)), '00000000-0000-4000-8000-000000000000');
});
