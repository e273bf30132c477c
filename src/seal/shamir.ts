/**
 * Shamir's secret sharing in Vault's byte format (contract §16): over GF(2^8) with x^8 + x^4 + x^3 + x + 1, one polynomial for each byte of the
 * secret, a share is the polynomials' values and then one byte x, which is random and never 0.
 *
 * The field's arithmetic uses neither tables nor branches on secret bytes (CVE-2023-25000: Vault's tables told secrets by their timing).
 *
 * @module
 */
import { SHARES_MAX } from '../model/limits.ts';
import { newSecret } from './secret-bytes.ts';

/** Product in GF(2^8), by shifts and masks. */
export function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    const reduce = -(product >> 7) & 0x1b;
    product = ((product << 1) & 0xff) ^ reduce ^ (-((b >> bit) & 1) & a);
  }
  return product;
}

/** 1 / a, which is a^254; 0 gives 0. */
export function invert(a: number): number {
  let result = 1;
  // 254 = 0b11111110
  for (let bit = 7; bit >= 0; bit--) {
    result = multiply(result, result);
    if (bit > 0) result = multiply(result, a);
  }
  return result;
}

/**
 * Splits `secret` so that any `threshold` shares give it back and fewer tell nothing.
 * @param secret - 1 byte or more. Not changed; the caller wipes it.
 * @param config - 2 ≤ threshold ≤ shares ≤ 255.
 * @returns `shares` times secret.length + 1 bytes.
 */
export function split(
  secret: Uint8Array,
  config: { readonly shares: number; readonly threshold: number },
  randomBytes: (bytes: number) => Uint8Array,
): Uint8Array[] {
  const { shares, threshold } = config;
  const possible = threshold >= 2 && shares >= threshold && shares <= SHARES_MAX && secret.length > 0;
  if (!possible) throw new RangeError('shares and threshold do not fit');
  const xs = coordinates(shares, randomBytes);
  const parts = xs.map((x) => {
    const part = newSecret(secret.length + 1);
    part[secret.length] = x;
    return part;
  });
  // Coefficients of x^1 … x^(threshold − 1); the constant is the secret's byte.
  const coefficients = randomBytes(secret.length * (threshold - 1));
  try {
    for (let i = 0; i < secret.length; i++) {
      const own = coefficients.subarray(i * (threshold - 1), (i + 1) * (threshold - 1));
      for (let share = 0; share < shares; share++) {
        parts[share]![i] = evaluate(secret[i]!, own, xs[share]!);
      }
    }
  } finally {
    coefficients.fill(0);
  }
  return parts;
}

/**
 * The secret that `parts` share. Wrong parts give a wrong secret, which only its use shows.
 * @returns parts[0].length − 1 bytes. The caller wipes them.
 * @throws Error in Vault's words when the parts cannot belong together.
 */
export function combine(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length < 2) throw new Error('less than two parts cannot be used to reconstruct the secret');
  const length = parts[0]!.length;
  if (length < 2) throw new Error('parts must be at least two bytes');
  if (parts.some((part) => part.length !== length)) throw new Error('all parts must be the same length');
  const xs = parts.map((part) => part[length - 1]!);
  if (new Set(xs).size !== xs.length) throw new Error('duplicate part detected');
  // Lagrange's polynomials at 0; minus is plus in this field.
  const weights = xs.map((own) => {
    let weight = 1;
    for (const other of xs) {
      if (other !== own) weight = multiply(weight, multiply(other, invert(other ^ own)));
    }
    return weight;
  });
  const secret = newSecret(length - 1);
  for (let i = 0; i < secret.length; i++) {
    let sum = 0;
    for (let part = 0; part < parts.length; part++) sum ^= multiply(parts[part]![i]!, weights[part]!);
    secret[i] = sum;
  }
  return secret;
}

/** Horner's rule, highest coefficient first. */
function evaluate(constant: number, coefficients: Uint8Array, x: number): number {
  let value = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) value = multiply(value, x) ^ coefficients[i]!;
  return multiply(value, x) ^ constant;
}

/** Different bytes of 1 to 255, each choice equally likely: what came before, and 0, is drawn again. */
function coordinates(count: number, randomBytes: (bytes: number) => Uint8Array): number[] {
  const drawn = new Set<number>();
  while (drawn.size < count) {
    for (const x of randomBytes(count)) {
      if (x !== 0 && drawn.size < count) drawn.add(x);
    }
  }
  return [...drawn];
}
