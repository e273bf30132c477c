/**
 * A wall clock of its own for a process, which can be stepped while it runs; its monotonic clock stays as it is. Debian's libfaketime.
 *
 * @module
 */
import { renameSync, writeFileSync } from 'node:fs';
import { findProgram } from './debian-package.ts';

const TRIPLETS: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** The path of the library, or a sentence saying why there is none. `COFFER_LIBFAKETIME` names another one. */
export function findFaketime(): Promise<{ path: string } | { missing: string }> {
  const own = process.env.COFFER_LIBFAKETIME;
  if (own) return Promise.resolve({ path: own });
  return findProgram({
    package: 'libfaketime',
    version: '0.9.10',
    suite: 'bookworm',
    path: `usr/lib/${TRIPLETS[process.arch]}/faketime/libfaketimeMT.so.1`,
  });
}

/** Put before a command. @param file - says the step; see `stepWall`. */
export function withWallOf(library: string, file: string): string[] {
  return [
    'env',
    `LD_PRELOAD=${library}`,
    `FAKETIME_TIMESTAMP_FILE=${file}`,
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
    // Whether the file changed is looked at this often, s.
    'FAKETIME_CACHE_DURATION=1',
    // Files' times are not what is asked about, and sleeping is by the monotonic clock.
    'NO_FAKE_STAT=1',
    'FAKE_UTIME=0',
  ];
}

/** The wall clock is so far off from now on, s; 0 mends it. */
export function stepWall(file: string, seconds: number): void {
  // Never half of it.
  writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds.toFixed(3)}\n`);
  renameSync(`${file}.new`, file);
}
