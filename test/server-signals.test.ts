import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { testFolder } from './support/test-folder.ts';

/** Runs `fault` in a process whose faults are logged. */
function run(fault: string) {
  const url = (path: string) => JSON.stringify(new URL(`../src/${path}`, import.meta.url).href);
  const program = `
    const { makeLog } = await import(${url('observe/log.ts')});
    const { logFaults } = await import(${url('server-signals.ts')});
    logFaults(makeLog({ level: 'info', format: 'json' }));
    ${fault}
    setTimeout(() => console.log('still here'), 50);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
}

test('a failure that nobody handled is logged without its secrets, and the server lives', () => {
  const { status, stdout, stderr } = run(
    "Promise.reject(new Error('token hvs.CAESIAAAAAAAAAAAAAAAAAAAAAAAA'));",
  );
  assert.deepEqual([status, stdout], [0, 'still here\n']);
  const line = JSON.parse(stderr);
  assert.equal(line['@message'], 'a failure that nobody handled');
  assert.equal(line.error.message, 'token hvs.[redacted]');
});

test('an error that nobody caught is logged, and the server ends', () => {
  const { status, stdout, stderr } = run("setImmediate(() => { throw new Error('half done'); });");
  assert.deepEqual([status, stdout], [1, '']);
  const line = JSON.parse(stderr);
  assert.equal(line['@message'], 'an error that nobody caught; the server ends');
  assert.equal(line.error.message, 'half done');
});

/** A server that has `stop` and `reload` for its own, and is told to end. */
function ending(coffer: string, before = '', said = '() => {}') {
  const url = (path: string) => JSON.stringify(new URL(`../src/${path}`, import.meta.url).href);
  const program = `
    const { SILENT_LOG } = await import(${url('model/log.ts')});
    const { listenToSignals, untilEnded } = await import(${url('server-signals.ts')});
    const log = { ...SILENT_LOG, flush() {} };
    const signals = listenToSignals();
    setInterval(() => {}, 1_000);
    ${before};
    void untilEnded(${coffer}, () => {}, log, signals, { stdout: { write: ${said} } });
    process.kill(process.pid, 'SIGTERM');`;
  const { status, signal, error } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  return error ? 'it did not end' : (status ?? signal);
}

/** A server that does not stop, told to end twice. */
const insist = (isWriting: boolean) =>
  ending(
    `{ stop: () => new Promise(() => {}), isWriting: () => ${isWriting} }`,
    '',
    "() => process.kill(process.pid, 'SIGINT')",
  );

test('the second signal ends at once, even where a sync never returns and would keep Node from exiting', () => {
  assert.equal(insist(false), 1);
  assert.equal(insist(true), 'SIGKILL');
});

const STOPS = '{ stop: async () => {}, isWriting: () => false }';

test('what lives on after all has stopped keeps the process no longer than a moment', () => {
  assert.equal(ending(STOPS), 0);
});

test('nor does a thread that is at a file and never returns', () => {
  const folder = testFolder('signals');
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const opening = `(await import('node:fs')).open(${JSON.stringify(pipe)}, 'r', () => {})`;
  assert.equal(ending(STOPS, opening), 'SIGKILL');
});
