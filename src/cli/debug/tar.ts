/**
 * A folder of plain files as one `.tar.gz` (POSIX ustar).
 *
 * @module
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;

/**
 * Writes all files below `folder` into `file`, which must not be there yet; only its owner may read it.
 * @param name - the folder's name inside.
 * @throws Error where a file cannot be read or written, or its name is too long.
 */
export async function archive(folder: string, name: string, file: string): Promise<void> {
  const out = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  await pipeline(Readable.from(blocks(folder, name)), createGzip(), out);
}

async function* blocks(folder: string, name: string): AsyncGenerator<Uint8Array> {
  const paths = await readdir(folder, { recursive: true });
  for (const path of paths.sort()) {
    const at = join(folder, path);
    const { size, mtimeMs, ...entry } = await stat(at);
    const isFolder = (entry.mode & 0o170_000) === 0o040_000;
    yield header(`${name}/${path}${isFolder ? '/' : ''}`, isFolder ? 0 : size, mtimeMs, isFolder);
    if (isFolder) continue;
    // What is appended meanwhile does not belong to it.
    if (size > 0) yield* createReadStream(at, { end: size - 1 }) as AsyncIterable<Uint8Array>;
    yield Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

function header(name: string, size: number, mtimeMs: number, isFolder: boolean): Uint8Array {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX)
    throw new Error(`the name ${name} is too long for an archive`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0);
  block.write(octal(isFolder ? 0o700 : 0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(Math.floor(mtimeMs / 1_000), 11), 136);
  // The checksum is taken with blanks in its place.
  block.write('        ', 148);
  block.write(isFolder ? '5' : '0', 156);
  block.write('ustar\x0000', 257);
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  );
  return block;
}
