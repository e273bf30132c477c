import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startNode, stopNodes } from '../../src/machine/node-process.ts';
import { COMPILED } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const base = testFolder();
const env = { PATH: process.env.PATH, HOME: base, NODE_COMPILE_CACHE: COMPILED };
const devArgs = async () => [
  'server',
  '-dev',
  '-dev-no-store-token',
  `-dev-listen-address=127.0.0.1:${await freePort()}`,
];
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a node tells when it listens, and ends in order when it is told to', async () => {
  const logFile = join(base, 'a.log');
  const node = startNode({ args: await devArgs(), env, logFile });
  after(() => node.signal('SIGKILL'));
  assert.equal(await node.listening, true);
  assert(node.isRunning());
  await stopNodes([node]);
  assert.equal(await node.ended, 0);
  assert(!node.isRunning());
  assert.match(readFileSync(logFile, 'utf8'), /shutdown triggered/);
  node.signal('SIGTERM');
});

test('one that cannot start never listens; why is in its log', async () => {
  const logFile = join(base, 'b.log');
  const node = startNode({ args: ['server', '-config=/nonexistent'], env, logFile });
  assert.equal(await node.listening, false);
  assert.equal(await node.ended, 1);
  assert.match(readFileSync(logFile, 'utf8'), /cannot read \/nonexistent/);
});

test('one that does not end in time is killed', async () => {
  const node = startNode({ args: await devArgs(), env, logFile: join(base, 'c.log') });
  after(() => node.signal('SIGKILL'));
  assert.equal(await node.listening, true);
  node.signal('SIGSTOP');
  await stopNodes([node], 50);
  assert.equal(await node.ended, 'SIGKILL');
});

test('a node ends by itself when whoever started it is killed', async () => {
  const MODULE = new URL('../../src/machine/node-process.ts', import.meta.url).href;
  const script = `const { startNode } = await import(${JSON.stringify(MODULE)});
    const node = startNode({ args: ${JSON.stringify(await devArgs())}, env: process.env, logFile: ${JSON.stringify(join(base, 'd.log'))} });
    await node.listening; process.stdout.write(String(node.pid)); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => parent.kill('SIGKILL'));
  const [said] = (await once(parent.stdout!, 'data')) as [Buffer];
  const pid = Number(said);
  assert(isAlive(pid));
  parent.kill('SIGKILL');
  await until('the node ends', () => !isAlive(pid));
  assert.match(readFileSync(join(base, 'd.log'), 'utf8'), /shutdown triggered/);
});
