/**
 * `custom_metadata` of a secret: words of its owners about it. Errors name its keys, but none that is too long (contract §8).
 *
 * @module
 */
import { badRequest, multiError } from '../../model/errors.ts';
import type { Json, JsonMap } from '../../model/json.ts';
import { encodeSorted, sortUtf8 } from '../../model/json-encoder.ts';
import { parseJson } from '../../model/json-parser.ts';
import { toText } from '../../model/params.ts';

const KEYS_MAX = 64;
const KEY_BYTES_MAX = 128;
const VALUE_BYTES_MAX = 512;
const FAILED = 'custom_metadata validation failed';

export type CustomMetadata = ReadonlyMap<string, string>;

/** Values become strings; null is `''`, which no value may be, unless it is skipped. @throws CodedError */
export function customMetadataOf(sent: JsonMap, nulls: 'skip' | 'empty'): CustomMetadata {
  const texts = new Map<string, string>();
  for (const [key, value] of sent) {
    if (value === null && nulls === 'skip') continue;
    texts.set(key, textOf(key, value));
  }
  validate(texts);
  return texts;
}

/**
 * Puts `sent` over what is there; null takes a key away.
 * @returns canonical JSON text; undefined: nothing is left, which reads as null.
 * @throws CodedError where the result is too large.
 */
export function patchCustomMetadata(
  before: string | undefined,
  sent: ReadonlyMap<string, string | null>,
): string | undefined {
  const merged = new Map(before === undefined ? [] : (parseJson(before) as Map<string, string>));
  for (const [key, value] of sent) {
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  }
  checkCount(merged.size);
  return merged.size === 0 ? undefined : encodeSorted(merged);
}

function textOf(key: string, value: Json): string {
  try {
    return toText(value);
  } catch {
    throw badRequest(`${FAILED}: value for key ${nameOf(key)} is not a string`);
  }
}

/** All that is wrong, key by key; too many keys are wrong enough. */
function validate(metadata: CustomMetadata): void {
  checkCount(metadata.size);
  const faults: string[] = [];
  for (const key of sortUtf8([...metadata.keys()])) {
    const value = metadata.get(key)!;
    const name = nameOf(key);
    const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
    if (keyBytes === 0 || keyBytes > KEY_BYTES_MAX) {
      const which = keyBytes === 0 ? 'key ""' : 'key';
      faults.push(`length of ${which} is ${keyBytes} but must be 0 < len(key) <= ${KEY_BYTES_MAX}`);
    }
    if (valueBytes === 0 || valueBytes > VALUE_BYTES_MAX) {
      const bound = `0 < len(value) <= ${VALUE_BYTES_MAX}`;
      faults.push(`length of value for key ${name} is ${valueBytes} but must be ${bound}`);
    }
    if (!isPrintable(key)) {
      const both = keyBytes > KEY_BYTES_MAX ? name : `${name} (${key})`;
      faults.push(`key ${both} contains unprintable characters`);
    }
    if (!isPrintable(value)) faults.push(`value for key ${name} contains unprintable characters`);
  }
  if (faults.length > 0) throw badRequest(multiError(faults.map((fault) => `${FAILED}: ${fault}`)));
}

/** What is longer than a name may be is none: nobody knows what else it is. */
function nameOf(key: string): string {
  const bytes = Buffer.byteLength(key);
  return bytes > KEY_BYTES_MAX ? `of ${bytes} bytes` : quoted(key);
}

function checkCount(keys: number): void {
  if (keys <= KEYS_MAX) return;
  throw badRequest(
    multiError([`${FAILED}: payload must contain at most ${KEYS_MAX} keys, provided ${keys}`]),
  );
}

/** Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and of the blanks only U+0020. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

function isPrintable(text: string): boolean {
  return PRINTABLE.test(text);
}

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** Go's `%q`: in quotes, what is not printable escaped. */
function quoted(text: string): string {
  let out = '';
  for (const char of text) out += ESCAPES[char] ?? (isPrintable(char) ? char : escaped(char.codePointAt(0)!));
  return `"${out}"`;
}

function escaped(code: number): string {
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, '0')}`;
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}
