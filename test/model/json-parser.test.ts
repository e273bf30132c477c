/**
 * The bounded JSON parser against RFC 8259, against V8's parser, and against bodies made to hurt.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { CodedError } from '../../src/model/errors.ts';
import { type Json, JsonNumber } from '../../src/model/json.ts';
import { decodeUtf8, parseJson, parseJsonWithin } from '../../src/model/json-parser.ts';

/** What `JSON.parse` would have made, so that the two can be compared. */
function plain(json: Json): unknown {
  if (json instanceof JsonNumber) return Number(json.text);
  if (Array.isArray(json)) return json.map(plain);
  if (!(json instanceof Map)) return json;
  return Object.fromEntries([...json].map(([key, value]) => [key, plain(value)]));
}

function refusal(input: Uint8Array | string, limits?: { depthMax: number; valuesMax: number }): string {
  try {
    parseJson(input, limits);
  } catch (error) {
    assert(error instanceof CodedError, String(error));
    assert.equal(error.status, 400);
    return error.message;
  }
  assert.fail('was taken');
}

test('keeps the text of numbers, and __proto__, constructor and 10 as keys like others, in their order', () => {
  const json = parseJson('{"b":1.0,"10":1e3,"__proto__":{"x":12345678901234567890},"constructor":-0}');
  assert(json instanceof Map);
  assert.deepEqual([...json.keys()], ['b', '10', '__proto__', 'constructor']);
  assert.deepEqual(json.get('b'), new JsonNumber('1.0'));
  assert.deepEqual(
    (json.get('__proto__') as Map<string, Json>).get('x'),
    new JsonNumber('12345678901234567890'),
  );
});

test('the last of equal keys wins, as in Go', () => {
  assert.deepEqual(
    parseJson('{"a":1,"b":2,"a":{"c":3}}'),
    new Map<string, Json>([
      ['a', new Map([['c', new JsonNumber('3')]])],
      ['b', new JsonNumber('2')],
    ]),
  );
});

test('agrees with JSON.parse on every valid document', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.boolean(), (value, indented) => {
      const text = JSON.stringify(value, null, indented ? '\t' : undefined);
      const expected = JSON.parse(text);
      assert.deepEqual(plain(parseJson(text)), expected);
      assert.deepEqual(plain(parseJson(Buffer.from(text))), expected);
    }),
  );
});

/** Texts near JSON: cut from its tokens, and valid documents with one place changed. */
const nearJson = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        ...[
          '{',
          '}',
          '[',
          ']',
          ',',
          ':',
          '"',
          '"a"',
          '\\',
          '"\\u00e9"',
          '"\\ud83d"',
          '"\\x"',
          '\\u12',
          '0',
          '01',
          '-',
          '1.',
          '1.5e+3',
        ],
        ...[
          '.5',
          'e',
          'E9',
          'true',
          'nul',
          'null',
          'false',
          ' ',
          '\n',
          '\t',
          '\f',
          '\u00a0',
          '\ufeff',
          '\u0000',
          '//',
          "'",
          'NaN',
          '+1',
          '"\n"',
          '"\u007f\u2028"',
        ],
      ),
      { maxLength: 9 },
    )
    .map((tokens) => tokens.join('')),
  fc
    .tuple(fc.jsonValue({ maxDepth: 3 }), fc.nat(), fc.nat(2), fc.string({ maxLength: 2 }))
    .map(([value, at, cut, put]) => {
      const text = JSON.stringify(value);
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + cut);
    }),
);

test('refuses exactly what JSON.parse refuses', () => {
  const count = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(nearJson, (text) => {
      let expected: unknown;
      try {
        expected = JSON.parse(text.toWellFormed());
      } catch {
        count.refused++;
        refusal(text);
        return;
      }
      count.taken++;
      assert.equal(JSON.stringify(plain(parseJson(text))), JSON.stringify(wellFormed(expected)));
    }),
    { numRuns: 5_000 },
  );
  assert(count.taken > 300 && count.refused > 300, JSON.stringify(count));
});

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k.toWellFormed(), wellFormed(v)]));
}

test('random bytes make a value or a CodedError, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        parseJson(bytes);
      } catch (error) {
        assert(error instanceof CodedError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('each byte that is not UTF-8, and each lone surrogate escape, becomes one U+FFFD, as in Go', () => {
  const inString = (...bytes: number[]) => parseJson(Uint8Array.from([0x22, ...bytes, 0x22]));
  assert.equal(inString(0xff), '\ufffd');
  assert.equal(inString(0xe2, 0x82), '\ufffd\ufffd');
  assert.equal(inString(0xe2, 0x82, 0xac, 0xc0, 0x80), '€\ufffd\ufffd');
  assert.equal(inString(0xed, 0xa0, 0x80), '\ufffd\ufffd\ufffd');
  assert.equal(inString(0xf5, 0x41), '\ufffdA');
  assert.equal(inString(0xe0, 0x80, 0x80, 0xf4, 0x90, 0x80, 0x80), '\ufffd'.repeat(7));
  assert.equal(inString(0xf0, 0x9f, 0x98, 0x41, 0xf8, 0x80), '\ufffd\ufffd\ufffdA\ufffd\ufffd');
  assert.equal(parseJson('"\\ud800"'), '\ufffd');
  assert.equal(parseJson('"\\ud800\\ud83d\\ude00\\u0041"'), '\ufffd😀A');
});

test('valid sequences among broken ones are decoded as usual', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 5 }), fc.constant(null))),
      (parts) => {
        const bytes = Buffer.concat(
          parts.map((part) => (part === null ? Buffer.from([0xff]) : Buffer.from(part))),
        );
        const expected = parts.map((part) => (part === null ? '\ufffd' : part.toWellFormed())).join('');
        assert.equal(decodeUtf8(bytes), expected);
      },
    ),
  );
});

