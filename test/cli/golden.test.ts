/**
 * Every case of `golden/*.txt` against Coffer's own dev server. `record.ts` wrote what `bao` prints; what Vault prints otherwise was
 * put in by hand, with its authority.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { notYet } from '../support/missing.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { writeFixtures } from './golden/fixtures.ts';
import { runCase } from './golden/run-case.ts';
import { type GoldenCase, parseTranscript } from './golden/transcript.ts';

const FOLDER = join(import.meta.dirname, 'golden');

let server: RunningServer;
before(async () => {
  server = await startDev({ rootToken: 'root' });
});
after(() => server?.stop());

for (const file of globSync('*.txt', { cwd: FOLDER }).sort()) {
  describe(`golden ${basename(file, '.txt')}`, () => {
    const dir = testFolder('golden');
    writeFixtures(dir);
    const saved = new Map<string, string>();
    for (const golden of parseTranscript(readFileSync(join(FOLDER, file), 'utf8'))) {
      test(`${golden.title} [${golden.authority}]`, async (context) => {
        assert.notEqual(golden.authority, '', 'a golden case names its authority');
        const outcome = inLines(await runCase(golden, { address: server.address, dir, saved }));
        if (golden.waits === undefined) return assert.deepEqual(outcome, inLines(golden));
        assert.notDeepEqual(outcome, inLines(golden), 'it no longer waits: take the line out');
        context.todo(notYet(golden.waits));
      });
    }
  });
}

/** A difference in one line is easier to see in a list of lines. */
function inLines({ stdout, stderr, exit }: Pick<GoldenCase, 'stdout' | 'stderr' | 'exit'>) {
  return { stdout: stdout.split('\n'), stderr: stderr.split('\n'), exit };
}
