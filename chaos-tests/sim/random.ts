/**
 * Randomness of one run: everything a seed decides. Streams forked by name do not disturb one another, so that a new draw in one part
 * leaves the others as they were.
 *
 * @module
 */

export interface Random {
  /** In [0, 1). */
  float(): number;
  /** Whole, in [0, below). */
  int(below: number): number;
  /** In [from, to). */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  bytes(count: number): Buffer;
  /** A stream of its own, decided by this one's seed and `name` alone. */
  fork(name: string): Random;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string, start: number): number {
  let hash = (start ^ 0x811c9dc5) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** sfc32 (C. Doty-Humphrey's small fast counting generator), seeded by `seed` and `name`. */
export function makeRandom(seed: number, name = ''): Random {
  let a = hashOf(name, seed >>> 0);
  let b = hashOf(name, ~seed >>> 0);
  let c = (seed >>> 0) ^ 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 15; i++) next();
  const float = () => next() / 2 ** 32;
  const int = (below: number) => Math.floor(float() * below);
  return {
    float,
    int,
    between: (from, to) => from + float() * (to - from),
    chance: (probability) => float() < probability,
    pick: (list) => list[int(list.length)]!,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 0xff)),
    fork: (inner) => makeRandom(seed, `${name}/${inner}`),
  };
}
