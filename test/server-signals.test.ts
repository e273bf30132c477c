import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

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

/** A server that does not stop, told to end twice. */
function insist(isWriting: boolean) {
  const url = (path: string) => JSON.stringify(new URL(`../src/${path}`, import.meta.url).href);
  const program = `
    const { SILENT_LOG } = await import(${url('model/log.ts')});
    const { listenToSignals, untilEnded } = await import(${url('server-signals.ts')});
    const log = { ...SILENT_LOG, flush() {} };
    const coffer = { stop: () => new Promise(() => {}), isWriting: () => ${isWriting} };
    const signals = listenToSignals();
    setInterval(() => {}, 1_000);
    const said = { write: () => process.kill(process.pid, 'SIGINT') };
    void untilEnded(coffer, () => {}, log, signals, { stdout: said });
    process.kill(process.pid, 'SIGTERM');`;
  const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 20_000,
  });
  return status ?? signal;
}

test('the second signal ends at once, even where a sync never returns and would keep Node from exiting', () => {
  assert.equal(insist(false), 1);
  assert.equal(insist(true), 'SIGKILL');
});
