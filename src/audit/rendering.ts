/**
 * What all audit devices have in common: how entries become lines, and which of them.
 *
 * @module
 */
import type { AuditDevice } from './device.ts';
import { type Formatter, type Line, makeFormatter } from './formatter.ts';
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
    formatter: inert(excluding(formatter, parseExclusions(options.exclude))),
    hash: hasher.hash,
    ...parseSelection(options.filter, parseBool('fallback', options.fallback, false)),
  };
}

/**
 * Lines that say the same without a dollar sign or a backtick. Whoever may choose the file could choose one that a shell reads, and strangers
 * choose what stands in paths and errors: within a string of JSON, which is one of the shell's too, `$(…)` would be run.
 */
function inert(formatter: Formatter): Formatter {
  const made = (line: Line): Line =>
    typeof line === 'string' ? withoutExpansions(line) : async () => withoutExpansions(await line());
  return {
    request: (...args) => made(formatter.request(...args)),
    response: (...args) => made(formatter.response(...args)),
  };
}

/** Both stand in strings alone, and never behind a backslash. */
function withoutExpansions(line: string): string {
  if (!line.includes('$') && !line.includes('`')) return line;
  return line.replaceAll('$', '\\u0024').replaceAll('`', '\\u0060');
}
