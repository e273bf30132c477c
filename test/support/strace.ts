/**
 * strace: what system calls a program made, and in which order. Taken from PATH, or on Debian and Ubuntu fetched once into the cache, without
 * installing anything.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
/** strace and what it is linked against besides the C library. */
const PACKAGES = ['strace', 'libunwind8', 'liblzma5'];

/** How strace is called, such as `['strace']`; undefined where it cannot be had, or may not trace. */
export function findStrace(): string[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const own = ['strace'];
  if (works(own)) return own;
  const command = fetched();
  return command !== undefined && works(command) ? command : undefined;
}

function works([command = '', ...args]: readonly string[]): boolean {
  const options = { timeout: 10_000, stdio: 'ignore' as const };
  return spawnSync(command, [...args, '-f', '-o', '/dev/null', 'true'], options).status === 0;
}

function fetched(): string[] | undefined {
  const folder = join(process.env.COFFER_CACHE || join(PROJECT, '.cache'), 'strace');
  const found = () => globSync(join(folder, 'usr/bin/strace'))[0];
  if (found() === undefined && !fetch(folder)) return undefined;
  const program = found();
  if (program === undefined) return undefined;
  const libraries = new Set(globSync(join(folder, '**/*.so.*')).map((file) => dirname(file)));
  return ['env', `LD_LIBRARY_PATH=${[...libraries].join(':')}`, program];
}

function fetch(folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  const run = (command: string, args: string[]) =>
    spawnSync(command, args, { cwd: folder, timeout: 60_000, stdio: 'ignore' }).status === 0;
  // A library that the distribution names otherwise is not needed there.
  for (const name of PACKAGES) run('apt-get', ['download', name]);
  const packages = readdirSync(folder).filter((name) => name.endsWith('.deb'));
  for (const name of packages) {
    run('dpkg', ['-x', name, folder]);
    rmSync(join(folder, name));
  }
  return packages.some((name) => name.startsWith('strace_'));
}

/** One system call that ended. */
export interface SystemCall {
  readonly name: string;
  /** As strace prints them; the first is, with `-y`, such as `23</data/coffer.mdb>`. */
  readonly args: string;
  readonly result: string;
  /** Numbers of the lines in which it began and ended: smaller is earlier. */
  readonly began: number;
  readonly ended: number;
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (.*)$/s;
const BEGUN = /^(\d+) +(\w+)\((.*?) *<unfinished \.\.\.>$/s;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/s;

/** Reads what `strace -f -o FILE` wrote, in the order in which the calls ended. */
export function readCalls(file: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { name: string; args: string; began: number }>();
  const lines = readFileSync(file, 'latin1').split('\n');
  for (const [at, line] of lines.entries()) {
    const [, thread = '', name = '', args = '', result = ''] =
      WHOLE.exec(line) ?? RESUMED.exec(line) ?? BEGUN.exec(line) ?? [];
    if (thread === '') continue;
    if (BEGUN.test(line)) {
      open.set(thread, { name, args, began: at });
    } else if (RESUMED.test(line)) {
      const begun = open.get(thread);
      open.delete(thread);
      if (begun) calls.push({ name, args: begun.args + args, result, began: begun.began, ended: at });
    } else {
      calls.push({ name, args, result, began: at, ended: at });
    }
  }
  return calls;
}
