/**
 * Who and what stands in the audit log's lines, through the front door: as Vault writes them (contract §17).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runInProcess } from '../cli/in-process.ts';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { logLines } from '../support/audit-chain.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test looks into lines of every shape.
type Entry = any;

let server: RunningServer;
let root: Ask;
let nobody: Ask;
const folder = testFolder('audit-fields');
const log = join(folder, 'audit.log');
before(async () => {
  server = await startDev();
  root = asking(server.address);
  nobody = asking(server.address, '');
  await succeed(root, 'PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } });
  await succeed(root, 'POST', 'sys/auth/userpass', { type: 'userpass' });
  await succeed(root, 'POST', 'auth/userpass/users/ann', { password: 'pw', token_policies: ['app'] });
});
after(() => server?.stop());

const entries = (path = log): Entry[] => logLines(path).map((line) => JSON.parse(line));

/** The two entries of what is asked at `path`. */
async function told(path: string, ask: () => Promise<unknown>): Promise<[Entry, Entry]> {
  const before = logLines(log).length;
  await ask();
  const made = entries()
    .slice(before)
    .filter(({ request }) => request?.path === path);
  assert.deepEqual(
    made.map(({ type }) => type),
    ['request', 'response'],
  );
  return made as [Entry, Entry];
}

async function hashed(text: string): Promise<string> {
  return (await succeed(root, 'POST', 'sys/audit-hash/file', { input: text })).body.data.hash;
}

test('the request that enables the first device leaves its reply there', async () => {
  const path = join(folder, 'first.log');
  const other = await startDev();
  try {
    const options = { type: 'file', options: { file_path: path } };
    await succeed(asking(other.address), 'PUT', 'sys/audit/first', options);
    const own = entries(path).filter(({ request }) => request?.path === 'sys/audit/first');
    assert.deepEqual(
      own.map(({ type }) => type),
      ['response'],
    );
    assert.deepEqual(own[0].auth.policies, ['root']);
    assert.equal(own[0].response.mount_point, 'sys/');
    await succeed(asking(other.address), 'GET', 'sys/mounts');
    const env = {
      COFFER_ARGV0: 'coffer',
      HOME: folder,
      VAULT_ADDR: other.address,
      VAULT_TOKEN: 'root',
      VAULT_MAX_RETRIES: '0',
    };
    const verified = await runInProcess(['audit', 'verify', '-format=json', path], env);
    assert.equal(verified.exit, 0, verified.stdout + verified.stderr);
  } finally {
    await other.stop();
  }
});

test('what is open to everybody was allowed, whoever asks', async () => {
  const wrapped = await root(
    'POST',
    'sys/wrapping/wrap',
    { a: '1' },
    { headers: { 'x-vault-wrap-ttl': '60' } },
  );
  const { token } = wrapped.body.wrap_info;
  const asks: [string, Ask, string, object?][] = [
    ['POST', nobody, 'auth/userpass/login/ann', { password: 'wrong' }],
    ['POST', nobody, 'sys/wrapping/lookup', { token }],
    ['GET', nobody, 'sys/internal/ui/mounts'],
    ['GET', root, 'sys/internal/ui/mounts'],
  ];
  for (const [method, who, path, body] of asks) {
    for (const { auth } of await told(path, () => who(method, path, body))) {
      assert.deepEqual(auth.policy_results, { allowed: true }, `${method} ${path}`);
    }
  }
  // Of whom nothing was decided nothing is said.
  const [{ auth }] = await told('sys/mounts', () => nobody('GET', 'sys/mounts'));
  assert.deepEqual(auth, { token_type: 'default' });
});

test('client_id: of who asks, the same for the same policies; none without a token', async () => {
  const idOf = (policies: string) => hash('sha256', `${policies}\0root`, 'base64');
  const [asRoot, reply] = await told('sys/mounts', () => root('GET', 'sys/mounts'));
  assert.equal(asRoot.request.client_id, idOf('root'));
  assert.equal(reply.request.client_id, idOf('root'));
  const idsOf = async (settings: object) => {
    const { token } = await makeToken(root, settings);
    const [{ request }] = await told('sys/mounts', () => asking(server.address, token)('GET', 'sys/mounts'));
    return request.client_id;
  };
  // One of them counts its uses, and the other is no service token: known by other ways.
  for (const settings of [{}, { num_uses: 5 }, { type: 'batch' }])
    assert.equal(await idsOf({ ...settings, policies: ['app'] }), idOf('app\x7fdefault'));
  const [stranger] = await told('sys/mounts', () => asking(server.address, 'hvs.no')('GET', 'sys/mounts'));
  assert.equal(stranger.request.client_id, undefined);
  const [open] = await told('sys/internal/ui/mounts', () => nobody('GET', 'sys/internal/ui/mounts'));
  assert.equal(open.request.client_id, undefined);
});

