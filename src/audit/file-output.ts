/**
 * A log file: appended to, never truncated, opened again when asked (SIGHUP) and when it was removed or moved away.
 *
 * @module
 */
import { constants, write as fsWrite } from 'node:fs';
import { type FileHandle, open, stat, statfs } from 'node:fs/promises';
import { AUDIT_FILE_CHECK_MS } from '../model/limits.ts';
import { type Output, WriteBroke } from './line-sink.ts';
import { refuseOtherFile } from './log-file.ts';

/** Without NONBLOCK, opening a named pipe would hold a thread until somebody reads it. */
const FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOCTTY | constants.O_NONBLOCK;
const EXECUTE_BITS = 0o111;
/** File systems whose files are switches of the kernel: proc, sysfs, cgroup, cgroup2, debugfs, tracefs. */
const SWITCHES = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163]);
const LINE_END = Buffer.from('\n');
/** Opening the file again does not help against these. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** @param mode - permissions the file gets; undefined: it keeps its own, and must exist. */
export function makeFileOutput(path: string, mode: number | undefined): Output {
  let file: FileHandle | undefined;
  /** The file's last byte is not the end of a line: something broke off there. */
  let torn = false;
  let checkedMs = 0;
  /** The file that was open last: opened again, it is a log whatever stands in it. */
  let known: { readonly dev: number; readonly ino: number } | undefined;

  async function openFile(): Promise<FileHandle> {
    if (file) return file;
    const flags = mode === undefined ? FLAGS & ~constants.O_CREAT : FLAGS;
    const opened = await open(path, flags, mode ?? 0o600);
    try {
      const found = await opened.stat();
      if (!found.isFile() && !found.isCharacterDevice()) throw new Error(`${path} is not a file`);
      if (found.isFile()) {
        // A line of JSON in a program is a way to run something: never append to one.
        if ((found.mode & EXECUTE_BITS) !== 0) throw new Error(`${path} can be executed`);
        if (SWITCHES.has((await statfs(path)).type)) throw new Error(`${path} is not a file`);
        const isKnown = known?.dev === found.dev && known.ino === found.ino;
        // Before anything of it is changed.
        if (found.size > 0 && !isKnown) await refuseOtherFile(path, found);
        known = { dev: found.dev, ino: found.ino };
        if (mode !== undefined && (found.mode & 0o777) !== mode) await opened.chmod(mode);
        torn = found.size > 0 && !(await endsLine(path, found.size));
      }
    } catch (error) {
      await opened.close();
      throw error;
    }
    file = opened;
    checkedMs = performance.now();
    return opened;
  }

  async function closeFile(): Promise<void> {
    const closing = file;
    file = undefined;
    await closing?.close();
  }

  /** Has somebody removed the file under us, or moved it away? Its lines would go nowhere, or where nobody looks. */
  async function isGone(opened: FileHandle): Promise<boolean> {
    if (performance.now() - checkedMs < AUDIT_FILE_CHECK_MS) return false;
    checkedMs = performance.now();
    const [ours, there] = await Promise.all([opened.stat(), stat(path).catch(absent)]);
    if (there) return there.ino !== ours.ino || there.dev !== ours.dev;
    // Where it is not ours to make, what was moved away is written to until somebody has made it.
    return mode !== undefined || ours.nlink === 0;
  }

  /** @returns bytes that are out: all, or fewer with the error that came then. */
  async function append(bytes: Buffer): Promise<{ taken: number; error?: unknown }> {
    let taken = 0;
    try {
      let opened = await openFile();
      if (await isGone(opened)) {
        await closeFile();
        opened = await openFile();
      }
      if (torn) {
        await writeSome(opened.fd, LINE_END);
        torn = false;
      }
      while (taken < bytes.length) {
        taken += await writeSome(opened.fd, bytes.subarray(taken));
        torn = bytes[taken - 1] !== 0x0a;
      }
      return { taken };
    } catch (error) {
      return { taken, error };
    }
  }

  return {
    async open() {
      await openFile();
    },
    async write(bytes) {
      let { taken, error } = await append(bytes);
      const full = FULL.has((error as NodeJS.ErrnoException | undefined)?.code ?? '');
      if (taken === 0 && error !== undefined && file && !full) {
        // What went away may be back: open the file anew, once.
        await closeFile().catch(() => {});
        ({ taken, error } = await append(bytes));
      }
      if (error !== undefined) throw new WriteBroke(taken, error);
    },
    async reopen() {
      await closeFile();
      await openFile();
    },
    close: closeFile,
    async sync() {
      await file?.datasync();
    },
    tail: (bytesMax) => tailOf(path, bytesMax),
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Empty where the file cannot be read: its lines are gone on with from what the store knows. */
async function tailOf(path: string, bytesMax: number): Promise<Buffer> {
  try {
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size } = await reader.stat();
      const bytes = Buffer.alloc(Math.min(size, bytesMax));
      let got = 0;
      while (got < bytes.length) {
        const { bytesRead } = await reader.read(bytes, got, bytes.length - got, size - bytes.length + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      const read = bytes.subarray(0, got);
      return size > bytesMax ? read.subarray(read.indexOf(0x0a) + 1) : read;
    } finally {
      await reader.close();
    }
  } catch {
    return Buffer.alloc(0);
  }
}

/** @returns how many bytes were taken: at least one. */
function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    fsWrite(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error) reject(error);
      else if (written === 0) reject(new Error('nothing was written'));
      else resolve(written);
    });
  });
}

/** Where the last byte cannot be read, it is taken for a line's end: the check is a kindness, not a need. */
async function endsLine(path: string, size: number): Promise<boolean> {
  try {
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const byte = Buffer.alloc(1);
      await reader.read(byte, 0, 1, size - 1);
      return byte[0] === 0x0a;
    } finally {
      await reader.close();
    }
  } catch {
    return true;
  }
}
