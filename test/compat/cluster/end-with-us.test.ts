/** @module What a killed process leaves behind ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { testFolder, until } from '../../support/configured.ts';

const PROGRAM = `
import { spawn } from 'node:child_process';
import { endWithUs } from ${JSON.stringify(new URL('end-with-us.ts', import.meta.url).href)};
const child = spawn('sleep', ['60']);
endWithUs(process.argv[1])(child.pid);
console.log(child.pid);
`;

test('a program that is killed takes its servers and its folder with it', async () => {
  const folder = testFolder('end-with-us');
  const program = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, folder]);
  const pid = Number(String((await once(program.stdout, 'data'))[0]));
  assert(isThere(pid) && existsSync(folder));
  program.kill('SIGKILL');
  await until('both are gone', () => !isThere(pid) && !existsSync(folder));
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
