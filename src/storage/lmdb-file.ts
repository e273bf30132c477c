/**
 * A look at an LMDB file before LMDB maps it. LMDB trusts its file: one that was cut off or overwritten kills the process with
 * a signal at the first page it misses, so we refuse such a file with a sentence instead.
 *
 * The layout is that of lmdb-js 3.5 (LMDB's master branch, data version 2): a page begins with number, transaction (8 bytes
 * each), padding and flags (2 bytes each); page 0 and page 1 are meta pages, written in turn, and the one with the higher transaction counts.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StorageFailed } from '../model/storage.ts';

const PAGE_HEADER_BYTES = 24;
const META_BYTES = 136;
const META_MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const PAGE_BYTES_MIN = 256;
const PAGE_BYTES_MAX = 65_536;
const FLAG_BRANCH = 0x01;
const FLAG_LEAF = 0x02;
const FLAG_META = 0x08;
/** Where in a meta page: page size (the free list's unused field), the two trees' roots, last page, transaction. */
const AT_PAGE_BYTES = PAGE_HEADER_BYTES + 24;
const AT_FREE_ROOT = PAGE_HEADER_BYTES + 64;
const AT_MAIN_ROOT = PAGE_HEADER_BYTES + 112;
const AT_LAST_PAGE = PAGE_HEADER_BYTES + 120;
const AT_TRANSACTION = PAGE_HEADER_BYTES + 128;
/** In every page: flags, end of the pointers to its nodes. */
const AT_FLAGS = 18;
const AT_LOWER = 20;
/** A node: size of its data (4 bytes) and flags (2), which in a branch together are a page; then size of its key (2). */
const NODE_HEADER_BYTES = 8;
/** Its data lies in pages of its own; its data is a tree of its own, whose root stands there. */
const NODE_BIG = 0x01;
const NODE_TREE = 0x02;
const AT_TREE_ROOT = 40;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

interface Meta {
  readonly pageBytes: number;
  readonly roots: readonly bigint[];
  readonly lastPage: bigint;
  readonly transaction: bigint;
}

/**
 * Returns when `file` is absent, empty, or has two whole meta pages, all pages that the newest of them uses, and the roots of its trees.
 * Damage inside other pages is not looked for: records are sealed one by one and say so themselves.
 * @throws StorageFailed when the file is damaged or is not ours.
 */
export function checkLmdbFile(file: string): void {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new StorageFailed(`the data file ${file} cannot be read: ${(error as Error).message}`, true, error);
  }
  try {
    const bytes = fstatSync(fd).size;
    if (bytes > 0) checkPages(file, fd, bytes);
  } finally {
    closeSync(fd);
  }
}

function checkPages(file: string, fd: number, fileBytes: number): void {
  const first = readMeta(file, fd, 0);
  const second = readMeta(file, fd, first.pageBytes);
  const meta = second.transaction > first.transaction ? second : first;
  const roots = meta.roots.filter((root) => root !== NO_PAGE);
  for (const root of roots) checkRoot(file, fd, root, meta);
  // LMDB counts pages that a transaction took and gave back without ever writing them, so a sound file may be shorter than
  // it counts. Then, and only then, every page that is in use has to be looked at.
  const needed = (meta.lastPage + 1n) * BigInt(meta.pageBytes);
  if (BigInt(fileBytes) < needed) checkReach(file, fd, roots.map(Number), meta.pageBytes, fileBytes);
}

/** Follows both trees and refuses the file if a page in use lies behind its end. */
function checkReach(file: string, fd: number, roots: number[], pageBytes: number, fileBytes: number): void {
  const page = Buffer.alloc(pageBytes);
  const reach = (first: number, count: number): void => {
    if ((first + count) * pageBytes > fileBytes) {
      throw damaged(file, `it has ${fileBytes} bytes, and page ${first + count - 1} is in use behind them`);
    }
  };
  let left = Math.ceil(fileBytes / pageBytes);
  for (let at = roots.pop(); at !== undefined; at = roots.pop()) {
    reach(at, 1);
    // A page that leads back to itself would be followed for ever.
    if (left-- === 0) throw damaged(file, 'its index runs in circles');
    readSync(fd, page, 0, pageBytes, at * pageBytes);
    const flags = page.readUInt16LE(AT_FLAGS);
    const isBranch = (flags & FLAG_BRANCH) !== 0;
    if (Number(page.readBigUInt64LE(0)) !== at || (!isBranch && (flags & FLAG_LEAF) === 0)) {
      throw damaged(file, `page ${at} is overwritten`);
    }
    // Both count from the end of the header.
    const end = Math.min(PAGE_HEADER_BYTES + page.readUInt16LE(AT_LOWER), pageBytes);
    for (let pointer = PAGE_HEADER_BYTES; pointer < end; pointer += 2) {
      const node = PAGE_HEADER_BYTES + page.readUInt16LE(pointer);
      if (node + NODE_HEADER_BYTES > pageBytes) throw damaged(file, `page ${at} is overwritten`);
      if (isBranch) {
        roots.push(page.readUIntLE(node, 6));
        continue;
      }
      const nodeFlags = page.readUInt16LE(node + 4);
      const data = node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6);
      if ((nodeFlags & NODE_BIG) !== 0) {
        const pages = Math.ceil((PAGE_HEADER_BYTES + page.readUInt32LE(node)) / pageBytes);
        reach(Number(page.readBigUInt64LE(data)), pages);
      } else if ((nodeFlags & NODE_TREE) !== 0) {
        const root = page.readBigUInt64LE(data + AT_TREE_ROOT);
        if (root !== NO_PAGE) roots.push(Number(root));
      }
    }
  }
}

function readMeta(file: string, fd: number, at: number): Meta {
  const page = Buffer.alloc(PAGE_HEADER_BYTES + META_BYTES);
  const whole = readSync(fd, page, 0, page.length, at) === page.length;
  const ours = whole && page.readUInt32LE(PAGE_HEADER_BYTES) === META_MAGIC;
  if (!ours || (page.readUInt16LE(18) & FLAG_META) === 0)
    throw damaged(file, 'its head is not that of a data file');
  const version = page.readUInt32LE(PAGE_HEADER_BYTES + 4);
  if (version !== DATA_VERSION) throw damaged(file, `its head names the unknown version ${version}`);
  const pageBytes = page.readUInt32LE(AT_PAGE_BYTES);
  const possible = pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX;
  if (!possible || (pageBytes & (pageBytes - 1)) !== 0) {
    throw damaged(file, `its head names pages of ${pageBytes} bytes`);
  }
  return {
    pageBytes,
    roots: [page.readBigUInt64LE(AT_FREE_ROOT), page.readBigUInt64LE(AT_MAIN_ROOT)],
    lastPage: page.readBigUInt64LE(AT_LAST_PAGE),
    transaction: page.readBigUInt64LE(AT_TRANSACTION),
  };
}

function checkRoot(file: string, fd: number, root: bigint, meta: Meta): void {
  if (root > meta.lastPage) throw damaged(file, 'its head points behind its end');
  const header = Buffer.alloc(PAGE_HEADER_BYTES);
  readSync(fd, header, 0, header.length, Number(root) * meta.pageBytes);
  const isTree = (header.readUInt16LE(18) & (FLAG_BRANCH | FLAG_LEAF)) !== 0;
  if (header.readBigUInt64LE(0) !== root || !isTree) throw damaged(file, 'its index is overwritten');
}

function damaged(file: string, how: string): StorageFailed {
  return new StorageFailed(`the data file ${file} is damaged (${how}); restore it from a backup`, true);
}
