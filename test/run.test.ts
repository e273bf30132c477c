import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { byHand, missing, notOnThisPlatform, notYet } from './support/missing.ts';
import { testFolder } from './support/test-folder.ts';

const folder = testFolder('run');

const HEAD = `import { describe, test } from 'node:test'; import assert from 'node:assert/strict';\n`;

/** Runs the runner on these files. */
function run(
  files: Record<string, string>,
  ci = '',
  more: Record<string, string> = {},
): { lines: string[]; output: string; status: number | null } {
  const names = Object.entries(files).map(([name, text]) => {
    writeFileSync(join(folder, name), HEAD + text);
    return join(folder, name);
  });
  // A runner that finds this variable takes itself for a test file and runs nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const entry = fileURLToPath(new URL('run.ts', import.meta.url));
  const done = spawnSync(process.execPath, [entry, ...names], {
    encoding: 'utf8',
    env: { ...env, CI: ci, ...more },
  });
  return { lines: done.stdout.trimEnd().split('\n'), output: done.stdout, status: done.status };
}

test('all passed: the closing line says so and the exit code is 0', () => {
  const { lines, status } = run({ 'good.test.mjs': `test('1', () => {}); test('2', () => {});` });
  assert.equal(lines.at(-1), '2 passed, 0 failed');
  assert.equal(status, 0);
});

test('tests in and outside suites are counted once each, suites not at all', () => {
  const { lines, output, status } = run({
    'a.test.mjs': `test('1', () => {}); describe('s', () => { test('2', () => {}); test('3', () => assert(false)); });`,
    'b.test.mjs': `test('4', () => {});`,
  });
  assert.equal(lines.at(-1), '3 passed, 1 failed');
  assert.equal(status, 1);
  assert.match(output, /FAILED .*a\.test\.mjs: 2 passed, 1 failed/);
  assert.match(output, /ok {5}.*b\.test\.mjs: 1 passed \(/);
});

test('a file that crashes after its tests, does not parse, or holds no test has failed', () => {
  const { lines, output, status } = run({
    'late.test.mjs': `test('1', () => {}); setTimeout(() => { throw new Error('late trouble'); }, 20);`,
    'syntax.test.mjs': 'this is no program',
    'none.test.mjs': '',
  });
  assert.equal(lines.at(-1), '1 passed, 3 failed');
  assert.equal(status, 1);
  assert.match(output, /late trouble/);
  assert.match(output, /SyntaxError/);
  assert.match(output, /holds no test that ran/);
});

test('skips are named with their reasons; in CI only those for the platform, by hand or of what is not served yet stay skips', () => {
  const text = `test('tool', { skip: '${missing('strace')}' }, () => {});
    test('os', (t) => t.skip('${notOnThisPlatform('Linux only')}')); test('runs', () => {}); test('later', (t) => t.todo('${notYet('wrapping')}')); test('other', { skip: '${byHand('set X')}' }, () => {});
    describe('all of it', { skip: '${missing('etcd')}' }, () => { test('x', () => {}); });`;
  const lax = run({ 'skip.test.mjs': text });
  assert.equal(lax.lines.at(-1), '1 passed, 0 failed, 5 skipped');
  assert.match(lax.output, /^skipped: .*skip\.test\.mjs › tool: missing: strace$/m);
  const strict = run({ 'skip.test.mjs': text }, 'true');
  assert.equal(strict.lines.at(-1), '1 passed, 2 failed, 3 skipped');
  assert.equal(strict.status, 1);
});

test('a file that hangs is stopped, named, and has failed; the others go on', () => {
  const files = {
    'hang.test.mjs': `test('1', () => {}); test('2', () => new Promise((done) => setTimeout(done, 60_000)));`,
    'quick.test.mjs': `test('3', () => {});`,
  };
  const { lines, output, status } = run(files, '', { TEST_FILE_MS_MAX: '1500' });
  assert.equal(lines.at(-1), '2 passed, 1 failed');
  assert.equal(status, 1);
  assert.match(output, /^FAILED .*hang\.test\.mjs: stopped, it took too long$/m);
});
