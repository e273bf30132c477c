import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ETCD_MESSAGES } from '../../src/storage/etcd-messages.ts';
import { decodeMessage, encodeMessage, type Messages } from '../../src/storage/protobuf.ts';

const MESSAGES: Messages = {
  Test: {
    a: [1, 'int'],
    b: [2, 'string'],
    c: [3, { message: 'Test' }],
    f: [6, 'bool'],
    list: [20, { message: 'Test' }, 'list'],
    raw: [21, 'bytes'],
    kind: [22, ['ZERO', 'ONE']],
  },
};
const encode = (value: object) => encodeMessage(MESSAGES, 'Test', value);
const decode = (bytes: Buffer) => decodeMessage(MESSAGES, 'Test', bytes);

test('the examples of the encoding guide: a number, a string, a message within one', () => {
  assert.equal(encode({ a: 150 }).toString('hex'), '089601');
  assert.equal(encode({ b: 'testing' }).toString('hex'), '120774657374696e67');
  assert.equal(encode({ c: { a: 150 } }).toString('hex'), '1a03089601');
  assert.deepEqual(decode(Buffer.from('1a03089601', 'hex')), { c: { a: '150' } });
});

test('numbers of all sizes, negative ones as ten bytes', () => {
  for (const number of ['0', '127', '128', '16384', '9007199254740993', '9223372036854775807', '-1']) {
    assert.deepEqual(decode(encode({ a: number })), { a: number });
  }
  assert.equal(encode({ a: -1 }).length, 11);
});

const tree = fc.letrec((tie) => ({
  node: fc.record(
    {
      a: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      b: fc.string({ unit: 'grapheme' }),
      c: fc.oneof({ maxDepth: 3 }, fc.constant({}), tie('node')),
      f: fc.boolean(),
      list: fc.array(fc.oneof({ maxDepth: 3 }, fc.constant({}), tie('node')), { minLength: 1, maxLength: 3 }),
      raw: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      kind: fc.constantFrom('ZERO', 'ONE'),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
})).node as fc.Arbitrary<object>;

test('what goes in comes out', () => {
  fc.assert(fc.property(tree, (value) => assert.deepEqual(decode(encode(value)), value)));
});

test('a message that is cut, or any bytes at all, is read or refused, and never beyond its end', () => {
  fc.assert(
    fc.property(tree, fc.nat(), (value, cut) => {
      const bytes = encode(value);
      try {
        decode(bytes.subarray(0, cut % (bytes.length + 1)));
      } catch (error) {
        assert.match((error as Error).message, /ends within|another type/);
      }
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeMessage(ETCD_MESSAGES, 'TxnResponse', Buffer.from(bytes));
      } catch (error) {
        assert.match((error as Error).message, /ends within|another type/);
      }
    }),
  );
});

test('fields that nobody knows are passed by, of every wire type', () => {
  const unknown = ['50ffffffffffffffffff01', '510102030405060708', '5203010203', '5d01020304'].join('');
  assert.deepEqual(decode(Buffer.from(`089601${unknown}1200`, 'hex')), { a: '150', b: '' });
});
