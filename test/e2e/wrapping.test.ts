/**
 * Response wrapping through the front door (contract §2.8): what waits is told once, to one.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import type { CallReply } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const DENIED = '1 error occurred:\n\t* permission denied\n\n';
const INVALID = 'wrapping token is not valid or does not exist';
const SECRET = 'wrapped-canary';
/** Sent as none. */
const NO_TOKEN = '';

let server: RunningServer;
let root: Ask;
const folder = testFolder('wrapping');
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await succeed(root, 'POST', 'secret/data/app', { data: { password: SECRET } });
});
after(() => server?.stop());

const as = (token: string): Ask => asking(server.address, token);

/** Asks for `path`, wrapped. */
function wrapped(method: string, path: string, body?: unknown, ttl = '5m', by = root): Promise<CallReply> {
  return by(method, path, body, { headers: { 'x-vault-wrap-ttl': ttl } });
}

async function wrappingToken(ttl = '5m'): Promise<string> {
  const { body } = await wrapped('GET', 'secret/data/app', undefined, ttl);
  return body.wrap_info.token;
}

function refused(reply: CallReply, status: number, text: string, why?: string): void {
  assert.deepEqual([reply.status, reply.body.errors?.[0]], [status, text], why ?? reply.text);
}

test('a wrapped reply says who wraps it and nothing else; unwrapped it is the reply, its request id too', async () => {
  const { status, body, text } = await wrapped('GET', 'secret/data/app', undefined, '90s');
  assert.equal(status, 200);
  const { token, accessor, creation_time } = body.wrap_info;
  assert.match(token, /^hvs\.[0-9A-Za-z]{24}$/);
  assert.equal(
    text,
    '{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":' +
      `{"token":"${token}","accessor":"${accessor}","ttl":90,"creation_time":"${creation_time}",` +
      '"creation_path":"secret/data/app"},"warnings":null,"auth":null,"mount_type":""}\n',
  );
  const opened = await root('POST', 'sys/wrapping/unwrap', { token });
  assert.equal(opened.status, 200);
  assert.match(opened.body.request_id, /^[0-9a-f-]{36}$/);
  assert.equal(opened.body.data.data.password, SECRET);
  assert.equal(opened.body.mount_type, 'kv');
  refused(await root('POST', 'sys/wrapping/unwrap', { token }), 400, INVALID);
});

test('of many who open it in every way there is, one has it', async () => {
  for (let round = 0; round < 10; round++) {
    const token = await wrappingToken();
    const other = await makeToken(root, { policies: ['default'] });
    const replies = await Promise.all(
      Array.from({ length: 24 }, (_, n) => {
        if (n % 4 === 0) return as(token)('PUT', 'sys/wrapping/unwrap');
        if (n % 4 === 1) return as(token)('GET', 'cubbyhole/response');
        if (n % 4 === 2) return as(other.token)('PUT', 'sys/wrapping/unwrap', { token });
        return root('POST', 'sys/wrapping/rewrap', { token });
      }),
    );
    const won = replies.filter(({ status }) => status === 200);
    assert.equal(won.length, 1, replies.map(({ status }) => status).join());
    for (const { status, text } of replies) {
      if (status === 200) continue;
      assert([400, 403].includes(status), text);
      assert.doesNotMatch(text, new RegExp(SECRET));
    }
  }
});

test('a wrapping token does nothing else, and what it tries costs its use', async () => {
  for (const [method, path] of [
    ['GET', 'auth/token/lookup-self'],
    ['GET', 'cubbyhole/wrapinfo'],
    ['LIST', 'cubbyhole'],
    ['POST', 'sys/wrapping/rewrap'],
    ['GET', 'secret/data/app'],
  ] as const) {
    const token = await wrappingToken();
    refused(await as(token)(method, path, method === 'POST' ? {} : undefined), 403, DENIED, path);
    refused(await as(token)('PUT', 'sys/wrapping/unwrap'), 400, INVALID, path);
  }
});

test('lookup tells what was wrapped when, without a token and without a use', async () => {
  const token = await wrappingToken('77s');
  const looked = await as(NO_TOKEN)('POST', 'sys/wrapping/lookup', { token });
  assert.equal(looked.status, 200);
  const { creation_time, ...rest } = looked.body.data;
  assert.deepEqual(rest, { creation_path: 'secret/data/app', creation_ttl: 77 });
  assert.match(creation_time, /^\d{4}-.*Z$/);
  assert.deepEqual((await as(token)('GET', 'sys/wrapping/lookup')).body.data, looked.body.data);
  assert.equal((await as(token)('PUT', 'sys/wrapping/unwrap')).body.data.data.password, SECRET);
  refused(await as(NO_TOKEN)('POST', 'sys/wrapping/lookup', { token }), 400, INVALID);
});

