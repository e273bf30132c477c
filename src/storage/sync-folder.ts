/**
 * Names, too, must survive a power loss.
 *
 * @module
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes durable which files `folder` has, where that can be done. */
export function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not every file system syncs folders, and the parent may not be ours to read. The data itself is synced by each commit.
  }
}
