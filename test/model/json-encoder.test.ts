/**
 * The JSON encoder against Go's encoding/json: its escapes, its order of keys, its numbers.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Json, JsonNumber, RawJson } from '../../src/model/json.ts';
import { compareUtf8, encodeOrdered, encodeSorted, encodeString } from '../../src/model/json-encoder.ts';
import { parseJson } from '../../src/model/json-parser.ts';

test('escapes as Go does: <, >, &, U+2028, U+2029, control characters; not DEL, not /', () => {
  assert.equal(
    encodeString('<a href="x">&</a>\\'),
    '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u003c/a\\u003e\\\\"',
  );
  assert.equal(encodeString('\b\f\n\r\t\u0000\u000b\u001f'), '"\\b\\f\\n\\r\\t\\u0000\\u000b\\u001f"');
  assert.equal(encodeString('\u2028\u2029\u007f\u00e9😀'), '"\\u2028\\u2029\u007f\u00e9😀"');
  assert.equal(encodeString('a\ud800b'), '"a\ufffdb"');
});

test('numbers as Go writes float64 and int64', () => {
  const numbers = [0, -1, 2764800, 1.5, 1e20, 1e21, 1e-6, 1e-7, 123456789012345680000, 5e-324, -1.25e-9];
  assert.equal(
    encodeSorted(numbers),
    '[0,-1,2764800,1.5,100000000000000000000,1e+21,0.000001,1e-7,123456789012345680000,5e-324,-1.25e-9]',
  );
  assert.equal(encodeSorted(2n ** 63n - 1n), '9223372036854775807');
  assert.throws(() => encodeSorted(Number.NaN), /no such number/);
});

test('texts of numbers and ready JSON go out as they are; undefined members are left out', () => {
  assert.equal(
    encodeSorted({
      n: new JsonNumber('1.0'),
      raw: new RawJson('{"z":1,"a":2}'),
      none: undefined,
      list: [undefined, null, true],
    }),
    '{"list":[null,null,true],"n":1.0,"raw":{"z":1,"a":2}}',
  );
});

test('encodeSorted sorts at every level, Maps and plain objects alike; encodeOrdered keeps the order', () => {
  const value = {
    b: new Map<string, Json>([
      ['10', null],
      [
        '9',
        new Map([
          ['d', 'x'],
          ['c', 'y'],
        ]),
      ],
    ]),
    a: [{ z: 1, y: 2 }],
  };
  assert.equal(encodeSorted(value), '{"a":[{"y":2,"z":1}],"b":{"10":null,"9":{"c":"y","d":"x"}}}');
  assert.equal(encodeOrdered(value), '{"b":{"10":null,"9":{"d":"x","c":"y"}},"a":[{"z":1,"y":2}]}');
});

test('keys sort by UTF-8 bytes, where UTF-16 order would put 😀 before U+FF01', () => {
  assert.equal(
    encodeSorted({ '😀': 1, '\uff01': 2, z: 3, é: 4, '': 5 }),
    '{"":5,"z":3,"é":4,"\uff01":2,"😀":1}',
  );
  const text = fc.string({ unit: 'binary', maxLength: 4 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(compareUtf8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

/** Any `Json`, whose numbers may be written in every way and whose keys are any text. */
const anyJson = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
    fc
      .constantFrom('1.0', '-0', '1e3', '12345678901234567890', '1.50E+07')
      .map((text) => new JsonNumber(text)),
    fc.array(tie('json'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.string({ unit: 'grapheme' }), tie('json')), { maxLength: 4 })
      .map((members) => new Map(members)),
  ),
})).json;

test('parse ∘ encode is the identity, in the order given or sorted', () => {
  fc.assert(
    fc.property(anyJson, (json) => {
      // deepEqual does not look at the order of a Map; the text does.
      assert.deepEqual(parseJson(encodeSorted(json)), json);
      assert.equal(encodeOrdered(parseJson(encodeOrdered(json))), encodeOrdered(json));
      assert.equal(encodeOrdered(parseJson(encodeSorted(json))), encodeSorted(json));
    }),
  );
});
