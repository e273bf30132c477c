import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import * as other from 'shamir-secret-sharing';
import { combine, invert, multiply, split } from '../../src/seal/shamir.ts';

const byte = fc.integer({ min: 0, max: 255 });
const secretBytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
const config = fc
  .integer({ min: 2, max: 255 })
  .chain((shares) =>
    fc.record({ shares: fc.constant(shares), threshold: fc.integer({ min: 2, max: Math.min(shares, 12) }) }),
  );

/** `count` of `items`, at random. */
function pick<T>(items: readonly T[], count: number): T[] {
  const left = [...items];
  return Array.from({ length: count }, () => left.splice(Math.floor(Math.random() * left.length), 1)[0]!);
}

test('multiplies as in FIPS 197 §4.2', () => {
  assert.equal(multiply(0x57, 0x83), 0xc1);
  assert.equal(multiply(0x57, 0x13), 0xfe);
  assert.equal(multiply(0x57, 0x02), 0xae);
  assert.equal(multiply(0x8d, 0x02), 0x01);
});

test('the field is a field: all products against long division, every inverse', () => {
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) {
      let product = 0;
      for (let bit = 0; bit < 8; bit++) if ((b >> bit) & 1) product ^= a << bit;
      for (let bit = 14; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11b << (bit - 8);
      assert.equal(multiply(a, b), product, `${a} * ${b}`);
    }
    assert.equal(multiply(a, invert(a)), a === 0 ? 0 : 1, `inverse of ${a}`);
  }
});

test('security: products look nothing up and decide nothing by their operands (CVE-2023-25000)', () => {
  // Tables and branches tell secrets by their timing, which no test can measure on a machine that others use too: the code is looked at.
  const own = (code: (...bytes: number[]) => number) =>
    code.toString().replace(/for \(let bit [^)]*\)|if \(bit > 0\)/g, '');
  for (const code of [multiply, invert]) {
    assert.doesNotMatch(own(code), /\[|\?|&&|\|\||==|\b(if|for|while|switch)\b/);
  }
});

test('any threshold of the shares, in any order, and more of them too, give the secret back', () => {
  fc.assert(
    fc.property(secretBytes, config, (secret, { shares, threshold }) => {
      const parts = split(secret, { shares, threshold }, randomBytes);
      assert.deepEqual(combine(pick(parts, threshold)), secret);
      assert.deepEqual(combine(pick(parts, Math.min(shares, threshold + 2))), secret);
    }),
    { numRuns: 60 },
  );
});

test('a share is the values and one byte x: never 0, none twice', () => {
  for (const [shares, threshold] of [
    [2, 2],
    [5, 3],
    [255, 2],
  ] as const) {
    const parts = split(randomBytes(32), { shares, threshold }, randomBytes);
    assert.equal(parts.length, shares);
    const xs = parts.map((part) => part[32]!);
    assert(parts.every((part) => part.length === 33));
    assert(!xs.includes(0));
    assert.equal(new Set(xs).size, shares);
  }
});

test('fewer shares fit every secret equally: each value of a byte has a polynomial', () => {
  // Two shares of threshold 3; whatever the secret, some third point lies on a polynomial with them.
  const parts = split(Uint8Array.of(7), { shares: 3, threshold: 3 }, randomBytes);
  const [a, b] = parts as [Uint8Array, Uint8Array];
  const x = [1, 2, 3].find((n) => n !== a[1] && n !== b[1])!;
  const reached = new Set<number>();
  for (let y = 0; y < 256; y++) reached.add(combine([a, b, Uint8Array.of(y, x)])[0]!);
  assert.equal(reached.size, 256);
});

test('the secret decides nothing about a single share: all values come', () => {
  const seen = new Set<number>();
  for (let i = 0; i < 6_000; i++)
    seen.add(split(Uint8Array.of(0), { shares: 2, threshold: 2 }, randomBytes)[0]![0]!);
  assert.equal(seen.size, 256);
});

test('parts that cannot belong together are refused in Vault’s words', () => {
  const refused: [Uint8Array[], RegExp][] = [
    [[], /^Error: less than two parts cannot be used to reconstruct the secret$/],
    [[Uint8Array.of(1, 2)], /less than two parts/],
    [[Uint8Array.of(1), Uint8Array.of(2)], /^Error: parts must be at least two bytes$/],
    [[Uint8Array.of(1, 1), Uint8Array.of(1, 2, 3)], /^Error: all parts must be the same length$/],
    [[Uint8Array.of(1, 9), Uint8Array.of(2, 9)], /^Error: duplicate part detected$/],
  ];
  for (const [parts, text] of refused) assert.throws(() => combine(parts), text);
});

test('numbers that do not fit are refused', () => {
  for (const [shares, threshold] of [
    [1, 1],
    [2, 1],
    [2, 3],
    [256, 2],
    [0, 0],
  ] as const) {
    assert.throws(() => split(Uint8Array.of(1), { shares, threshold }, randomBytes), RangeError);
  }
  assert.throws(() => split(new Uint8Array(0), { shares: 3, threshold: 2 }, randomBytes), RangeError);
});

test('coefficients are wiped', () => {
  const drawn: Buffer[] = [];
  split(randomBytes(32), { shares: 5, threshold: 3 }, (bytes) => {
    drawn.push(randomBytes(bytes));
    return drawn.at(-1)!;
  });
  const coefficients = drawn.filter((buffer) => buffer.length === 64);
  assert.equal(coefficients.length, 1);
  assert(coefficients[0]!.every((value) => value === 0));
});

test('shares and shamir-secret-sharing’s open each other', async () => {
  await fc.assert(
    fc.asyncProperty(secretBytes, fc.integer({ min: 2, max: 6 }), byte, async (secret, threshold, more) => {
      const shares = Math.min(255, threshold + (more % 5));
      const theirs = await other.split(secret, shares, threshold);
      assert.deepEqual(combine(pick(theirs, threshold)), secret);
      const ours = split(secret, { shares, threshold }, randomBytes);
      assert.deepEqual(await other.combine(pick(ours, threshold)), secret);
    }),
    { numRuns: 30 },
  );
});

test('the shares of a real OpenBao give one key, whichever three', () => {
  const store = JSON.parse(readFileSync(new URL('../vectors/openbao-store.json', import.meta.url), 'utf8'));
  const shares = (store.shares as string[]).map((hex) => Buffer.from(hex, 'hex'));
  const keys = new Set<string>();
  for (let a = 0; a < 5; a++)
    for (let b = a + 1; b < 5; b++)
      for (let c = b + 1; c < 5; c++)
        keys.add(Buffer.from(combine([shares[c]!, shares[a]!, shares[b]!])).toString('hex'));
  assert.equal(keys.size, 1);
  assert.equal([...keys][0]!.length, 64);
  assert(!keys.has(Buffer.from(combine(shares.slice(0, 2))).toString('hex')));
});
