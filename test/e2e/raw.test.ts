/**
 * The store itself through the front door (`sys/raw`), and how requests are routed (`sys/internal/inspect`): what is shown, to whom, and what to nobody.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { startConfigured } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { type RunningServer, startAll, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

const DENIED = '1 error occurred:\n\t* permission denied\n\n';
const BIG = `CANARY-${'x'.repeat(9_000)}`;

const folder = testFolder('raw');
let open: RunningServer;
let closed: RunningServer;
let root: Ask;
/** Of the server whose configuration asks for neither. */
let off: Ask;
let mount: string;
before(async () => {
  [open, closed] = (await startAll([startDev(), startClosed()])) as [RunningServer, RunningServer];
  const { body: made } = await asking(closed.address, '')('PUT', 'sys/init', {
    secret_shares: 1,
    secret_threshold: 1,
  });
  await succeed(asking(closed.address, ''), 'PUT', 'sys/unseal', { key: made.keys[0] });
  off = asking(closed.address, made.root_token);
  root = asking(open.address);
  const options = { file_path: join(folder, 'audit.log') };
  await succeed(root, 'PUT', 'sys/audit/file', { type: 'file', options });
  await succeed(root, 'POST', 'secret/data/app/db', { data: { password: BIG } });
  await succeed(root, 'POST', 'secret/data/app/db', { data: { password: 'second' } });
  const path = 'path "sys/raw/*" { capabilities = ["read", "list", "update", "delete"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/raw', { policy: path });
  const withSudo = path.replaceAll('"delete"', '"delete", "sudo"');
  await succeed(root, 'PUT', 'sys/policies/acl/raw-sudo', { policy: withSudo });
  const { body } = await succeed(root, 'GET', 'sys/mounts/secret');
  mount = body.data.uuid;
});

async function startClosed(): Promise<RunningServer> {
  const port = await freePort();
  return startConfigured({
    folder,
    address: `http://127.0.0.1:${port}`,
    config: `storage "inmem" {}\nlistener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\n`,
  });
}
after(() => Promise.all([open.stop(), closed.stop()]));

const keys = async (path: string): Promise<string[]> =>
  (await succeed(root, 'LIST', `sys/raw/${path}`)).body.data.keys;
const value = async (path: string) =>
  Buffer.from((await succeed(root, 'GET', `sys/raw/${path}?encoding=base64`)).body.data.value, 'base64');

/** All records that are shown, and what is refused. */
async function* walk(prefix = ''): AsyncGenerator<{ path: string; value?: Buffer; refused?: string }> {
  for (const name of await keys(prefix)) {
    const path = prefix + name;
    const { status, body } = await root(
      name.endsWith('/') ? 'LIST' : 'GET',
      `sys/raw/${path}?encoding=base64`,
    );
    if (status !== 200) yield { path, refused: `${status} ${body.errors}` };
    else if (name.endsWith('/')) yield* walk(path);
    else yield { path, value: Buffer.from(body.data.value, 'base64') };
  }
}

test('records are shown as they rest, decrypted, under the names that people gave them', async () => {
  const shelf = `data/root/${mount}/kv/`;
  assert.deepEqual(await keys(`data/root/${mount}`), ['kv/']);
  assert.deepEqual(await keys(shelf), ['app/']);
  const names = await keys(`${shelf}app/`);
  assert.equal(names[0], 'db');
  assert.match((await value(`${shelf}app/db`)).toString('latin1'), /second/);
  // What is too large for a secret's head lies beside it.
  assert.deepEqual(names.slice(1), ['db!v/']);
  const [beside] = await keys(`${shelf}app/db!v/`);
  assert.match((await value(`${shelf}app/db!v/${beside}`)).toString('latin1'), /CANARY-xxx/);
  const settings = await root('GET', 'sys/raw/data/root/catalog/catalog/settings');
  assert.equal(JSON.parse(settings.body.data.value).format, 1);
  for (const path of [
    'nothing',
    `${shelf}app`,
    `${shelf}none`,
    `${shelf}app/db!none`,
    'data/root',
    'data/a/b/c/d',
  ]) {
    const { status, body } = await root('GET', `sys/raw/${path}`);
    assert.deepEqual([status, body.errors], [404, []], path);
  }
  assert.equal((await root('LIST', 'sys/raw/nothing')).status, 404);
});

test('what is no text is had as base64; no other encoding is known', async () => {
  const { status, body } = await root('GET', `sys/raw/data/root/${mount}/kv/app/db`);
  assert.equal(status === 200 || /ask with encoding=base64/.test(body.errors[0]), true);
  const token = (await keys('data/root/token/token'))[0]!;
  assert.equal((await root('GET', `sys/raw/data/root/token/token/${token}?compressed=false`)).status, 200);
  const other = await root('GET', `sys/raw/data/root/token/token/${token}?encoding=canary`);
  assert.deepEqual([other.status, other.body.errors], [400, ['invalid encoding']]);
});

test('nothing that the seal rests on is reachable: neither by name, nor in all that is shown', async () => {
  const { body: attempt } = await succeed(root, 'PUT', 'sys/generate-root/attempt');
  const { otp } = attempt;
  assert(otp.length > 20);
  const refused: string[] = [];
  let shown = 0;
  for await (const record of walk()) {
    if (record.refused) refused.push(record.path);
    else shown++;
    assert.equal(record.value?.includes(otp) ?? false, false, record.path);
  }
  assert(shown > 10);
  const attempts = refused.find((path) => path.includes('seal-attempts'));
  assert(attempts, 'the attempt is stored');
  assert.deepEqual(refused.filter((path) => path !== attempts).sort(), ['format', 'keyring', 'seal']);
  for (const path of [
    'keyring',
    'seal',
    'founding',
    'format',
    'cluster',
    'fence/0001',
    'fence',
    `${attempts}x`,
  ]) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, body } = await root(
        method,
        `sys/raw/${path}`,
        method === 'PUT' ? { value: 'x' } : undefined,
      );
      // `fence` alone is a name like others, and nothing is there.
      if (path === 'fence' && method === 'GET') assert.equal(status, 404);
      else assert.deepEqual([status, body.errors.length], [400, 1], `${method} ${path}`);
    }
  }
  await succeed(root, 'DELETE', 'sys/generate-root/attempt', { nonce: attempt.nonce });
});