test('a login is told of under the token that it issued, also where its reply waits', async () => {
  const path = 'auth/userpass/login/ann';
  let made: Entry;
  const [request, response] = await told(path, async () => {
    made = (await succeed(nobody, 'POST', path, { password: 'pw' })).body.auth;
  });
  assert.deepEqual(request.auth, { policy_results: { allowed: true }, token_type: 'default' });
  const expected = {
    client_token: await hashed(made.client_token),
    accessor: await hashed(made.accessor),
    display_name: 'userpass-ann',
    policies: ['app', 'default'],
    token_policies: ['app', 'default'],
    metadata: { username: 'ann' },
    token_type: 'service',
    token_ttl: made.lease_duration,
  };
  assert.deepEqual(response.auth, expected);
  assert.deepEqual(response.response.auth, expected);

  let info: Entry;
  const [, wrapped] = await told(path, async () => {
    const asked = await nobody('POST', path, { password: 'pw' }, { headers: { 'x-vault-wrap-ttl': '60' } });
    info = asked.body.wrap_info;
  });
  assert.equal(wrapped.auth.display_name, 'userpass-ann');
  assert.equal(wrapped.auth.accessor, await hashed(info.wrapped_accessor));
  assert.equal(wrapped.response.auth, undefined);
});

test('tokens that are made and renewed have their display names', async () => {
  const path = 'auth/token/create';
  let token = '';
  const [, made] = await told(path, async () => {
    const { body } = await succeed(root, 'POST', path, { display_name: 'zed', policies: ['app'] });
    token = body.auth.client_token;
  });
  assert.equal(made.response.auth.display_name, 'token-zed');
  // Under which token it was asked for stays as it was.
  assert.deepEqual(made.auth.policies, ['root']);
  const renew = asking(server.address, token);
  const [, renewed] = await told('auth/token/renew-self', () =>
    succeed(renew, 'POST', 'auth/token/renew-self', {}),
  );
  assert.equal(renewed.response.auth.display_name, 'token-zed');
  assert.equal(renewed.response.auth.token_issue_time, renewed.auth.token_issue_time);
  // What the log is told of a token is no part of an answer.
  const { body } = await succeed(root, 'POST', path, {});
  assert.deepEqual(
    ['told', 'display_name'].filter((name) => name in body.auth),
    [],
  );
});

test('refusals have a reply: the mount, and the error hashed', async () => {
  const { token } = await makeToken(root, { policies: ['nothing'] });
  const who = asking(server.address, token);
  const asks: [string, Ask, string, object?][] = [
    ['GET', who, 'secret/data/a'],
    ['GET', nobody, 'secret/data/a'],
    ['POST', root, 'secret/data/a', {}],
    ['POST', nobody, 'auth/userpass/login/ann', { password: 'wrong' }],
  ];
  for (const [method, by, path, body] of asks) {
    const [{ request }, entry] = await told(path, () => by(method, path, body));
    const { error, response } = entry;
    assert.deepEqual(response, {
      mount_point: request.mount_point,
      mount_type: request.mount_type,
      mount_accessor: request.mount_accessor,
      mount_running_plugin_version: request.mount_running_version,
      mount_class: request.mount_class,
      data: { error: await hashed(error) },
    });
  }
  const [, nowhere] = await told('nowhere/a', () => root('GET', 'nowhere/a'));
  assert.deepEqual(nowhere.response, { data: { error: await hashed(nowhere.error) } });
  // What a mount does not serve.
  const [, unserved] = await told('sys/nothing', () => root('GET', 'sys/nothing'));
  assert.equal(unserved.response.mount_point, 'sys/');
  assert.equal(unserved.response.data, undefined);
});
