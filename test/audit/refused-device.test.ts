/** A device that was opened, failed and is closed: nothing of it lives on, whatever its type. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ChainOptions } from '../../src/audit/chain.ts';
import type { AuditDevice } from '../../src/audit/device.ts';
import { makeFileDevice } from '../../src/audit/file-device.ts';
import { makeSentDevice } from '../../src/audit/sent-device.ts';
import { AUDIT_CHECKPOINT_MS } from '../../src/model/limits.ts';
import { makeChainWorld } from '../support/audit-chain.ts';
import { freePort } from '../support/free-port.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('refused');

/** Counts the connections that are made to it, and takes none. */
async function peer() {
  const state = { connections: 0 };
  const server = createServer((socket: Socket) => {
    state.connections++;
    socket.on('error', () => {});
    socket.resetAndDestroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return Object.assign(state, { address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function loggerThatEnds(): string {
  const program = join(folder, 'logger');
  writeFileSync(program, '#!/bin/sh\nexit 1\n');
  chmodSync(program, 0o755);
  return program;
}

const MAKE: Record<string, (chain: ChainOptions, address: string) => AuditDevice | Promise<AuditDevice>> = {
  'file on a full disk': (chain) => makeFileDevice({ options: { file_path: '/dev/full' }, salt: 's', chain }),
  'socket whose peer goes away': (chain, address) =>
    makeSentDevice({ type: 'socket', options: { address }, salt: 's', chain }),
  'syslog whose program ends': (chain) =>
    makeSentDevice({ type: 'syslog', options: {}, salt: 's', chain, loggerProgram: loggerThatEnds() }),
  'http whose peer goes away': (chain, address) =>
    makeSentDevice({ type: 'http', options: { uri: `http://${address}/x` }, salt: 's', chain }),
  'http where nobody listens': async (chain) => {
    const uri = `http://127.0.0.1:${await freePort()}/x`;
    return makeSentDevice({ type: 'http', options: { uri }, salt: 's', chain });
  },
};
for (const [name, make] of Object.entries(MAKE)) {
  test(`nothing lives on of a device that failed and was closed: ${name}`, async () => {
    const { heads, signer, clock, alarms } = makeChainWorld();
    const server = await peer();
    const alarm = (text: string) => void alarms.push(text);
    const chain = {
      id: 'c'.repeat(16),
      device: 'd/',
      node: 'n1',
      heads,
      signer,
      clock,
      alarm,
      now: clock.wallMs,
    };
    const device = await make(chain, server.address);
    await device.open().catch(() => {});
    // What is written before the loss of a connection is known may be lost without a word.
    for (let line = 0; line < 3; line++) await device.write('{"n":1}').catch(() => {});
    await device.close();
    assert.equal(clock.pending(), 0);
    const { connections } = server;
    alarms.length = 0;
    clock.advance(10 * AUDIT_CHECKPOINT_MS);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.pending(), 0);
    assert.deepEqual(alarms, []);
    assert.equal(server.connections, connections);
  });
}

test('a device that was closed before it was opened makes nothing either', async () => {
  const world = makeChainWorld();
  const device = world.device(join(folder, 'never.log'));
  await device.close();
  assert.equal(world.clock.pending(), 0);
});