test('a byte order mark, text after the value, and nothing at all are refused', () => {
  refusal(Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]));
  refusal('{} x');
  refusal('{}{}');
  refusal('');
  refusal(' \n');
});

test('an error tells a position and nothing of the input', () => {
  for (const text of [
    '{"k":"canary',
    '{"canary" 1}',
    '["canary\\q"]',
    '["\ncanary"]',
    'canary',
    '[canary]',
    '{"a":1} canary',
  ]) {
    const message = refusal(text);
    assert.match(message, /^failed to parse JSON input: unexpected (end|character at position \d+)$/);
  }
});

test('depth: as many levels as allowed, not one more, closed or not', () => {
  const limits = { depthMax: 500, valuesMax: 1_000_000 };
  assert.doesNotThrow(() => parseJson('['.repeat(500) + ']'.repeat(500), limits));
  assert.doesNotThrow(() => parseJson(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`, limits));
  assert.match(refusal('['.repeat(501) + ']'.repeat(501), limits), /nested deeper than 500$/);
  assert.match(refusal(`${'{"a":'.repeat(501)}1${'}'.repeat(501)}`, limits), /nested deeper than 500$/);
  assert.match(refusal('['.repeat(1_000_000)), /nested deeper than 500$/);
});

test('a limit set far too high still overflows no stack', () => {
  const deep = 1_000_000;
  assert.doesNotThrow(() =>
    parseJson('['.repeat(deep) + ']'.repeat(deep), { depthMax: deep, valuesMax: deep }),
  );
});

test('a million values, not one more; scalars, empty lists and objects count alike', () => {
  const list = (item: string, count: number) => `[${Array(count).fill(item).join()}]`;
  assert.doesNotThrow(() => parseJson(list('1', 999_999)));
  assert.match(refusal(list('1', 1_000_000)), /more than 1000000 values$/);
  for (const item of ['""', '[]', '{}', '{"a":1}']) {
    assert.match(refusal(list(item, 10), { depthMax: 9, valuesMax: 10 }), /more than 10 values$/);
  }
});

/** Shapes for which a careless scanner takes quadratic time; 2 MiB of each would take it minutes. */
const shapes: Record<string, (count: number) => string> = {
  escapes: (n) => `["${'\\n'.repeat(n)}"]`,
  'escaped quotes': (n) => `["${'\\"'.repeat(n)}"]`,
  'short strings, one backslash at the end': (n) => `[${'"a",'.repeat(n / 8)}"\\n"]`,
  'backslashes in every string': (n) => `[${'"\\\\",'.repeat(n / 8)}1]`,
  blanks: (n) => `${' '.repeat(n)}1${' '.repeat(n)}`,
  'one long number': (n) => '1'.repeat(n),
  keys: (n) => `{${Array.from({ length: n / 32 }, (_, i) => `"a key number ${i}":0`).join()}}`,
};
for (const [name, make] of Object.entries(shapes)) {
  test(`linear time: ${name}`, () => {
    const text = make(2 * 1024 * 1024);
    const started = performance.now();
    parseJson(text);
    assert(performance.now() - started < 5_000);
  });
}

test('a short string taken from a large body does not keep the body alive', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept: Json[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 100; i++) {
    const body = Buffer.from(`{"a string to keep":"a string to keep ${i}","x":"${'x'.repeat(256 * 1024)}"}`);
    kept.push((parseJson(body) as Map<string, Json>).get('a string to keep')!);
  }
  collect();
  assert(process.memoryUsage().heapUsed - before < 10 * 1024 * 1024);
  assert.equal(kept.length, 100);
});

test('what a value takes in memory is bounded while it is parsed, not after', () => {
  const limits = { depthMax: 500, valuesMax: 1_000_000 };
  for (const [text, atLeast, atMost] of [
    ['{}', 100, 300],
    [`[${'[],'.repeat(999)}[]]`, 100_000, 300_000],
    [`[${'1,'.repeat(999)}1]`, 30_000, 100_000],
    [`{${Array.from({ length: 1_000 }, (_, i) => `"${i}":""`).join(',')}}`, 60_000, 200_000],
  ] as const) {
    const { value, memory } = parseJsonWithin(text, limits, atMost);
    assert.deepEqual(value, parseJson(text));
    assert(memory >= atLeast && memory <= atMost, `${text.slice(0, 20)}: ${memory}`);
    parseJsonWithin(text, limits, memory);
    assert.throws(() => parseJsonWithin(text, limits, memory - 1), { code: 'overloaded' });
  }
  // Refused where it goes too far: the rest, which is no JSON, was not looked at.
  assert.throws(() => parseJsonWithin(`${'['.repeat(400)}?`, limits, 10_000), { code: 'overloaded' });
});
