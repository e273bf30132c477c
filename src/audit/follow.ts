/**
 * A log file as it grows: line by line, over into the next file when it is rotated.
 *
 * @module
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { AUDIT_FOLLOW_MS, AUDIT_LINE_BYTES_MAX } from '../model/limits.ts';
import type { LogLine } from './verify/log-lines.ts';

const CHUNK_BYTES = 64 * 1024;

/**
 * Whole lines that are written from now on; of files that come after this one, all. Ends when `signal` is aborted.
 * @throws Error where the file is not there, or cannot be read.
 */
export async function* newLines(path: string, signal: AbortSignal): AsyncGenerator<LogLine> {
  let file: FileHandle | undefined = await open(path, 'r');
  try {
    let at = (await file.stat()).size;
    let rest = Buffer.alloc(0);
    let number = 0;
    const chunk = Buffer.alloc(CHUNK_BYTES);
    while (!signal.aborted) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead > 0) {
        at += bytesRead;
        rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
        let from = 0;
        for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a, from)) {
          yield { bytes: rest.subarray(from, end), number: ++number, isWhole: true };
          from = end + 1;
        }
        rest = rest.subarray(from);
        if (rest.length > AUDIT_LINE_BYTES_MAX)
          throw new Error(`${path} holds a line that is too long for an audit log`);
        continue;
      }
      const next = await nextFile(path, file);
      if (next) {
        await file.close();
        file = next;
        at = 0;
        rest = Buffer.alloc(0);
      } else if (at > (await file.stat()).size) {
        // Cut off, and begun anew in its place.
        at = 0;
        rest = Buffer.alloc(0);
      } else await pause(AUDIT_FOLLOW_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await file.close();
  }
}

/** The file that has taken this one's place; undefined: it is still there, or nothing is yet. */
async function nextFile(path: string, file: FileHandle): Promise<FileHandle | undefined> {
  const [ours, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  if (!there || (there.ino === ours.ino && there.dev === ours.dev)) return undefined;
  return open(path, 'r').catch(() => undefined);
}
