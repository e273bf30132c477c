import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newClusterSecret, readClusterSecrets } from '../../../src/cluster/transport/secret.ts';
import { LINK_SILENT_MS } from '../../../src/model/limits.ts';
import type { PeerAddress } from '../../../src/model/transport.ts';
import { freePort } from '../../support/free-port.ts';
import { testFolder } from '../../support/test-folder.ts';
import { startNode } from '../../support/transports.ts';
import { until } from '../../support/until.ts';

interface Running {
  readonly at: PeerAddress;
  readonly child: ChildProcess;
}

async function startProcess(
  t: TestContext,
  folder: string,
  secretFile: string,
  port: number,
): Promise<Running> {
  mkdirSync(folder, { recursive: true });
  const child = fork(new URL('../../support/transport-process.ts', import.meta.url), [
    folder,
    secretFile,
    `127.0.0.1:${port}`,
  ]);
  t.after(() => child.kill('SIGKILL'));
  const [at] = (await once(child, 'message')) as [PeerAddress];
  return { at, child };
}

test('processes are linked, one is killed: known at once, and linked again when it is back under its name', async (t) => {
  const folder = testFolder('transport');
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, `${newClusterSecret(randomBytes)}\n`, { mode: 0o600 });
  const [port, other] = [await freePort(), await freePort()];
  const [first, second] = await Promise.all([
    startProcess(t, join(folder, 'one'), secretFile, port),
    startProcess(t, join(folder, 'two'), secretFile, other),
  ]);
  const here = await startNode(t, { secrets: () => readClusterSecrets(secretFile) });
  const all = [first.at, second.at, here.at];
  first.child.send(all);
  second.child.send(all);
  here.keep(all);
  await until('both are linked', () => here.peers().length === 2);
  const reply = await here.request(first.at.peer, Buffer.from('echo me'));
  assert.equal(Buffer.from(reply).toString(), 'echo me');

  const pending = Array.from({ length: 5 }, () => here.request(first.at.peer, Buffer.from('hold me')));
  const outcomes = Promise.allSettled(pending);
  await here.request(first.at.peer, Buffer.from('echo: they have arrived'));
  const began = performance.now();
  first.child.kill('SIGKILL');
  for (const outcome of await outcomes) {
    assert.equal((outcome as PromiseRejectedResult).reason.code, 'connection_lost');
  }
  const tookMs = performance.now() - began;
  assert(tookMs < LINK_SILENT_MS / 2, `${tookMs} ms: it was not its silence that told`);
  assert.deepEqual(here.peers(), [second.at.peer]);
  await here.request(second.at.peer, Buffer.from('echo'));

  const again = await startProcess(t, join(folder, 'one'), secretFile, port);
  assert.equal(again.at.peer, first.at.peer, 'the identity lies in its folder');
  again.child.send(all);
  await until('it is linked again', () => here.peers().length === 2);
  await here.request(first.at.peer, Buffer.from('echo'));
});
