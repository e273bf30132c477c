/**
 * A version that commands build upon: it must exist, with its data.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import { remoteFailure } from '../failure.ts';
import { asMap, type Secret } from '../secret.ts';

/** @param verb - `patch` or `rollback`, for the texts. @throws CommandFailure where something is missing. */
export function existingVersion(
  secret: Secret | undefined,
  path: string,
  verb: string,
): { data: JsonMap; metadata: JsonMap } {
  const metadata = existingMetadata(secret, path, verb);
  const data = asMap(secret?.data?.get('data'));
  if (!data) throw remoteFailure(`No data found at ${path}; ${verb} only works on existing data`);
  return { data, metadata };
}

export function existingMetadata(secret: Secret | undefined, path: string, verb: string): JsonMap {
  if (!secret?.data) throw remoteFailure(`No value found at ${path}`);
  const metadata = asMap(secret.data.get('metadata'));
  if (!metadata) throw remoteFailure(`No metadata found at ${path}; ${verb} only works on existing data`);
  return metadata;
}
