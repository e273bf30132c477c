/**
 * Entries of a device's own file on this node, sent to a client as they are found, or as they are written from now on. Ours, not Vault's.
 *
 * Only lines that an audit device writes are sent: a file that an operator made a device of shows nothing else that may stand in it.
 *
 * @module
 */
import { stat } from 'node:fs/promises';
import type { Clock } from '../model/clock.ts';
import { badRequest, CodedError } from '../model/errors.ts';
import { AUDIT_SEARCH_LOOK_MS, AUDIT_SEARCH_MS, AUDIT_SEARCHES_MAX } from '../model/limits.ts';
import type { ReplyStream, StreamOut } from '../model/request.ts';
import { type FoundEntry, followLog, type LogEntry, type SearchFilter, searchLogs } from './search.ts';

export interface LiveSearch {
  readonly file: string;
  readonly filter: SearchFilter;
  /** What is written from now on, instead of what is there. */
  readonly follow: boolean;
  /** Entries at most. */
  readonly limit: number;
  /** May its client still see this? Asked again and again. */
  stillGood(): Promise<boolean>;
}

/** Why it ended: the last line says it, since the head is long gone by then. */
type Ending = 'complete' | 'limit' | 'time' | 'not allowed any more' | 'failed';

const TYPES = new Set(['request', 'response', 'checkpoint', 'missed']);

/** @returns what makes the body of one reply: lines of the log as they stand there, then one of type `search-end`. */
export function makeLiveSearches(clock: Pick<Clock, 'after'>): (search: LiveSearch) => Promise<ReplyStream> {
  let open = 0;
  return async (search) => {
    if (open >= AUDIT_SEARCHES_MAX)
      throw new CodedError('overloaded', 'too many searches in audit logs are under way');
    const { isFile } = await stat(search.file).then(
      (found) => ({ isFile: found.isFile() }),
      () => ({ isFile: false }),
    );
    if (!isFile) throw badRequest('the log of that device is no file that could be read on this node');
    return {
      contentType: 'application/x-ndjson',
      start(out) {
        open++;
        const gone = new AbortController();
        let ending: Ending | undefined;
        const end = (how: Ending) => {
          ending ??= how;
          gone.abort();
        };
        const late = clock.after(() => end('time'), AUDIT_SEARCH_MS);
        let looking = clock.after(look, AUDIT_SEARCH_LOOK_MS);
        function look(): void {
          search.stillGood().then(
            (isGood) => {
              if (!isGood) end('not allowed any more');
              else if (!gone.signal.aborted) looking = clock.after(look, AUDIT_SEARCH_LOOK_MS);
            },
            () => end('not allowed any more'),
          );
        }
        send(search, out, gone.signal)
          .then(end, () => end('failed'))
          .finally(() => {
            out.write(`${JSON.stringify({ type: 'search-end', reason: ending })}\n`);
            out.end();
          });
        return () => {
          open--;
          gone.abort();
          late.clear();
          looking.clear();
        };
      },
    };
  };
}

/** Waits for its reader: nothing is held but the line at hand. */
async function send(
  { file, filter, follow, limit }: LiveSearch,
  out: StreamOut,
  signal: AbortSignal,
): Promise<Ending> {
  let drained = Promise.withResolvers<void>();
  const wake = () => drained.resolve();
  out.onDrain(wake);
  signal.addEventListener('abort', wake);
  const found: AsyncGenerator<FoundEntry> = follow
    ? followLog(file, filter, signal)
    : searchLogs([file], filter, signal);
  let count = 0;
  for await (const { line, entry } of found) {
    if (signal.aborted) break;
    if (!isOfAuditDevice(entry)) continue;
    if (!out.write(`${line}\n`)) {
      await drained.promise;
      drained = Promise.withResolvers();
    }
    if (++count >= limit) return 'limit';
  }
  return 'complete';
}

function isOfAuditDevice({ type, time }: LogEntry): boolean {
  return typeof time === 'string' && typeof type === 'string' && TYPES.has(type);
}
