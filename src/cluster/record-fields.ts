/**
 * Fields of the coordinator's records, checked as they are read: another release wrote them, or an operator. Unknown fields are
 * let be, so that a later release may add some.
 *
 * @module
 */

/** A record that cannot be believed. It proves nothing and moves nothing. */
export class BadRecord extends Error {
  constructor(what: string) {
    super(`a record of the coordinator is not valid: ${what}`);
    this.name = 'BadRecord';
  }
}

export type Fields = Readonly<Record<string, unknown>>;

/** @throws BadRecord */
export function parseFields(bytes: Uint8Array, bytesMax: number): Fields {
  if (bytes.length > bytesMax) throw new BadRecord(`${bytes.length} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    throw new BadRecord('no JSON');
  }
  return asFields(parsed, 'the whole');
}

export function asFields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadRecord(what);
  return value as Fields;
}

export function asList(value: unknown, what: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) throw new BadRecord(what);
  return value;
}

export function asText(value: unknown, what: string, charsMax: number): string {
  if (typeof value !== 'string' || value.length > charsMax) throw new BadRecord(what);
  return value;
}

/** A number that counts: not negative, exact. */
export function asCount(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new BadRecord(what);
  return value as number;
}

export function asFlag(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new BadRecord(what);
  return value;
}

/** Of a node's share: 1 is the usual one. */
export function asWeight(value: unknown, what: string): number {
  if (typeof value !== 'number' || !(value >= 0.01 && value <= 100)) throw new BadRecord(what);
  return value;
}

/** 128 random bits, as hex. */
export function asInc(value: unknown, what: string): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value)) throw new BadRecord(what);
  return value;
}
