/**
 * SPIN, the model checker: taken from PATH, or on Debian and Ubuntu fetched once into the cache, without installing anything.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const COMPILERS = ['gcc', 'cc', 'clang'];

export interface Tools {
  readonly spin: string;
  /** A C compiler: SPIN writes the checker of a model as a C program. */
  readonly compiler: string;
}

/** The tools, or the names of what is missing here. */
export function findTools(): Tools | { missing: string } {
  const compiler = COMPILERS.find((name) => works(name, '--version'));
  if (compiler === undefined) return { missing: 'a C compiler' };
  const spin = works('spin', '-V') ? 'spin' : fetched();
  return spin === undefined ? { missing: 'spin' } : { spin, compiler };
}

function works(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { timeout: 10_000, stdio: 'ignore' }).status === 0;
}

function fetched(): string | undefined {
  const folder = join(process.env.COFFER_CACHE || join(PROJECT, '.cache'), 'spin');
  const program = join(folder, 'usr/bin/spin');
  if (!existsSync(program)) fetch(folder);
  return existsSync(program) && works(program, '-V') ? program : undefined;
}

function fetch(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const run = (command: string, args: string[]) =>
    spawnSync(command, args, { cwd: folder, timeout: 60_000, stdio: 'ignore' });
  run('apt-get', ['download', 'spin']);
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.deb'))) {
    run('dpkg', ['-x', name, folder]);
    rmSync(join(folder, name));
  }
}
