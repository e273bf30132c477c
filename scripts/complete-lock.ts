/**
 * Completes package-lock.json: run it after each `npm install PACKAGE`.
 *
 * npm leaves a package for another platform out of the lock file when the registry it asked does not hold it, and `npm ci`
 * then refuses the whole lock file. Such packages (all optional, all for one operating system) are entered by name and
 * version; they have no integrity until an `npm install` on a complete registry adds it.
 *
 * @module
 */
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';

interface LockEntry {
  version?: string;
  cpu?: string[];
  dev?: boolean;
  libc?: string[];
  optional?: boolean;
  os?: string[];
  optionalDependencies?: Record<string, string>;
}

/** The platform that a package's name ends in, e.g. `linux-x64-musl`; undefined where it names none. */
export function platformOf(name: string): Pick<LockEntry, 'cpu' | 'libc' | 'os'> | undefined {
  const found =
    /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(-.*)?$/.exec(
      name,
    );
  if (!found) return undefined;
  const flavour = found[3] ?? '';
  return {
    cpu: [found[2]!],
    ...(flavour.includes('musl') ? { libc: ['musl'] } : flavour.includes('gnu') ? { libc: ['glibc'] } : {}),
    os: [found[1]!],
  };
}

/** Enters what is missing. @returns the names it entered. */
export function completeLock(packages: Record<string, LockEntry>): string[] {
  const added: string[] = [];
  for (const entry of Object.values({ ...packages })) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const platform = platformOf(name);
      const key = `node_modules/${name}`;
      if (!platform || packages[key] || !/^\d/.test(version)) continue;
      const { cpu, ...rest } = platform;
      packages[key] = { version, cpu, ...(entry.dev ? { dev: true } : {}), ...rest, optional: true };
      added.push(`${name}@${version}`);
    }
  }
  return added;
}

if (import.meta.main) {
  const file = new URL('../package-lock.json', import.meta.url);
  const stamp = new URL('../node_modules/.package-lock.json', import.meta.url);
  const upToDate = statSync(stamp).mtimeMs >= statSync(file).mtimeMs;
  const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockEntry> };
  const added = completeLock(lock.packages);
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(sorted);
  if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  // Nothing for this platform was entered, so what is installed is still what the lock file says: the launcher need not install again.
  if (upToDate) utimesSync(stamp, new Date(), new Date());
  const names = added.map((name) => `\n  ${name}`).join('');
  process.stdout.write(`package-lock.json: ${added.length} platform packages entered${names}\n`);
}
