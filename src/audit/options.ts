/**
 * Options of an audit device as the API takes them: all strings (contract §2.9). What is not served is refused, never ignored.
 *
 * @module
 */
import { badRequest } from '../model/errors.ts';

export interface FormatOptions {
  /** Hash accessors too. */
  readonly hmacAccessor: boolean;
  /** Hash nothing. */
  readonly logRaw: boolean;
  /** Of list replies, write how many keys there are instead of the keys. */
  readonly elideListResponses: boolean;
}

export interface FileOptions extends FormatOptions {
  /** A file's name, or `stdout`, or `discard`. */
  readonly path: string;
  /** Permissions of the file; undefined: as they are. */
  readonly mode: number | undefined;
}

const MODE = /^[0-7]{1,5}$/;
const EXECUTE_BITS = 0o111;

/** @throws CodedError `bad_request` with the option's name. */
export function parseFileOptions(options: Readonly<Record<string, string>>): FileOptions {
  const path = options.file_path ?? options.path ?? '';
  if (path === '') throw badRequest('file_path is required');
  if (/[\0\n\r]/.test(path)) throw badRequest('file_path must not contain control characters');
  const special = path.toLowerCase();
  return {
    path: special === 'stdout' || special === 'discard' ? special : path,
    mode: parseMode(options.mode),
    ...parseFormatOptions(options),
  };
}

/** @throws CodedError `bad_request` with the option's name. */
export function parseFormatOptions(options: Readonly<Record<string, string>>): FormatOptions {
  const format = options.format ?? 'json';
  if (format !== 'json') throw badRequest('unknown format type: only json is served');
  // A prefix let operators write any bytes at the start of a file of their choice, and so run it (CVE-2025-6000).
  if (options.prefix)
    throw badRequest('prefix is not supported: what is written must be JSON from its first byte');
  return {
    hmacAccessor: parseBool('hmac_accessor', options.hmac_accessor, true),
    logRaw: parseBool('log_raw', options.log_raw, false),
    elideListResponses: parseBool('elide_list_responses', options.elide_list_responses, false),
  };
}

function parseMode(text: string | undefined): number | undefined {
  if (text === undefined) return 0o600;
  if (!MODE.test(text)) throw badRequest(`mode must be octal, such as "0600"`);
  const mode = Number.parseInt(text, 8);
  if (mode === 0) return undefined;
  if ((mode & EXECUTE_BITS) !== 0) throw badRequest(`mode must not let anybody execute the file`);
  if (mode > 0o777) throw badRequest(`mode may only hold permissions for owner, group and others`);
  // What stands in a file is looked at before it is written to.
  if ((mode & 0o600) !== 0o600) throw badRequest(`mode must let the owner read and write`);
  return mode;
}

/** @throws CodedError `bad_request` with the option's name. */
export function parseBool(name: string, text: string | undefined, absent: boolean): boolean {
  if (text === undefined || text === '') return absent;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw badRequest(`${name} must be true or false`);
}
