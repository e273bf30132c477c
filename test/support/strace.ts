/**
 * `strace`: the machine's own, or Debian's package, unpacked into the cache folder so that no system is changed.
 *
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../compat/cache.ts';

const runs = (command: string): boolean => spawnSync(command, ['-o', '/dev/null', 'true']).status === 0;

/** Its command, or undefined where it cannot be had. */
export function findStrace(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  if (runs('strace')) return 'strace';
  const folder = join(cacheFolder(), 'strace');
  const unpacked = join(folder, 'usr', 'bin', 'strace');
  if (runs(unpacked)) return unpacked;
  try {
    mkdirSync(folder, { recursive: true });
    execFileSync('apt-get', ['download', 'strace'], { cwd: folder, stdio: 'ignore', timeout: 60_000 });
    const deb = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (deb) execFileSync('dpkg', ['-x', deb, '.'], { cwd: folder, stdio: 'ignore' });
    return runs(unpacked) ? unpacked : undefined;
  } catch {
    return undefined;
  }
}
