/**
 * Check-and-set on versions (contract §8, `options.cas`).
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';
import { type Json, type JsonMap, JsonNumber } from '../../model/json.ts';
import { toInt } from '../../model/params.ts';
import type { KvConfig } from './config.ts';
import type { SecretFields } from './secret.ts';

/** The version that the writer saw; undefined: it does not say. @throws CodedError */
export function casOf(options: JsonMap | null | undefined): number | undefined {
  const sent = options?.get('cas');
  if (sent === undefined) return undefined;
  try {
    return wholeNumber(sent);
  } catch {
    throw badRequest('error parsing check-and-set parameter');
  }
}

/** As `toInt`, but `1.0` and `1e0` are no integers, as for Go's json.Number. */
function wholeNumber(sent: Json): number {
  if (sent instanceof JsonNumber && !/^-?\d+$/.test(sent.text)) throw new Error('expected an integer');
  return toInt(sent);
}

/** @throws CodedError where `cas` is missing but required, or is not the current version. */
export function checkCas(secret: SecretFields, config: KvConfig, cas: number | undefined): void {
  if (cas === undefined) {
    if (config.casRequired || secret.casRequired) {
      throw badRequest('check-and-set parameter required for this call');
    }
  } else if (cas !== secret.currentVersion) {
    throw badRequest('check-and-set parameter did not match the current version');
  }
}
