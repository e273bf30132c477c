/**
 * Audit devices on a member that did not enable them: the catalog says which there are.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { basename, join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeAudit } from '../../src/audit/audit.ts';
import { type Catalog, makeCatalog } from '../../src/cluster/catalog.ts';
import { OWN_CLAIMS } from '../../src/model/actor.ts';
import type { AuditEntry } from '../../src/model/audit.ts';
import { AUDIT_CLOSE_MS } from '../../src/model/limits.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { addDevice, makeAuditDevices } from '../../src/pipeline/audit-devices.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { testFolder } from '../support/test-folder.ts';

const ENTRY: AuditEntry = {
  auth: { tokenType: 'default' },
  request: { id: 'r', operation: 'read', namespaceId: 'root', path: 'kv/a' },
};

async function start(t: TestContext) {
  const folder = testFolder('devices');
  const storage = makeMemoryStorage();
  /** How long it is waited for devices that are closed: less than is asked for. */
  const waits: number[] = [];
  const after = (run: () => void, ms: number) => {
    waits.push(ms);
    const timer = setTimeout(run, ms / 50);
    return { clear: () => clearTimeout(timer) };
  };
  const node = async (forbidden: string[]) => {
    const catalog: Catalog = makeCatalog({ cluster: () => cluster, storage, names: PLAIN_NAMES });
    const audit = makeAudit({ now: Date.now, log: SILENT_LOG });
    const devices = makeAuditDevices(catalog, audit, randomUUID, forbidden, undefined, after);
    await catalog.load();
    await devices.openAll();
    return { catalog, audit, devices };
  };
  const enabling = await node([]);
  const other = await node([join(folder, 'data-of-other')]);
  const cluster = startCluster(storage, [enabling.catalog.kind]);
  t.after(() => cluster.stop());
  t.after(() => enabling.devices.closeAll());
  t.after(() => other.devices.closeAll());
  return { folder, enabling, other, waits };
}

const device = (file_path: string) => ({
  path: 'file/',
  type: 'file',
  description: '',
  options: { file_path },
  local: false,
});

test('a device enabled on one member is open on another in the turn in which it applies that', async (t) => {
  const { folder, enabling, other } = await start(t);
  const file = join(folder, 'audit.log');
  await enabling.devices.enable(device(file), OWN_CLAIMS);
  assert(enabling.audit.isOn());
  await other.catalog.catchUp();
  assert(other.audit.isOn());
  await other.audit.request(ENTRY);
  assert(readFileSync(file, 'utf8').includes('kv/a'));
  assert.equal(other.devices.hash('file/', 'x'), enabling.devices.hash('file/', 'x'));

  await enabling.devices.disable('file/', OWN_CLAIMS);
  assert(!enabling.audit.isOn());
  await other.catalog.catchUp();
  assert(!other.audit.isOn());
});

test('a device disabled and enabled again under its path between two looks is another', async (t) => {
  const { folder, enabling, other } = await start(t);
  await enabling.devices.enable(device(join(folder, 'one.log')), OWN_CLAIMS);
  await other.catalog.catchUp();
  await enabling.devices.disable('file/', OWN_CLAIMS);
  await enabling.devices.enable(device(join(folder, 'two.log')), OWN_CLAIMS);
  await other.catalog.catchUp();
  await other.audit.request(ENTRY);
  assert(readFileSync(join(folder, 'two.log'), 'utf8').includes('kv/a'));
  assert.equal(other.devices.hash('file/', 'x'), enabling.devices.hash('file/', 'x'));
});

test('a file that is data of another member is not written there: its requests are refused', async (t) => {
  const { folder, enabling, other } = await start(t);
  const file = join(folder, 'data-of-other');
  await enabling.devices.enable(device(file), OWN_CLAIMS);
  rmSync(file);
  await other.catalog.catchUp();
  await assert.rejects(other.audit.request(ENTRY));
  assert(!existsSync(file));
});

