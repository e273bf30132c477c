/** @module */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonNumber, RawJson } from '../../src/model/json.ts';
import { BadValue, packValue, unpackValue } from '../../src/model/value-codec.ts';

const back = (value: unknown): unknown => unpackValue(packValue(value));

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, -0, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53),
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.string().map((text) => new JsonNumber(text)),
  fc.string().map((text) => new RawJson(text)),
);

const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie('value')),
    fc.array(fc.tuple(fc.string(), tie('value'))).map((entries) => new Map(entries)),
    fc.dictionary(fc.string(), tie('value')).map((object) => ({ ...object })),
  ),
}));

test('any value comes out as it went in', () => {
  fc.assert(fc.property(anything, (value) => assert.deepStrictEqual(back(value), value)));
});

test('names and texts of all kinds survive', () => {
  const own = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}') as object;
  assert.deepStrictEqual(back(own), own);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  for (const text of ['\ud800', 'é'.repeat(63), 'é'.repeat(64), '€'.repeat(63), 'x'.repeat(200_000), '']) {
    assert.equal(back(text), text);
  }
});

test('what comes out shares no memory with what came in, and is a Buffer', () => {
  const bytes = packValue({ key: new Uint8Array([1, 2, 3]) });
  const { key } = unpackValue(bytes) as { key: Buffer };
  bytes.fill(0);
  assert.deepEqual([...key], [1, 2, 3]);
  assert(Buffer.isBuffer(key));
});

test('what has a class of its own, and what holds itself, is refused, and the next value is encoded all the same', () => {
  class Secret {
    readonly text = 'hidden';
  }
  const loop: unknown[] = [];
  loop.push(loop);
  for (const bad of [
    new Secret(),
    new Date(),
    new Set(),
    () => 1,
    Symbol('s'),
    loop,
    new RawJson('\ud800'),
  ]) {
    assert.throws(() => packValue([1, bad]), TypeError);
    assert.deepStrictEqual(back([1, 2]), [1, 2]);
  }
});

test('bytes that are no encoding are refused or are a value, and never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        unpackValue(bytes);
      } catch (error) {
        assert(error instanceof BadValue, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('an encoding that is cut off or goes on is refused', () => {
  fc.assert(
    fc.property(anything, fc.nat(), (value, cut) => {
      const bytes = packValue(value);
      assert.throws(() => unpackValue(bytes.subarray(0, cut % bytes.length)), BadValue);
      assert.throws(() => unpackValue(Buffer.concat([bytes, Buffer.of(1)])), BadValue);
    }),
  );
});

test('a short text cannot claim to have a billion members, nor nest without end', () => {
  assert.throws(() => unpackValue(Buffer.of(11, 0xff, 0xff, 0xff, 0xff, 7)), BadValue);
  assert.throws(() => unpackValue(Buffer.alloc(10_000, Buffer.of(11, 1))), BadValue);
});
