/**
 * What all audit devices have in common: how entries become lines, and which of them.
 *
 * @module
 */
import type { AuditDevice } from './device.ts';
import { makeFormatter } from './formatter.ts';
import { makeHasher } from './hasher.ts';
import { parseBool, parseFormatOptions } from './options.ts';
import { excluding, parseExclusions, parseSelection } from './selection.ts';

/** @throws CodedError `bad_request` with the option's name. */
export function rendering(
  options: Readonly<Record<string, string>>,
  salt: string,
): Pick<AuditDevice, 'formatter' | 'hash' | 'filter' | 'isFallback'> {
  const hasher = makeHasher(salt);
  const formatter = makeFormatter(hasher, parseFormatOptions(options));
  return {
    formatter: excluding(formatter, parseExclusions(options.exclude)),
    hash: hasher.hash,
    ...parseSelection(options.filter, parseBool('fallback', options.fallback, false)),
  };
}
