import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('ci');
mkdirSync(join(folder, '.ci'));
cpSync(fileURLToPath(new URL('../../.ci/run', import.meta.url)), join(folder, '.ci/run'));

/** Runs it with an `npm` that prints these lines for `npm test` and `npm run compat`, and ends with this code. */
function ci(
  tests: string,
  compat: string,
  code = 0,
): { last: string; output: string; status: number | null } {
  const npm = `#!/bin/sh\nif [ "$1" = test ]; then printf '${tests}'; else printf '${compat}'; fi\nexit ${code}\n`;
  writeFileSync(join(folder, 'npm'), npm, { mode: 0o755 });
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  const done = spawnSync('bash', [join(folder, '.ci/run')], { cwd: '/', encoding: 'utf8', env });
  return { last: done.stdout.trimEnd().split('\n').at(-1)!, output: done.stdout, status: done.status };
}

test('both runs are shown and their closing lines summed', () => {
  const done = ci('ok a\\n3 passed, 0 failed, 1 skipped\\n', 'ok b\\n4 passed, 0 failed\\n');
  assert.equal(done.last, '7 passed, 0 failed, 1 skipped');
  assert.match(done.output, /^ok a$[\s\S]*^ok b$/m);
  assert.equal(done.status, 0);
});

test('a failure in either, or an exit code without one, fails the whole', () => {
  const failed = ci('3 passed, 0 failed\\n', '4 passed, 2 failed\\n');
  assert.deepEqual([failed.last, failed.status], ['7 passed, 2 failed', 1]);
  assert.equal(ci('3 passed, 0 failed\\n', '4 passed, 0 failed\\n', 1).status, 1);
});

test('a run that ends without its closing line counts as a failure', () => {
  const done = ci('3 passed, 0 failed\\n', 'Segmentation fault\\n');
  assert.deepEqual([done.last, done.status], ['3 passed, 1 failed', 1]);
});
