/**
 * Folders of a test's own.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();
// Behind all hooks: whoever writes in them has been stopped by then, whatever order the hooks ran in.
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/**
 * A new empty folder that is removed when the test's process ends. Below the machine's temporary folder, as sockets need a short path.
 * @param about - of what its name begins with, for whoever finds one that was left.
 */
export function testFolder(about = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `coffer-${about}-`));
  folders.add(folder);
  return folder;
}