test('nothing is written or deleted, and whoever tries is told why', async () => {
  const path = `data/root/${mount}/kv/app/db`;
  const before = await value(path);
  for (const method of ['PUT', 'POST', 'DELETE']) {
    const { status, body } = await root(
      method,
      `sys/raw/${path}`,
      method === 'DELETE' ? undefined : { value: 'CANARY' },
    );
    assert.equal(status, 400);
    assert.match(body.errors[0], /^sys\/raw does not write: each record has an owner/);
  }
  assert.deepEqual(await value(path), before);
  assert.equal((await succeed(root, 'GET', 'secret/data/app/db')).body.data.data.password, 'second');
});

test('only with sudo, only in the root namespace, and only where the configuration asks for it', async () => {
  const plain = await makeToken(root, { policies: ['raw'] });
  const sudo = await makeToken(root, { policies: ['raw-sudo'] });
  const path = 'sys/raw/data/root/catalog/catalog/settings';
  assert.equal((await asking(open.address, sudo.token)('GET', path)).status, 200);
  for (const method of ['GET', 'LIST', 'PUT', 'DELETE']) {
    const { status, body } = await asking(open.address, plain.token)(method, path);
    assert.deepEqual([status, body.errors], [403, [DENIED]], method);
    assert.equal((await asking(open.address, '')(method, path)).status, 403, method);
  }
  await succeed(root, 'POST', 'sys/namespaces/tenant');
  const headers = { 'x-vault-namespace': 'tenant' };
  for (const inside of ['sys/raw/data', 'sys/raw', 'sys/internal/inspect/router/root']) {
    assert.equal(
      (await call(open.address, 'GET', `/v1/${inside}?list=true`, { token: 'root', headers })).status,
      400,
    );
  }
  for (const method of ['GET', 'LIST', 'PUT', 'DELETE']) {
    const { status, body } = await off(method, path);
    assert.deepEqual([status, body.errors], [404, ['1 error occurred:\n\t* unsupported path\n\n']], method);
  }
  for (const inspect of ['router/root', 'request']) {
    const { status, body } = await off('GET', `sys/internal/inspect/${inspect}`);
    assert.equal(status, 400);
    assert.match(body.errors[0], /must set "introspection_endpoint" to true/);
  }
});

test('what is shown stands hashed in the audit log', () => {
  const log = readFileSync(join(folder, 'audit.log'), 'utf8');
  assert.match(log, /sys\/raw\/data\/root/);
  assert.doesNotMatch(log, /CANARY-xxx/);
  assert.doesNotMatch(log, new RegExp(Buffer.from('CANARY-xxx').toString('base64').slice(0, 10)));
});

test('inspect: mounts by path, uuid, accessor and storage; a request without its token', async () => {
  const { body } = await succeed(root, 'GET', 'sys/internal/inspect/router/uuid');
  const row = body.data.uuid.find(({ uuid }: { uuid: string }) => uuid === mount);
  const { accessor } = (await succeed(root, 'GET', 'sys/mounts/secret')).body.data;
  const shown = { accessor, mount_namespace: '', mount_path: 'secret/', mount_type: 'kv', uuid: mount };
  assert.deepEqual(row, shown);
  const more = { ...shown, storage_prefix: `data/root/${mount}/`, tainted: false };
  for (const tag of ['root', 'storage', 'accessor']) {
    const rows = (await succeed(root, 'GET', `sys/internal/inspect/router/${tag}`)).body.data[tag];
    const found = rows.find(({ uuid }: { uuid: string }) => uuid === mount);
    assert.deepEqual(found, tag === 'accessor' ? shown : more, tag);
    assert(
      rows.some(({ mount_namespace }: { mount_namespace: string }) => mount_namespace === 'tenant/'),
      tag,
    );
  }
  for (const tag of ['canary', 'constructor']) {
    assert.equal((await root('GET', `sys/internal/inspect/router/${tag}`)).status, 404);
  }
  const policy = 'path "sys/internal/inspect/*" { capabilities = ["read"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/inspects', { policy });
  const { token } = await makeToken(root, { policies: ['inspects'] });
  assert.equal((await asking(open.address, token)('GET', 'sys/internal/inspect/router/root')).status, 403);
  const sudo = policy.replace('"read"', '"read", "sudo"');
  await succeed(root, 'PUT', 'sys/policies/acl/inspects', { policy: sudo });
  const reply = await asking(open.address, token)('GET', 'sys/internal/inspect/request?a=b');
  assert.equal(reply.status, 200);
  assert.equal(reply.text.includes(token), false);
  assert.equal(reply.body.data.req.path, 'internal/inspect/request');
  assert.equal(reply.body.data.data.a, 'b');
});

test('a sealed node shows nothing', async () => {
  await succeed(root, 'PUT', 'sys/seal');
  for (const path of ['sys/raw/data', 'sys/internal/inspect/router/root']) {
    assert.equal((await root('GET', path)).status, 503, path);
  }
});
