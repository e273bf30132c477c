/** Integers and durations as Vault decodes them (contract §1.9; each case asked of OpenBao 2.7.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, JsonNumber } from '../../src/model/json.ts';
import { TEXT_ITEMS_MAX } from '../../src/model/limits.ts';
import {
  commaInts,
  commaStrings,
  decodeParams,
  duration,
  int,
  string,
  toInt,
} from '../../src/model/params.ts';

const number = (text: string) => new JsonNumber(text);

test('what is an integer', () => {
  const cases: [Json, number][] = [
    [number('5'), 5],
    [number('-5'), -5],
    ['5', 5],
    ['+5', 5],
    ['0x10', 16],
    ['-0x10', -16],
    ['010', 8],
    ['0b11', 3],
    ['0', 0],
    ['', 0],
    [null, 0],
    [true, 1],
    [false, 0],
  ];
  for (const [json, expected] of cases) assert.equal(toInt(json), expected, JSON.stringify(json));
});

test('what is not', () => {
  const cases: Json[] = [
    number('5.0'),
    number('5.5'),
    number('1e1'),
    number('9007199254740993'),
    '5.0',
    '1e1',
    'abc',
    '0x',
    '5 6',
    [],
    new Map(),
  ];
  for (const json of cases) assert.throws(() => toInt(json), Error, JSON.stringify(json));
});

test('a list of integers, or one text of them; null is none', () => {
  const declared = { versions: commaInts('Numbers.'), limit: int('A number.', { absent: 7 }) };
  const decode = (versions: Json) => decodeParams(declared, new Map([['versions', versions]])).versions;
  assert.deepEqual(decode([number('1'), '2']), [1, 2]);
  assert.deepEqual(decode('1, 2'), [1, 2]);
  assert.deepEqual(decode(number('3')), [3]);
  assert.deepEqual(decode(null), []);
  assert.deepEqual(decode(''), []);
  assert.throws(() => decode([number('1.5')]), /Field validation failed: .*"versions"/);
  assert.equal(decodeParams(declared, new Map()).limit, 7);
  assert.equal(decodeParams(declared, new Map([['limit', null]])).limit, 0);
});

test('a list that is one text has so many items and no more', () => {
  const declared = { names: commaStrings('Names.', { absent: [] }) };
  const decode = (text: string) => decodeParams(declared, new Map([['names', text]])).names;
  assert.equal(decode(','.repeat(TEXT_ITEMS_MAX - 1)).length, TEXT_ITEMS_MAX);
  assert.throws(() => decode(','.repeat(TEXT_ITEMS_MAX)), { status: 400, message: /at most 100000 items/ });
});

test('texts of any length are a duration or none, and no error of JavaScript’s own is shown to anybody', () => {
  assert.deepEqual(decodeParams({ a: duration('') }, new Map([['a', '1h30m']])), { a: 5_400 });
  for (const text of ['1h'.repeat(3_000_000), '9'.repeat(1_000), `${' '.repeat(90)}1h`.repeat(2)]) {
    assert.throws(() => decodeParams({ a: duration('') }, new Map([['a', text]])), {
      status: 400,
      message:
        /^Field validation failed: error converting input for field "a": (duration out of range|expected a duration)/,
    });
  }
  const broken = {
    ...string(''),
    decode: () => {
      throw new SyntaxError('unexpected token "secret"');
    },
  };
  assert.throws(() => decodeParams({ a: broken }, new Map([['a', 'secret']])), SyntaxError);
});
