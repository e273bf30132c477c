/**
 * Changing the cluster's secret file. Comments stay.
 *
 * @module
 */
import { SECRET_FILE_BYTES_MAX } from '../../model/limits.ts';
import { readPrivateFile, replacePrivateFile } from './private-file.ts';
import { parseClusterSecrets } from './secret.ts';

/** Accepted from now on, besides the others. @throws Error in one sentence; then the file is as it was. */
export function addSecret(file: string, secret: string): void {
  change(file, (lines) => (lines.includes(secret) ? lines : [...lines, secret]));
}

/** Accepted no more. */
export function dropSecret(file: string, secret: string): void {
  change(file, (lines) => lines.filter((line) => line !== secret));
}

/** The only one from now on. */
export function keepSecret(file: string, secret: string): void {
  change(file, (lines) => [...lines.filter((line) => line === '' || line.startsWith('#')), secret]);
}

function change(file: string, next: (lines: string[]) => string[]): void {
  const text = readPrivateFile(file, SECRET_FILE_BYTES_MAX);
  const lines = text.split('\n').map((line) => line.trim());
  while (lines.at(-1) === '') lines.pop();
  const changed = `${next(lines).join('\n')}\n`;
  if (changed === text) return;
  parseClusterSecrets(changed);
  replacePrivateFile(file, changed);
}
