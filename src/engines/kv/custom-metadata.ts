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
import { quote, UNPRINTABLE } from '../../model/printable.ts';

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
    if (UNPRINTABLE.test(key)) {
      const both = keyBytes > KEY_BYTES_MAX ? name : `${name} (${key})`;
      faults.push(`key ${both} contains unprintable characters`);
    }
    if (UNPRINTABLE.test(value)) faults.push(`value for key ${name} contains unprintable characters`);
  }
  if (faults.length > 0) throw badRequest(multiError(faults.map((fault) => `${FAILED}: ${fault}`)));
}

/** What is longer than a name may be is none: nobody knows what else it is. */
function nameOf(key: string): string {
  const bytes = Buffer.byteLength(key);
  return bytes > KEY_BYTES_MAX ? `of ${bytes} bytes` : quote(key);
}

function checkCount(keys: number): void {
  if (keys <= KEYS_MAX) return;
  throw badRequest(
    multiError([`${FAILED}: payload must contain at most ${KEYS_MAX} keys, provided ${keys}`]),
  );
}
