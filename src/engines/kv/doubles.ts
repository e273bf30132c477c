/**
 * Numbers as KV v2 shows them: Go reads them into float64 and prints that, so `1.0` becomes `1` and large integers lose digits.
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';
import { type Json, JsonNumber } from '../../model/json.ts';
import { encodeSorted } from '../../model/json-encoder.ts';
import { parseJson } from '../../model/json-parser.ts';

/** What a double does not hold: refused, or left as it is where it is stored already. */
type Huge = 'refuse' | 'keep';

/** Integers of at most 15 digits print as they are. */
const UNCHANGED = /^(?:0|-?[1-9]\d{0,14})$/;

/** `value` with its numbers as doubles print. Shares with `value` what did not change. @throws CodedError on 1e400 and the like. */
export function asDoubles(value: Json, huge: Huge = 'refuse'): Json {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof JsonNumber) return asDouble(value, huge);
  if (Array.isArray(value)) {
    const items = value.map((item) => asDoubles(item, huge));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  let copy: Map<string, Json> | undefined;
  for (const [key, member] of value) {
    const changed = asDoubles(member, huge);
    if (changed === member) continue;
    copy ??= new Map(value);
    copy.set(key, changed);
  }
  return copy ?? value;
}

function asDouble(number: JsonNumber, huge: Huge): JsonNumber {
  if (UNCHANGED.test(number.text)) return number;
  const double = Number(number.text);
  if (!Number.isFinite(double)) {
    if (huge === 'keep') return number;
    throw badRequest('failed to parse JSON input: a number is too large for a double');
  }
  // JavaScript prints doubles as Go's encoding/json does, but for the sign of zero.
  const text = Object.is(double, -0) ? '-0' : String(double);
  return text === number.text ? number : new JsonNumber(text);
}

/** The canonical text of what KV v1 stored as `text`, as v2 shows it. */
export function doublesText(text: string): string {
  return encodeSorted(asDoubles(parseJson(text), 'keep'));
}
