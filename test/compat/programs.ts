/**
 * Other programs: finding them and running them to their end, within a time.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const OUTPUT_BYTES_MAX = 10_000_000;

export interface RunOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Milliseconds; the program and all it started are killed after it. */
  timeoutMs: number;
}

export interface RunResult {
  /** Exit code; undefined where it did not start or was killed. */
  code: number | undefined;
  stdout: string;
  stderr: string;
  /** True where `timeoutMs` ended it. */
  timedOut: boolean;
}

/** The file that `name` on PATH means, or undefined. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** PATH without the folders that hold a program called `name`. */
export function pathWithout(name: string, path = process.env.PATH ?? ''): string {
  return path
    .split(delimiter)
    .filter((folder) => !isExecutable(join(folder, name)))
    .join(delimiter);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Runs `command` in a process group of its own, so that servers its tests leave behind end with it. Never rejects. */
export function run(command: string, args: string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    const env = Object.fromEntries(
      Object.entries({ ...process.env, ...options.env }).filter(([, value]) => value !== undefined),
    );
    const child = spawn(command, args, {
      cwd: options.cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nothing is left of the group.
      }
    };
    const result: RunResult = { code: undefined, stdout: '', stderr: '', timedOut: false };
    const timer = setTimeout(() => {
      result.timedOut = true;
      killGroup();
    }, options.timeoutMs);
    process.once('exit', killGroup);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8');
      child[name].on('data', (chunk: string) => {
        result[name] = (result[name] + chunk).slice(-OUTPUT_BYTES_MAX);
      });
    }
    child.on('error', (error) => {
      result.stderr += String(error);
    });
    child.on('exit', (code) => {
      result.code = code ?? undefined;
      killGroup();
    });
    child.on('close', () => {
      clearTimeout(timer);
      process.off('exit', killGroup);
      resolve(result);
    });
  });
}