test('a token that is none is refused before anything else is looked at', async () => {
  const unreadable = (what: string) => `error validating wrapping token: ${what}`;
  for (const path of ['sys/wrapping/lookup', 'sys/wrapping/unwrap', 'sys/wrapping/rewrap']) {
    refused(await root('POST', path, { token: 'hvs.none' }), 400, INVALID, path);
    refused(await root('POST', path, { token: 'root' }), 400, INVALID, path);
    refused(await root('POST', path, {}), 400, INVALID, path);
    refused(await as('bad')('POST', path, {}), 400, INVALID, path);
    refused(await as(NO_TOKEN)('POST', path, {}), 403, unreadable('token is empty'), path);
    refused(
      await root('POST', path, { token: 5 }),
      403,
      unreadable('could not decode token in request body'),
      path,
    );
  }
  const token = await wrappingToken();
  refused(await as(NO_TOKEN)('POST', 'sys/wrapping/unwrap', { token }), 403, 'permission denied');
  assert.equal((await as('bad')('POST', 'sys/wrapping/unwrap', { token })).status, 403);
  assert.equal((await root('POST', 'sys/wrapping/unwrap', { token })).status, 200, 'and it is whole still');
});

test('rewrapping moves the reply to a new token, with the TTL and the path it had', async () => {
  const old = await wrappingToken('66s');
  const { body } = await succeed(root, 'POST', 'sys/wrapping/rewrap', { token: old });
  assert.deepEqual([body.wrap_info.ttl, body.wrap_info.creation_path], [66, 'secret/data/app']);
  assert.equal(body.data, null);
  refused(await root('POST', 'sys/wrapping/unwrap', { token: old }), 400, INVALID);
  const { token } = body.wrap_info;
  const again = await wrapped('POST', 'sys/wrapping/rewrap', { token }, '55s');
  assert.equal(again.body.wrap_info.ttl, 55);
  const opened = await as(again.body.wrap_info.token)('PUT', 'sys/wrapping/unwrap');
  assert.equal(opened.body.data.data.password, SECRET);
});

test('what is sent to sys/wrapping/wrap waits; without a TTL it is refused', async () => {
  refused(
    await root('POST', 'sys/wrapping/wrap', { a: 1 }),
    400,
    'endpoint requires response wrapping to be used',
  );
  const { body } = await wrapped('POST', 'sys/wrapping/wrap', { a: 1, deep: { b: ['<', null] } });
  const opened = await root('POST', 'sys/wrapping/unwrap', { token: body.wrap_info.token });
  assert.deepEqual(opened.body.data, { a: 1, deep: { b: ['<', null] } });
});

test('a token that is made is wrapped too, and its accessor told', async () => {
  const { body } = await wrapped('POST', 'auth/token/create', { policies: ['default'] });
  assert.equal(body.auth, null);
  const opened = await root('POST', 'sys/wrapping/unwrap', { token: body.wrap_info.token });
  assert.equal(opened.body.auth.accessor, body.wrap_info.wrapped_accessor);
  assert.equal((await as(opened.body.auth.client_token)('GET', 'auth/token/lookup-self')).status, 200);
});

test('refusals, empty answers and what the node says of itself are not wrapped', async () => {
  assert.equal((await wrapped('GET', 'secret/data/none')).status, 404);
  assert.equal((await wrapped('LIST', 'cubbyhole')).status, 404);
  assert.equal((await wrapped('DELETE', 'secret/data/none')).status, 204);
  assert.equal((await wrapped('GET', 'sys/health')).body.initialized, true);
  assert.equal((await wrapped('GET', 'sys/seal-status')).body.sealed, false);
});

test('a deleted version, whose answer is a 404 that says something, waits as such', async () => {
  await succeed(root, 'POST', 'secret/data/gone', { data: { a: 1 } });
  await succeed(root, 'DELETE', 'secret/data/gone');
  const { status, body } = await wrapped('GET', 'secret/data/gone');
  assert.equal(status, 200);
  const opened = await root('POST', 'sys/wrapping/unwrap', { token: body.wrap_info.token });
  assert.deepEqual([opened.status, opened.body.data.data], [404, null]);
});

test('less than a second is a second: what is asked to be wrapped is never told in the clear', async () => {
  const { body, text } = await wrapped('GET', 'secret/data/app', undefined, '1ms');
  assert.equal(body.wrap_info.ttl, 1);
  assert.doesNotMatch(text, new RegExp(SECRET));
  const { token } = body.wrap_info;
  await until('it is over', async () => {
    return (await root('POST', 'sys/wrapping/lookup', { token })).status === 400;
  });
  refused(await root('POST', 'sys/wrapping/unwrap', { token }), 400, INVALID);
});

