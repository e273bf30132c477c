/** @module What a killed process leaves behind ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { testFolder } from '../../support/test-folder.ts';
import { until } from '../../support/until.ts';

const PROGRAM = `
import { startServer } from ${JSON.stringify(new URL('../../support/server.ts', import.meta.url).href)};
import { endWithUs } from ${JSON.stringify(new URL('end-with-us.ts', import.meta.url).href)};
const ends = endWithUs(process.argv[1]);
const spawned = (pid) => { ends(pid); console.log(pid); };
await startServer({ command: 'sleep', args: ['60'], address: 'http://127.0.0.1:1', spawned });
`;

test('a program that is killed takes its servers and its folder with it, also those that do not answer yet', async () => {
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
