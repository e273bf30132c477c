import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLarge, isTime, writeData, writeLargeData } from '../../src/audit/data-writer.ts';
import { type Encodable, JsonNumber, RawJson } from '../../src/model/json.ts';
import { encodeSorted } from '../../src/model/json-encoder.ts';

const mark = (text: string): string => `#${text.length}`;

test('strings are hidden at any depth; names, numbers, booleans and null are not', () => {
  const data: Encodable = new Map<string, Encodable>([
    ['who', 'secret'],
    ['list', ['secret', new JsonNumber('1.0'), true, null, ['secret']]],
    ['deep', { under: new Map([['__proto__', 'secret']]), left: undefined, count: 5, big: 10n }],
  ]);
  assert.equal(
    writeData(data, mark),
    '{"deep":{"big":10,"count":5,"under":{"__proto__":"#6"}},"list":["#6",1.0,true,null,["#6"]],"who":"#6"}',
  );
});

test('raw JSON is looked into', () => {
  assert.equal(
    writeData({ a: new RawJson('{"x":"secret","n":1e3,"e":""}') }, mark),
    '{"a":{"e":"#0","n":1e3,"x":"#6"}}',
  );
});

test('the innermost name is told: that of the member, or of the list it stands in', () => {
  const names: string[] = [];
  writeData({ a: 'v', l: ['v', ['v'], { b: 'v' }] }, (text, name) => {
    names.push(name);
    return text;
  });
  assert.deepEqual(names, ['a', 'l', 'l', 'b']);
});

test('RFC 3339 times stay readable, as in Vault', () => {
  const times = [
    '2026-11-22T03:44:35.614803556Z',
    '2020-01-01T00:00:00Z',
    '2024-02-29T23:59:59+14:00',
    '2000-02-29T00:00:00Z',
  ];
  assert.equal(writeData(times, mark), JSON.stringify(times));
});

const NO_TIMES = [
  '2023-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2020-13-01T00:00:00Z',
  '2020-00-01T00:00:00Z',
  '2020-01-00T00:00:00Z',
  '2020-04-31T00:00:00Z',
  '2020-01-01T24:00:00Z',
  '2020-01-01T00:60:00Z',
  '2020-01-01T00:00:60Z',
  '2020-01-01 00:00:00Z',
  '2020-01-01T00:00:00',
  '2020-01-01T00:00:00Z ',
  // A secret of digits would pass as a fraction.
  '2020-01-01T00:00:00.4929384756102938475Z',
];
for (const text of NO_TIMES)
  test(`is hidden, being no time: ${text}`, () => assert.equal(isTime(text), false));

const encodable: fc.Memo<Encodable> = fc.memo((depth) =>
  depth <= 1
    ? fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null))
    : fc.oneof(
        encodable(1),
        fc.array(encodable(depth - 1), { maxLength: 4 }),
        fc
          .array(fc.tuple(fc.string({ unit: 'binary' }), encodable(depth - 1)), { maxLength: 4 })
          .map((m) => new Map(m)),
      ),
);

test('property: with nothing hidden it is what the encoder writes; in slices or at once', async () => {
  await fc.assert(
    fc.asyncProperty(encodable(4), async (value) => {
      const same = (text: string): string => text;
      assert.equal(writeData(value, same), encodeSorted(value));
      assert.equal(await writeLargeData(value, same), encodeSorted(value));
    }),
  );
});

test('nesting does not use up the stack', () => {
  let nested: Encodable = 'secret';
  for (let i = 0; i < 100_000; i++) nested = [nested];
  assert.equal(writeData(nested, mark).length, 200_000 + 4);
});

test('200,000 strings are large, and writing them leaves turns to others', async () => {
  const data = Array.from({ length: 200_000 }, (_, i) => `value ${i}`);
  assert.equal(isLarge(data), true);
  let turns = 0;
  let done = false;
  const others = (): void => {
    turns += 1;
    if (!done) setImmediate(others);
  };
  setImmediate(others);
  // About a microsecond each, as a hash takes.
  const busy = (text: string): string => {
    const until = performance.now() + 0.000_5;
    while (performance.now() < until);
    return text;
  };
  await writeLargeData(data, busy);
  done = true;
  assert.ok(turns > 5, `${turns} turns`);
});

test('what is large: many values, long strings, names, numbers and raw text', () => {
  assert.equal(isLarge({ a: 'b', c: [1, 2, 3] }), false);
  assert.equal(isLarge(new Map([['a', 'x'.repeat(300)]])), false);
  assert.equal(isLarge({ a: 'x'.repeat(2_000_000) }), true);
  assert.equal(isLarge({ ['x'.repeat(2_000_000)]: 1 }), true);
  assert.equal(isLarge(new Map([['x'.repeat(2_000_000), 1]])), true);
  assert.equal(isLarge({ a: new JsonNumber('1'.repeat(2_000_000)) }), true);
  assert.equal(isLarge({ a: new RawJson(`"${'x'.repeat(100_000)}"`) }), true);
  assert.equal(isLarge(new Map(Array.from({ length: 3_000 }, (_, i) => [`${i}`, 0]))), true);
});
