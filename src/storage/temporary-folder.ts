/**
 * Folders of `inmem` stores: made private, named so that they are recognised, removed at close; what a killed server left behind is removed by
 * the next that starts.
 *
 * @module
 */
import { lstatSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { HOUR_MS } from '../model/limits.ts';
import { StorageFailed } from '../model/storage.ts';
import { systemReason } from '../model/system-reason.ts';
import { isFolderHeld, type LockedFolder, lockFolder } from './folder-lock.ts';

export const TEMPORARY_PREFIX = 'coffer-inmem-';
/** A folder is under this name until it is locked, so that no other server takes it for a left-over. */
const NEW_PREFIX = 'coffer-new-';

/** Makes and locks a folder (0700) under the system's temporary folder; `release` removes it. */
export function makeTemporaryFolder(): LockedFolder {
  const base = tmpdir();
  let fresh: string;
  try {
    removeLeftOvers(base);
    fresh = mkdtempSync(join(base, NEW_PREFIX));
  } catch (error) {
    throw new StorageFailed(
      `no temporary folder can be made in ${base}: ${systemReason(error)}`,
      true,
      error,
    );
  }
  const lock = lockFolder(fresh);
  const folder = join(base, `${TEMPORARY_PREFIX}${basename(fresh).slice(NEW_PREFIX.length)}`);
  renameSync(fresh, folder);
  return {
    folder,
    release() {
      rmSync(folder, { recursive: true, force: true });
      lock.release();
    },
  };
}

/** A file of a store: what somebody else keeps under such a name is not ours to remove. */
function isOurs(name: string): boolean {
  return name.startsWith('server.') || name.startsWith('coffer.mdb');
}

/** Only real folders of our own user are touched: others may write to the temporary folder too. */
function removeLeftOvers(base: string): void {
  for (const name of readdirSync(base)) {
    const finished = name.startsWith(TEMPORARY_PREFIX);
    if (!finished && !name.startsWith(NEW_PREFIX)) continue;
    const folder = join(base, name);
    try {
      const found = lstatSync(folder);
      if (!found.isDirectory() || found.uid !== process.getuid?.()) continue;
      if (!finished && Date.now() - found.mtimeMs < HOUR_MS) continue;
      if (!readdirSync(folder).every(isOurs)) continue;
      if (!isFolderHeld(folder)) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another server was faster, or it is not ours to remove.
    }
  }
}
