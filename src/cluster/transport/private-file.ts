/**
 * Small files that their owner alone may read or write: a node's identity, the cluster's secret. They are written whole or not at all, and are on
 * disk before a call returns.
 *
 * @module
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** @throws Error when others may use it, or when it is larger than `bytesMax`; what the system says. */
export function readPrivateFile(file: string, bytesMax: number): string {
  const fd = openSync(file, 'r');
  try {
    // Of what was opened, not of what lies under the name a moment later.
    const { mode, size } = fstatSync(fd);
    if ((mode & 0o077) !== 0) {
      throw new Error(
        `others than its owner may use it (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); chmod 600 makes it private`,
      );
    }
    if (size > bytesMax) throw new Error(`it has ${size} bytes, too many`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/** Where there is one already it stays: of two that start at once the second finds what the first one wrote. */
export function writeNewPrivateFile(file: string, text: string): void {
  write(file, text, (draft) => {
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  });
}

export function replacePrivateFile(file: string, text: string): void {
  write(file, text, (draft) => renameSync(draft, file));
}

function write(file: string, text: string, putInPlace: (draft: string) => void): void {
  const draft = `${file}.${process.pid}.new`;
  rmSync(draft, { force: true });
  try {
    synced(openSync(draft, 'wx', 0o600), (fd) => writeSync(fd, text));
    putInPlace(draft);
  } finally {
    rmSync(draft, { force: true });
  }
  synced(openSync(dirname(file), 'r'));
}

function synced(fd: number, act?: (fd: number) => void): void {
  try {
    act?.(fd);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
