/**
 * kill -9 in the middle of 64 concurrent writers, again and again: after each restart every acknowledged write is there, and nothing else is
 * damaged (issue: durability; design.md, guarantee 2).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { call } from '../test/support/http.ts';
import { startDev } from '../test/support/server.ts';

const KILLS = Number(process.env.KILLS ?? 20);
const WRITERS = 64;
const STILL = 200;

interface Writer {
  readonly path: string;
  /** The last number whose write was acknowledged. */
  acked: number;
  /** The last number that was sent. */
  sent: number;
}

const folder = mkdtempSync(join(tmpdir(), 'coffer-kill-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const start = () => startDev({ rootToken: 'root', args: [`-dev-data=${folder}`] });

async function write(address: string, writer: Writer): Promise<void> {
  const number = ++writer.sent;
  const body = { data: { number, padding: 'p'.repeat(300) } };
  const reply = await call(address, 'POST', `/v1/secret/data/${writer.path}`, { token: 'root', body });
  assert.equal(reply.status, 200, reply.text);
  writer.acked = number;
}

/** Writes until the server is killed under it. */
async function writeUntilKilled(address: string, writer: Writer, killed: () => boolean): Promise<void> {
  while (!killed()) {
    try {
      await write(address, writer);
    } catch (error) {
      if (!killed()) throw error;
    }
  }
}

async function check(address: string, writers: Writer[]): Promise<void> {
  for (const writer of writers) {
    const reply = await call(address, 'GET', `/v1/secret/data/${writer.path}`, { token: 'root' });
    if (writer.acked === 0 && reply.status === 404) continue;
    assert.equal(reply.status, 200, `${writer.path}: ${reply.text}`);
    const { number } = reply.body.data.data;
    assert(number >= writer.acked, `${writer.path}: ${number} is there, ${writer.acked} was acknowledged`);
    assert(number <= writer.sent, `${writer.path}: ${number} is there, only ${writer.sent} was sent`);
  }
  const list = await call(address, 'LIST', '/v1/secret/metadata/still', { token: 'root' });
  assert.equal(list.body.data.keys.length, STILL);
  const random = Math.floor(Math.random() * STILL);
  const still = await call(address, 'GET', `/v1/secret/data/still/${random}`, { token: 'root' });
  assert.deepEqual(still.body.data.data, { number: random });
  const policy = await call(address, 'GET', '/v1/sys/policies/acl/still', { token: 'root' });
  assert.equal(policy.body.data.policy, 'path "a" { capabilities = ["read"] }');
}

test(`after each of ${KILLS} kill -9 every acknowledged write is there`, { timeout: 600_000 }, async () => {
  const writers: Writer[] = Array.from({ length: WRITERS }, (_, n) => ({
    path: `moving/${n}`,
    acked: 0,
    sent: 0,
  }));
  let server = await start();
  const body = { policy: 'path "a" { capabilities = ["read"] }' };
  await call(server.address, 'PUT', '/v1/sys/policies/acl/still', { token: 'root', body });
  for (let number = 0; number < STILL; number++) {
    const reply = await call(server.address, 'POST', `/v1/secret/data/still/${number}`, {
      token: 'root',
      body: { data: { number } },
    });
    assert.equal(reply.status, 200);
  }
  let acknowledged = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    let killed = false;
    const { address, pid } = server;
    const before = writers.reduce((sum, writer) => sum + writer.acked, 0);
    const goal = before + 100 + Math.floor(Math.random() * 400);
    const writing = Promise.all(writers.map((writer) => writeUntilKilled(address, writer, () => killed)));
    while (writers.reduce((sum, writer) => sum + writer.acked, 0) < goal) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    killed = true;
    process.kill(pid, 'SIGKILL');
    await writing;
    await server.stop();
    server = await start();
    await check(server.address, writers);
    acknowledged = writers.reduce((sum, writer) => sum + writer.acked, 0);
  }
  await server.stop();
  console.log(`${KILLS} kills, ${acknowledged} acknowledged writes, none lost`);
});
