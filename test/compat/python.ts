/**
 * Python environments with pinned packages, in the cache.
 *
 * @module
 */

import { join } from 'node:path';
import { cached } from './cache.ts';
import { findProgram, run } from './programs.ts';

const INSTALL_TIMEOUT_MS = 180_000;
const PIP = ['-m', 'pip', '--disable-pip-version-check', '--quiet'];

/** `python3` on PATH, or undefined. */
export function findPython(): string | undefined {
  return findProgram('python3');
}

/**
 * An environment holding `requirements` (lines `name==version`), and what `then` adds to it. Made once, then kept.
 * @returns its `bin` folder.
 * @throws Error with pip's words when a package cannot be had.
 */
export async function pythonEnvironment(
  name: string,
  python: string,
  requirements: string[],
  then: (pip: (...args: string[]) => Promise<void>, folder: string) => Promise<void> = async () => {},
): Promise<string> {
  const folder = await cached(
    name,
    [python, ...requirements].join('\n'),
    async (work) => {
      await must(python, ['-m', 'venv', work]);
      const own = join(work, 'bin', 'python3');
      const pip = (...args: string[]) => must(own, [...PIP, ...args]);
      await pip('install', ...requirements);
      await then(pip, work);
    },
    { inPlace: true },
  );
  return join(folder, 'bin');
}

async function must(command: string, args: string[]): Promise<void> {
  const result = await run(command, args, { timeoutMs: INSTALL_TIMEOUT_MS });
  if (result.code !== 0) {
    const why = result.timedOut ? 'took too long' : `${result.stderr}\n${result.stdout}`.trim();
    throw new Error(`${command} ${args.join(' ')}: ${why.slice(-2_000)}`);
  }
}
