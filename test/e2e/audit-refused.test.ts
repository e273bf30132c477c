/**
 * Audit devices that cannot be enabled: nothing of them is left, and the server stops as if they had never been asked for.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { asking, succeed } from '../support/asking.ts';
import { freePort } from '../support/free-port.ts';
import { startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

test('a device that is refused does not keep the server from stopping, nor does one that hangs', async (t) => {
  const folder = testFolder('audit-refused');
  const sockets: Socket[] = [];
  const hanging: Server = createServer((socket) => void sockets.push(socket.pause().on('error', () => {})));
  hanging.listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    hanging.close();
  });
  const server = await startDev({ args: [`-dev-data=${join(folder, 'data')}`] });
  t.after(() => server.stop());
  const root = asking(server.address);
  const nobody = `127.0.0.1:${await freePort()}`;
  const refused: (readonly [string, Record<string, string>])[] = [
    ['http', { uri: `http://${nobody}/x` }],
    ['socket', { address: nobody }],
    ['syslog', { address: `tcp://${nobody}` }],
    ['file', { file_path: '/dev/full' }],
    ...(existsSync('/dev/log') ? [] : [['syslog', {}] as const]),
  ];
  for (const [type, options] of refused) {
    const reply = await root('PUT', `sys/audit/${type}`, { type, options });
    assert.equal(reply.status, 400, `${type}: ${JSON.stringify(reply.body)}`);
  }
  assert.deepEqual((await root('GET', 'sys/audit')).body.data, {});
  assert.deepEqual((await root('LIST', 'sys/audit-chains')).body.data?.keys ?? [], []);
  const { port } = hanging.address() as AddressInfo;
  const options = { address: `127.0.0.1:${port}`, write_timeout: '60s' };
  await succeed(root, 'PUT', 'sys/audit/file', {
    type: 'file',
    options: { file_path: join(folder, 'a.log') },
  });
  await succeed(root, 'PUT', 'sys/audit/socket', { type: 'socket', options });
  for (const [path, file_path, text] of [
    ['file/below', join(folder, 'b.log'), /path already in use/],
    ['other', join(folder, '.', 'a.log'), /another audit device writes that file/],
  ] as const) {
    const reply = await root('PUT', `sys/audit/${path}`, { type: 'file', options: { file_path } });
    assert.equal(reply.status, 400);
    assert.match(reply.text, text);
  }
  // More than the connection takes without a reader.
  const large = 'x'.repeat(4 * 1024 * 1024);
  const stored = await root('PUT', 'secret/data/a', { data: { large } });
  assert.equal(stored.status, 200);
  const reads = Array.from({ length: 4 }, () => root('GET', 'secret/data/a'));
  for (const reply of await Promise.all(reads)) assert.equal(reply.status, 200);
  const late = setTimeout(() => process.kill(server.pid, 'SIGKILL'), 40_000);
  process.kill(server.pid, 'SIGTERM');
  assert.equal(await server.exited, 0);
  clearTimeout(late);
  assert(!server.stderr().includes('a checkpoint of the audit log could not be made'));
});
