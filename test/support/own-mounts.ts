/**
 * Small file systems for one program, in a mount namespace that ends with it. Needs root or user namespaces.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { missing } from './missing.ts';

const ENTER = ['unshare', '--map-root-user', '--mount', 'sh', '-c'];

/** For `test(name, { skip })`: why it cannot be done here, or false. */
export const noOwnMounts: string | false =
  spawnSync(ENTER[0]!, [...ENTER.slice(1), 'mount -t tmpfs tmpfs /mnt']).status === 0
    ? false
    : missing('the right to mount a file system of its own (unshare)');

/** A file system of `bytes`, in memory, on `folder`, which must be there. */
export function tmpfsOn(folder: string, bytes: number): string {
  return `mount -t tmpfs -o size=${bytes} tmpfs ${folder}`;
}

/** `folder` as it is, but nothing in it can be written. */
export function readOnly(folder: string): string {
  return `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`;
}

/**
 * What a program is started through, so that it sees `mounts`. Its files are seen from outside under `insideOf(pid, path)`.
 * @param runs - how often it runs, one after the other ended: what is in memory is kept between two.
 */
export function withMounts(mounts: readonly string[], runs: 1 | 2 = 1): string[] {
  const script = [...mounts, runs === 2 ? '{ "$@"; exec "$@"; }' : 'exec "$@"'].join(' && ');
  return [...ENTER, script, 'sh'];
}

/** @param pid - of a process that sees the mounts. */
export function insideOf(pid: number, path: string): string {
  return `/proc/${pid}/root${path}`;
}