test('policies bound the TTL: wrapped it must be, and neither too long nor too short', async () => {
  const text =
    'path "secret/data/app" { capabilities = ["read"] min_wrapping_ttl = "10s" max_wrapping_ttl = "60s" }';
  await succeed(root, 'PUT', 'sys/policies/acl/only-wrapped', { policy: text });
  const { token } = await makeToken(root, { policies: ['only-wrapped'] });
  refused(await as(token)('GET', 'secret/data/app'), 403, DENIED);
  for (const [ttl, status] of [
    ['9s', 403],
    ['10s', 200],
    ['60s', 200],
    ['61s', 403],
  ] as const) {
    assert.equal((await wrapped('GET', 'secret/data/app', undefined, ttl, as(token))).status, status, ttl);
  }
});

test('a wrapping token that is revoked opens nothing', async () => {
  const { body } = await wrapped('GET', 'secret/data/app');
  const { token, accessor } = body.wrap_info;
  await succeed(root, 'POST', 'auth/token/revoke-accessor', { accessor });
  refused(await root('POST', 'sys/wrapping/unwrap', { token }), 400, INVALID);
  assert.equal((await as(token)('GET', 'cubbyhole/response')).status, 403);
});

test('opened and swept, its record is gone, and so is it', async () => {
  const { body } = await wrapped('GET', 'secret/data/app');
  const { token, accessor } = body.wrap_info;
  const listed = async () => (await root('LIST', 'auth/token/accessors')).body.data.keys.includes(accessor);
  assert(await listed());
  await succeed(root, 'POST', 'sys/wrapping/unwrap', { token });
  await until('it is swept', async () => !(await listed()));
});

test('as a JWT it is opened, looked at and rewrapped likewise; a forged one is not', async () => {
  const headers = { 'x-vault-wrap-ttl': '60', 'x-vault-wrap-format': 'jwt' };
  const jwt = async () =>
    (await root('GET', 'secret/data/app', undefined, { headers })).body.wrap_info.token as string;
  const first = await jwt();
  const [header, claims, signature] = first.split('.') as [string, string, string];
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  assert.deepEqual(read(header), { alg: 'ES512', typ: 'JWT' });
  const { jti, iat, exp, nbf, ...rest } = read(claims);
  assert.deepEqual(rest, { accessor: '', addr: server.address, type: 'wrapping' });
  assert.deepEqual([exp - iat, iat - nbf], [60, 5]);
  assert.match(jti, /^hvs\./);
  assert.equal((await root('POST', 'sys/wrapping/lookup', { token: first })).status, 200);

  const forged = Buffer.from(signature, 'base64url');
  forged[10]! ^= 1;
  const bad = `${header}.${claims}.${forged.toString('base64url')}`;
  assert.equal((await root('POST', 'sys/wrapping/unwrap', { token: bad })).status, 400);
  assert.equal((await root('POST', 'sys/wrapping/unwrap', { token: first })).body.data.data.password, SECRET);
  refused(await root('POST', 'sys/wrapping/unwrap', { token: first }), 400, INVALID);
  assert.equal((await as(await jwt())('PUT', 'sys/wrapping/unwrap')).body.data.data.password, SECRET);
  const { body } = await succeed(root, 'POST', 'sys/wrapping/rewrap', { token: await jwt() });
  assert.match(body.wrap_info.token, /^hvs\./, 'rewrapped it is a token like others');
});

test('the audit log has what happened, and nothing that opens or was opened in the clear', async () => {
  const path = join(folder, 'audit.log');
  await succeed(root, 'PUT', 'sys/audit/wrapping', { type: 'file', options: { file_path: path } });
  const { body } = await wrapped('GET', 'secret/data/app');
  const { token, accessor } = body.wrap_info;
  await succeed(root, 'POST', 'sys/wrapping/unwrap', { token });
  await root('POST', 'sys/wrapping/unwrap', { token });
  const headers = { 'x-vault-wrap-ttl': '60', 'x-vault-wrap-format': 'jwt' };
  const asJwt = await root('GET', 'secret/data/app', undefined, { headers });
  await succeed(root, 'DELETE', 'sys/audit/wrapping');
  const log = readFileSync(path, 'utf8');
  for (const clear of [SECRET, token, accessor, asJwt.body.wrap_info.token])
    assert(!log.includes(clear), clear);
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const of = (path: string) => lines.filter(({ request }) => request?.path === path);
  const [asked, answered] = of('secret/data/app');
  assert.equal(asked.request.wrap_ttl, 300);
  assert.equal(answered.response.wrap_info.ttl, 300);
  assert.match(answered.response.wrap_info.token, /^hmac-sha256:/);
  assert.equal(answered.response.data, undefined);
  const [, opened, , again] = of('sys/wrapping/unwrap');
  assert.match(opened.response.data.data.password, /^hmac-sha256:/);
  assert.equal(again.error, INVALID);
});

test('deep and large replies wait as well', async () => {
  const large = 'x'.repeat(4 * 1024 * 1024);
  await succeed(root, 'POST', 'secret/data/large', { data: { large } });
  const { body } = await wrapped('GET', 'secret/data/large');
  const opened = await root('POST', 'sys/wrapping/unwrap', { token: body.wrap_info.token });
  assert.equal(opened.body.data.data.large, large);
});
