/**
 * Metadata of secret ids: a JSON text of an object of texts, or `k=v,k=v` (contract §4.2), either of them in base64 too, as Vault reads it.
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';

/** More than a secret id's record can hold. */
const PAIRS_MAX = 20_000;

/** @throws CodedError that repeats nothing of what was sent. */
export function metadataOf(text: string): Record<string, string> {
  const trimmed = text.trim();
  if (trimmed === '') return {};
  const found = pairsIn(trimmed) ?? pairsIn(Buffer.from(trimmed, 'base64').toString());
  if (!found)
    throw badRequest('failed to parse metadata: failed to parse the input: invalid <key,value> format');
  return found;
}

function pairsIn(text: string): Record<string, string> | undefined {
  if (text.startsWith('{')) return jsonIn(text);
  // Cut by hand: a pattern that leaves blanks aside at both ends of a name takes the cube of their number.
  const pairs = text.split(',', PAIRS_MAX + 1).map((pair) => pair.split('=').map((part) => part.trim()));
  if (pairs.length > PAIRS_MAX || pairs.some(([name, ...values]) => name === '' || values.length !== 1))
    return undefined;
  return Object.fromEntries(pairs);
}

function jsonIn(text: string): Record<string, string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  return entries.every(([, each]) => typeof each === 'string') ? Object.fromEntries(entries) : undefined;
}
