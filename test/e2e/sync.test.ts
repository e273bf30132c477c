/** Between each commit and its answer there is a finished sync, as the kernel saw it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { call } from '../support/http.ts';
import { missing, notOnThisPlatform } from '../support/missing.ts';
import { startDev } from '../support/server.ts';
import { findStrace } from '../support/strace.ts';

const WRITES = 20;

const folder = mkdtempSync(join(tmpdir(), 'coffer-sync-'));
const strace = findStrace();
const skip =
  process.platform === 'linux'
    ? strace
      ? false
      : missing('strace')
    : notOnThisPlatform('strace is Linux only');

test('every write is answered after a finished sync of the data file', {
  skip,
  timeout: 60_000,
}, async () => {
  const server = await startDev({ rootToken: 'root', args: [`-dev-data=${join(folder, 'data')}`] });
  const log = join(folder, 'trace');
  const tracer = spawn(
    strace!,
    [
      '-f',
      '-y',
      '-s',
      '256',
      '-e',
      'trace=fdatasync,fsync,msync,pwrite64,write,writev,sendto',
      '-o',
      log,
      '-p',
      String(server.pid),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    await new Promise<void>((resolve) =>
      tracer.stderr.on('data', (text) => String(text).includes('attached') && resolve()),
    );
    for (let n = 0; n < WRITES; n++) {
      const path = `/v1/secret/data/sync/marker-${n}`;
      const reply = await call(server.address, 'POST', path, { token: 'root', body: { data: { n } } });
      assert.equal(reply.status, 200);
    }
  } finally {
    tracer.kill('SIGINT');
    await new Promise((resolve) => tracer.once('exit', resolve));
    await server.stop();
  }
  const lines = readFileSync(log, 'utf8').split('\n');
  let synced = false;
  let answered = 0;
  for (const line of lines) {
    // A sync has finished where its result stands on the line, begun in one piece or resumed. LMDB's meta page goes through a descriptor
    // opened with O_DSYNC: its pwrite64 is a sync by itself, and the second one of each commit.
    if (/(fdatasync|fsync|msync)(\(| resumed).*= 0$/.test(line)) synced = true;
    if (/(write|writev|sendto)\(.*HTTP\/1\.1 200 OK/.test(line)) {
      assert(synced, `answer ${answered + 1} left before any sync since the one before: ${line}`);
      synced = false;
      answered++;
    }
  }
  assert.equal(answered, WRITES);
  rmSync(folder, { recursive: true, force: true });
});
