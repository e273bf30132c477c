/**
 * What a mount answered wrapped ends with the mount, as Vault's leases do: opened, looked at and rewrapped it is no more.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, succeed } from '../support/asking.ts';
import type { CallReply } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';

const INVALID = 'wrapping token is not valid or does not exist';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
});
after(() => server?.stop());

const as = (token: string): Ask => asking(server.address, token);

async function wrap(method: string, path: string, body?: unknown, by = root): Promise<string> {
  const reply = await by(method, path, body, { headers: { 'x-vault-wrap-ttl': '5m' } });
  assert(reply.body.wrap_info, reply.text);
  return reply.body.wrap_info.token;
}

async function rewrap(token: string): Promise<string> {
  const { body } = await succeed(root, 'POST', 'sys/wrapping/rewrap', { token });
  return body.wrap_info.token;
}

const open = (token: string): Promise<CallReply> => root('POST', 'sys/wrapping/unwrap', { token });

function invalid({ status, body, text }: CallReply): void {
  assert.deepEqual([status, body.errors], [400, [INVALID]], text);
}

/** In each of the ways there are. */
async function over(token: string): Promise<void> {
  const { status } = await as(token)('GET', 'cubbyhole/response');
  assert.equal(status, 403);
  invalid(await as('')('POST', 'sys/wrapping/lookup', { token }));
  invalid(await root('POST', 'sys/wrapping/rewrap', { token }));
  invalid(await as(token)('PUT', 'sys/wrapping/unwrap'));
  invalid(await open(token));
  assert.equal((await root('POST', 'auth/token/lookup', { token })).status, 403);
}

async function leasesBelow(): Promise<string[]> {
  const { body } = await root('LIST', 'sys/leases/lookup/');
  return body.data?.keys ?? [];
}

test('disabled: what was read of the mount is over, and not there again with a new mount of that path', async () => {
  await succeed(root, 'POST', 'sys/mounts/gone', { type: 'kv' });
  await succeed(root, 'POST', 'gone/a', { secret: 'old' });
  const token = await wrap('GET', 'gone/a');
  const rewrapped = await rewrap(await wrap('GET', 'gone/a'));
  assert((await leasesBelow()).includes('gone/'));
  await succeed(root, 'DELETE', 'sys/mounts/gone');
  await over(token);
  assert(!(await leasesBelow()).includes('gone/'));
  await succeed(root, 'POST', 'sys/mounts/gone', { type: 'kv' });
  await over(token);
  const opened = await open(rewrapped);
  assert.deepEqual(opened.body.data, { secret: 'old' }, 'a reply that was rewrapped is a reply of sys/');
});

test('disabled: so are an auth method’s wrapped replies, logins and others', async () => {
  await succeed(root, 'POST', 'sys/auth/people', { type: 'userpass' });
  await succeed(root, 'POST', 'auth/people/users/bob', { password: 'pw-of-bob' });
  const login = await wrap('POST', 'auth/people/login/bob', { password: 'pw-of-bob' }, as(''));
  const user = await wrap('GET', 'auth/people/users/bob');
  await succeed(root, 'DELETE', 'sys/auth/people');
  await over(login);
  await over(user);
});

test('moved: what waited at the old path is over', async () => {
  await succeed(root, 'POST', 'sys/mounts/here', { type: 'kv' });
  await succeed(root, 'POST', 'here/a', { v: 1 });
  const before = await wrap('GET', 'here/a');
  await succeed(root, 'POST', 'sys/remount', { from: 'here', to: 'there' });
  await over(before);
  const since = await wrap('GET', 'there/a');
  assert.deepEqual((await open(since)).body.data, { v: 1 });
});

test('in a namespace: what its mount answered ends, what its sys and token said stays', async () => {
  await succeed(root, 'POST', 'sys/namespaces/tenant', {});
  await succeed(root, 'POST', 'tenant/sys/mounts/kv', { type: 'kv' });
  await succeed(root, 'POST', 'tenant/kv/a', { v: 1 });
  const waiting = await wrap('GET', 'tenant/kv/a');
  const mount = await wrap('GET', 'tenant/sys/mounts/kv');
  const made = await wrap('POST', 'tenant/auth/token/create', { policies: ['default'] });
  await succeed(root, 'DELETE', 'tenant/sys/mounts/kv');
  invalid(await root('POST', 'tenant/sys/wrapping/lookup', { token: waiting }));
  invalid(await root('POST', 'tenant/sys/wrapping/unwrap', { token: waiting }));
  const shown = await root('POST', 'tenant/sys/wrapping/unwrap', { token: mount });
  assert.equal(shown.body.data.type, 'kv', shown.text);
  const token = await root('POST', 'tenant/sys/wrapping/unwrap', { token: made });
  assert.match(token.body.auth.client_token, /^hvs\./, token.text);
});

test('what stays by its nature is opened whatever is disabled: sys, tokens, cubbyholes', async () => {
  await succeed(root, 'POST', 'cubbyhole/mine', { v: 1 });
  await succeed(root, 'POST', 'sys/mounts/other', { type: 'kv' });
  const tokens = [
    await wrap('GET', 'cubbyhole/mine'),
    await wrap('GET', 'sys/mounts/other'),
    await wrap('POST', 'sys/wrapping/wrap', { v: 1 }),
    await wrap('POST', 'auth/token/create', { policies: ['default'] }),
  ];
  await succeed(root, 'DELETE', 'sys/mounts/other');
  for (const token of tokens) assert.equal((await open(token)).status, 200);
});
