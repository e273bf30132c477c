/**
 * Entries of a running server's audit log, as it sends them.
 *
 * @module
 */
import type { LogEntry } from '../../audit/search.ts';
import type { Encodable } from '../../model/json.ts';
import { AUDIT_LINE_BYTES_MAX } from '../../model/limits.ts';
import type { Client } from '../client.ts';
import { encodeJson } from '../go-json.ts';

/**
 * Until Ctrl-C, or until the server ends it.
 * @returns why the server ended before it was through; undefined where it was, or Ctrl-C came.
 * @throws as `Client.stream`; Error where the answer breaks off.
 */
export async function liveEntries(
  client: Client,
  body: Encodable,
  found: (line: string, entry: LogEntry) => void,
): Promise<string | undefined> {
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    const call = { method: 'POST', path: 'sys/audit-search', body: encodeJson(body) } as const;
    for await (const line of linesOf(await client.stream(call, stop.signal))) {
      const entry = JSON.parse(line) as LogEntry & { readonly reason?: string };
      if (entry.type !== 'search-end') found(line, entry);
      else return entry.reason === 'complete' ? undefined : (entry.reason ?? 'it does not say why');
    }
  } catch (error) {
    if (stop.signal.aborted) return undefined;
    throw error;
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
  if (stop.signal.aborted) return undefined;
  throw new Error('the answer broke off');
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8');
      rest = [];
      restBytes = 0;
      from = end + 1;
    }
    rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > AUDIT_LINE_BYTES_MAX) throw new Error('the answer holds a line that is too long');
  }
}