test('a device that hangs does not keep a node from sealing, nor the others from being closed', async (t) => {
  const { folder, enabling, waits } = await start(t);
  const sockets: Socket[] = [];
  const peer = createServer((socket) => void sockets.push(socket.pause().on('error', () => {})));
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  t.after(() => peer.close());
  const { port } = peer.address() as AddressInfo;
  await enabling.devices.enable(device(join(folder, 'audit.log')), OWN_CLAIMS);
  await enabling.devices.enable(
    {
      ...device(''),
      path: 'socket/',
      type: 'socket',
      options: { address: `127.0.0.1:${port}`, write_timeout: '60s' },
    },
    OWN_CLAIMS,
  );
  const hanging = enabling.audit.devices.get('socket/')!;
  const stuck = hanging.write('x'.repeat(16 * 1024 * 1024));
  stuck.catch(() => {});
  await enabling.devices.closeAll();
  assert.deepEqual(waits, [AUDIT_CLOSE_MS, AUDIT_CLOSE_MS]);
  assert.match(readFileSync(join(folder, 'audit.log'), 'utf8'), /sys\/audit\/test/);
  for (const socket of sockets) socket.destroy();
  await assert.rejects(stuck);
});

test('a path below or above one that is in use is refused, and so is one that is in use', async (t) => {
  const { folder, enabling } = await start(t);
  await enabling.devices.enable({ ...device(join(folder, 'a.log')), path: 'a/b/' }, OWN_CLAIMS);
  for (const path of ['a/', 'a/b/', 'a/b/c/']) {
    const other = { ...device(join(folder, 'other.log')), path };
    await assert.rejects(enabling.devices.enable(other, OWN_CLAIMS), {
      status: 400,
      message: 'path already in use',
    });
    assert(!existsSync(join(folder, 'other.log')));
    // And where another member was faster.
    const entries = enabling.catalog.entries('audit');
    assert.throws(() => addDevice.run(entries, { ...other, salt: 's' }, undefined as never), {
      message: 'path already in use',
    });
  }
  for (const path of ['a/bc/', 'ab/'])
    await enabling.devices.enable({ ...device(join(folder, basename(path))), path }, OWN_CLAIMS);
});

test('a second device on the same file is refused, by whatever name', async (t) => {
  const { folder, enabling } = await start(t);
  const file = join(folder, 'a.log');
  await enabling.devices.enable({ ...device(file), path: 'a/' }, OWN_CLAIMS);
  symlinkSync(file, join(folder, 'link'));
  linkSync(file, join(folder, 'second-name'));
  symlinkSync(folder, join(folder, 'linked'));
  const names = [file, `${folder}/./a.log`, relative('.', file)];
  for (const name of [...names, ...['link', 'second-name', 'linked/a.log'].map((one) => join(folder, one))]) {
    const other = { ...device(name), path: 'b/' };
    await assert.rejects(
      enabling.devices.enable(other, OWN_CLAIMS),
      { status: 400, message: 'another audit device writes that file' },
      name,
    );
  }
  const faster = { ...device(`${folder}//a.log`), path: 'b/', salt: 's' };
  assert.throws(
    () => addDevice.run(enabling.catalog.entries('audit'), faster, undefined as never),
    /another audit device/,
  );
  assert.equal(readFileSync(file, 'utf8').match(/sys\/audit\/test/g)!.length, 1);
  // Not there any more, it is still that device's.
  rmSync(file);
  rmSync(join(folder, 'second-name'));
  const again = { ...device(join(folder, 'linked', 'a.log')), path: 'b/' };
  await assert.rejects(enabling.devices.enable(again, OWN_CLAIMS), /another audit device writes that file/);
  for (const [index, name] of ['discard', 'discard', '/dev/null', '/dev/null'].entries())
    await enabling.devices.enable({ ...device(name), path: `n${index}/` }, OWN_CLAIMS);
  await enabling.devices.disable('a/', OWN_CLAIMS);
  await enabling.devices.enable({ ...device(file), path: 'b/' }, OWN_CLAIMS);
});

test('while sealed nothing is opened', async (t) => {
  const { folder, enabling, other } = await start(t);
  await other.devices.closeAll();
  await enabling.devices.enable(device(join(folder, 'audit.log')), OWN_CLAIMS);
  await other.catalog.catchUp();
  assert(!other.audit.isOn());
  await other.devices.openAll();
  assert(other.audit.isOn());
});
