/**
 * The file that names our process while we run.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { systemReason } from './model/system-reason.ts';

/** @throws Error where it cannot be written: whoever asked for it relies on it. */
export function writePidFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    writeFileSync(file, `${process.pid}\n`, { mode: 0o644 });
  } catch (error) {
    throw new Error(`the pid file ${file} cannot be written: ${systemReason(error)}`);
  }
  return file;
}
