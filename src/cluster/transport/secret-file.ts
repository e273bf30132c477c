/**
 * Changing the cluster's secret file: whole or not at all, on disk before it returns, for its owner's eyes alone. Comments stay.
 *
 * @module
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { SECRET_FILE_BYTES_MAX } from '../../model/limits.ts';
import { parseClusterSecrets, readPrivateFile } from './secret.ts';

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
  replace(file, changed);
}

function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  rmSync(draft, { force: true });
  const fd = openSync(draft, 'wx', 0o600);
  try {
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
