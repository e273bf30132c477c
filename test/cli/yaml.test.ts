import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeJson } from '../../src/cli/go-json.ts';
import { compareNaturally, encodeYaml } from '../../src/cli/yaml.ts';
import type { JsonMap } from '../../src/model/json.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, 'vectors', name), 'utf8');

test('writes what `bao read -format=yaml` 2.7.2 wrote of the same data', () => {
  assert.deepEqual(
    encodeYaml(decodeJson(read('yaml.json'))).split('\n'),
    read('yaml.txt').trimEnd().split('\n'),
  );
});

test('single values', () => {
  assert.equal(encodeYaml('plain'), 'plain');
  assert.equal(encodeYaml(''), '""');
  assert.equal(encodeYaml([]), '[]');
  assert.equal(encodeYaml(new Map()), '{}');
  assert.equal(encodeYaml(null), 'null');
  assert.equal(encodeYaml(['a', 'b']), '- a\n- b');
});

test('what would not be read back as it is, is escaped: line separators, a byte order mark', () => {
  assert.equal(encodeYaml('a\u2028b'), '"a\\Lb"');
  assert.equal(encodeYaml('a\u0085b'), '"a\\Nb"');
  assert.equal(encodeYaml('\ufeffa'), '"\\uFEFFa"');
});

test('keys come in natural order', () => {
  const keys = ['k10', 'k9', 'K1', 'a', '10', '9', 'k1_b', 'k', '_x'];
  assert.deepEqual(keys.sort(compareNaturally), ['_x', '9', '10', 'K1', 'a', 'k', 'k1_b', 'k9', 'k10']);
});

/** A reader for what the writer writes: block mappings and lists, the four kinds of scalars. Enough to see that nothing is lost. */
function readScalar(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (!text.startsWith('"')) return text;
  const inner = text.slice(1, -1);
  const names: Record<string, string> = {
    0: '\0',
    a: '\x07',
    b: '\b',
    t: '\t',
    n: '\n',
    v: '\v',
    f: '\f',
    r: '\r',
    e: '\x1b',
    N: '\u0085',
    L: '\u2028',
    P: '\u2029',
  };
  return inner.replace(/\\(?:x(..)|u(....)|U(........)|(.))/g, (_all, x, u, U, char) =>
    char === undefined ? String.fromCodePoint(Number.parseInt(x ?? u ?? U, 16)) : (names[char] ?? char),
  );
}

test('no text on one short line is lost or taken for something else', () => {
  const text = fc.string({ maxLength: 40, unit: 'binary' }).filter((value) => value.isWellFormed());
  fc.assert(
    fc.property(text, (value) => {
      const map: JsonMap = new Map([['k', value]]);
      const line = encodeYaml(map);
      if (line.startsWith('k: |')) return;
      assert.equal(readScalar(line.slice('k: '.length)), value);
    }),
    { numRuns: 500 },
  );
});
