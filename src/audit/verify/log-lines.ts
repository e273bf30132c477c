/**
 * Audit logs, line by line: as they are written, or packed by whoever rotates them (`.gz`, `.zst`).
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AUDIT_LINE_BYTES_MAX } from '../../model/limits.ts';

export interface LogLine {
  /** Without its end. Valid until the next one is asked for. */
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
  /** False: the file ends within it. */
  readonly isWhole: boolean;
}

const LINE_END = 0x0a;

/** @throws Error where the file cannot be read or unpacked, or a line is longer than any audit device writes. */
export async function* linesOf(path: string): AsyncGenerator<LogLine> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let number = 0;
  for await (const chunk of bytesOf(path)) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      const part = chunk.subarray(from, end);
      const bytes = rest.length === 0 ? part : Buffer.concat([...rest, part]);
      rest = [];
      restBytes = 0;
      from = end + 1;
      yield { bytes, number: ++number, isWhole: true };
    }
    if (from === chunk.length) continue;
    rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > AUDIT_LINE_BYTES_MAX) throw new Error(`line ${number + 1} is too long for an audit log`);
  }
  if (restBytes > 0) yield { bytes: Buffer.concat(rest), number: ++number, isWhole: false };
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  const unpack = path.endsWith('.gz')
    ? createGunzip()
    : path.endsWith('.zst')
      ? createZstdDecompress()
      : undefined;
  if (!unpack) {
    yield* file as AsyncIterable<Buffer>;
    return;
  }
  file.on('error', (error) => unpack.destroy(error));
  try {
    yield* file.pipe(unpack) as AsyncIterable<Buffer>;
  } finally {
    file.destroy();
  }
}
