/**
 * Looking for entries in audit logs.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { makeGlob } from '../model/glob.ts';
import { newLines } from './follow.ts';
import { linesOf } from './verify/log-lines.ts';
import { inOrder } from './verify/order.ts';

export interface SearchFilter {
  /** ms; undefined: from the beginning, to the end. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** As it is written in the log: hashed, or in the clear where the device is told so. Any of these. */
  readonly accessors?: readonly string[];
  /** Of an API path: with `*` for any text. */
  readonly path?: string;
  readonly entityId?: string;
  readonly requestId?: string;
  /** Checkpoints and what else the log says of itself. */
  readonly withOwnLines?: boolean;
}

export interface FoundEntry {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  /** The line as it stands there. */
  readonly line: string;
  readonly entry: LogEntry;
}

/** What is looked at of an entry. */
export interface LogEntry {
  readonly time?: string;
  readonly type?: string;
  readonly error?: string;
  readonly auth?: { readonly accessor?: string; readonly entity_id?: string; readonly display_name?: string };
  readonly request?: {
    readonly id?: string;
    readonly operation?: string;
    readonly path?: string;
    readonly client_token_accessor?: string;
    readonly remote_address?: string;
    readonly namespace?: { readonly path?: string };
  };
  readonly response?: { readonly auth?: { readonly accessor?: string; readonly entity_id?: string } };
}

/** Entries that fit among those that are written from now on, until `signal` is aborted. @throws Error as `newLines`. */
export async function* followLog(
  file: string,
  filter: SearchFilter,
  signal: AbortSignal,
): AsyncGenerator<FoundEntry> {
  const fits = fitting(filter);
  for await (const { bytes, number } of newLines(file, signal)) {
    const line = bytes.toString('utf8');
    const entry = parsed(line);
    if (entry && fits(entry)) yield { file, number, line, entry };
  }
}

const LINES_A_TURN = 100;

/** Entries that fit, in the order of the files and their lines. Ends when `signal` is aborted. @throws Error where a file cannot be read. */
export async function* searchLogs(
  files: readonly string[],
  filter: SearchFilter,
  signal?: AbortSignal,
): AsyncGenerator<FoundEntry> {
  const fits = fitting(filter);
  // Before a line is parsed: texts that stand in it where it fits.
  const needles = [filter.requestId, filter.entityId].filter((text) => text !== undefined).map(asWritten);
  let looked = 0;
  for (const file of inOrder(files)) {
    for await (const { bytes, number } of linesOf(file)) {
      if (signal?.aborted) return;
      // A server has others to serve.
      if (signal && ++looked % LINES_A_TURN === 0) await nextTurn();
      if (needles.some((needle) => !bytes.includes(needle))) continue;
      const line = bytes.toString('utf8');
      const entry = parsed(line);
      if (entry && fits(entry)) yield { file, number, line, entry };
    }
  }
}

/** A text as JSON has it, without quotes. */
function asWritten(text: string): Buffer {
  return Buffer.from(JSON.stringify(text).slice(1, -1));
}

function parsed(line: string): LogEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Does an entry fit all that is asked? */
export function fitting(filter: SearchFilter): (entry: LogEntry) => boolean {
  const { sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = filter;
  const { accessors, entityId, requestId, withOwnLines } = filter;
  const pattern = filter.path === undefined ? undefined : patternOf(filter.path);
  const hasTime = filter.sinceMs !== undefined || filter.untilMs !== undefined;
  const isOwn = ({ type }: LogEntry) => type !== 'request' && type !== 'response';
  return (entry) => {
    const { auth, request, response } = entry;
    if (isOwn(entry) && !withOwnLines) return false;
    if (requestId !== undefined && request?.id !== requestId) return false;
    if (entityId !== undefined && auth?.entity_id !== entityId && response?.auth?.entity_id !== entityId)
      return false;
    if (pattern && !pattern(request)) return false;
    if (accessors) {
      const there = [auth?.accessor, request?.client_token_accessor, response?.auth?.accessor];
      if (!accessors.some((one) => there.includes(one))) return false;
    }
    if (!hasTime) return true;
    const atMs = Date.parse(entry.time ?? '');
    return atMs >= sinceMs && atMs <= untilMs;
  };
}

/** The path within its namespace, or with the namespace before it. */
function patternOf(text: string): (request: LogEntry['request']) => boolean {
  const fits = makeGlob(text.replace(/^\//, ''), { whole: true });
  return (request) => {
    const path = request?.path;
    if (typeof path !== 'string') return false;
    return fits(path) || fits(`${request?.namespace?.path ?? ''}${path}`);
  };
}
