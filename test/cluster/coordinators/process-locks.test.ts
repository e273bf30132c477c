import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { atOnce } from '../../support/at-once.ts';
import { testFolder } from '../../support/test-folder.ts';

const MODULE = new URL('../../../src/cluster/coordinators/process-locks.ts', import.meta.url).href;

test('who lets go of its lock while another looks at it is not proved dead, and its file does not come back', async () => {
  const folder = join(testFolder(), 'locks');
  const said = await atOnce(
    3,
    60,
    `const { makeProcessLocks } = await import(${JSON.stringify(MODULE)});
    const locks = makeProcessLocks(${JSON.stringify(folder)});
    if (me === 0) for (let n = 0; n < 60; n++) locks.hold('life' + n);`,
    `if (me === 0) locks.release('life' + n);
    else while (!over()) if (locks.isDead('life' + n)) { say('dead'); break; }`,
  );
  for (const [round, words] of said.entries()) assert.deepEqual(words, [], `round ${round}`);
  assert.deepEqual(readdirSync(folder), []);
});
