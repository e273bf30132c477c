/**
 * Where downloads and builds of the compatibility harness are kept between runs: `$COFFER_CACHE`, or `.cache/` of the project.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** The folder all of this module's entries stand in; created where absent. */
export function cacheFolder(): string {
  const folder = join(process.env.COFFER_CACHE || join(PROJECT, '.cache'), 'compat');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * The folder `name-<hash of key>`, made by `fill` once. A fill that throws leaves nothing; two runs at the same time fill twice and the
 * first one stays. What `fill` writes must not depend on where it stands, unless `inPlace` (Python environments hold absolute paths).
 */
export async function cached(
  name: string,
  key: string,
  fill: (folder: string) => Promise<void>,
  { inPlace = false } = {},
): Promise<string> {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${name}-${hash}`);
  const done = join(folder, '.complete');
  if (existsSync(done)) return folder;
  const work = inPlace ? folder : `${folder}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    await fill(work);
    writeFileSync(join(work, '.complete'), '');
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
  if (work !== folder) {
    if (existsSync(done)) {
      rmSync(work, { recursive: true, force: true });
    } else {
      rmSync(folder, { recursive: true, force: true });
      renameSync(work, folder);
    }
  }
  return folder;
}
