import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AUDIT_HEADERS_MAX } from '../../../src/model/limits.ts';
import { type Ask, asking, makeToken, succeed } from '../../support/asking.ts';
import { startReadyDev } from '../../support/dev-ready.ts';
import type { RunningServer } from '../../support/server.ts';
import { testFolder } from '../../support/test-folder.ts';

const PATH = 'sys/config/auditing/request-headers';
const USUAL = {
  'correlation-id': { hmac: false },
  'user-agent': { hmac: false },
  'x-correlation-id': { hmac: false },
};

let server: RunningServer;
let root: Ask;
const folder = testFolder('headers');
before(async () => {
  server = await startReadyDev();
  root = asking(server.address);
});
after(() => server.stop());

const shown = async () => (await succeed(root, 'GET', PATH)).body.data.headers;

test('named in any spelling, shown, changed, taken out; twice is no mistake', async () => {
  assert.deepEqual(await shown(), USUAL);
  await succeed(root, 'POST', `${PATH}/X-Mine`, { hmac: true });
  const { body } = await succeed(root, 'GET', PATH);
  assert.deepEqual(body.data.headers, { ...USUAL, 'x-mine': { hmac: true } });
  assert.deepEqual(body.headers, body.data.headers);
  const one = (await succeed(root, 'GET', `${PATH}/X-MINE`)).body;
  assert.deepEqual([one.data, one['X-MINE']], [{ 'X-MINE': { hmac: true } }, { hmac: true }]);
  await succeed(root, 'PUT', `${PATH}/x-mine`, {});
  assert.deepEqual((await shown())['x-mine'], { hmac: false });
  await succeed(root, 'DELETE', `${PATH}/X-Mine`);
  await succeed(root, 'DELETE', `${PATH}/X-Mine`);
  assert.deepEqual(await shown(), USUAL);
});

test('a usual one may be hashed; taken out it is as it was', async () => {
  await succeed(root, 'POST', `${PATH}/User-Agent`, { hmac: true });
  assert.deepEqual((await shown())['user-agent'], { hmac: true });
  await succeed(root, 'DELETE', `${PATH}/user-agent`);
  assert.deepEqual(await shown(), USUAL);
});

for (const [name, wanted] of [
  ['X-Vault-Token', 'a credential'],
  ['authorization', 'a credential'],
  ['Cookie', 'a credential'],
  ['Proxy-Authorization', 'a credential'],
  ['x'.repeat(129), 'too long'],
] as const) {
  test(`refused: ${name.slice(0, 20)}`, async () => {
    const { status, body } = await root('POST', `${PATH}/${name}`, {});
    assert.equal(status, 400);
    assert(body.errors[0].includes(wanted), body.errors[0]);
    assert(!body.errors[0].includes(name));
    assert.deepEqual(await shown(), USUAL);
  });
}

test('not there, no sudo, no list, no number without end', async () => {
  for (const name of ['x-none', '__proto__', 'constructor']) {
    const { status, body } = await root('GET', `${PATH}/${name}`);
    assert.deepEqual([status, body.errors], [400, ['Could not find header in config']]);
  }
  for (const name of ['a%20b', '-a', 'a/b'])
    assert.equal((await root('POST', `${PATH}/${name}`, {})).status, 404, name);
  assert.equal((await root('LIST', PATH)).status, 405);
  const policy = `path "${PATH}*" { capabilities = ["read", "update", "delete"] }`;
  await succeed(root, 'PUT', 'sys/policies/acl/no-sudo', { policy });
  const { token } = await makeToken(root, { policies: ['no-sudo'] });
  const other = asking(server.address, token);
  for (const [method, path] of [
    ['GET', PATH],
    ['GET', `${PATH}/user-agent`],
    ['POST', `${PATH}/x-other`],
    ['DELETE', `${PATH}/user-agent`],
  ] as const)
    assert.equal((await other(method, path)).status, 403, `${method} ${path}`);
  const names = Array.from({ length: AUDIT_HEADERS_MAX }, (_, n) => `x-${n}`);
  await Promise.all(names.map((name) => succeed(root, 'POST', `${PATH}/${name}`)));
  assert.equal((await root('POST', `${PATH}/x-more`)).status, 400);
  await succeed(root, 'POST', `${PATH}/x-0`, { hmac: true });
  await Promise.all(names.map((name) => succeed(root, 'DELETE', `${PATH}/${name}`)));
});

test('lines hold what is named, each value of it, hashed where that is asked for, and no credential', async () => {
  const file = join(folder, 'audit.log');
  await succeed(root, 'PUT', 'sys/audit/f', { type: 'file', options: { file_path: file } });
  await succeed(root, 'POST', `${PATH}/x-plain`);
  await succeed(root, 'POST', `${PATH}/X-Hidden`, { hmac: true });
  // Sent as text: a client's library would join what has one name.
  await sendRaw(server.address, [
    'GET /v1/sys/policy HTTP/1.1',
    'Host: x',
    'Connection: close',
    'X-Vault-Token: root',
    'User-Agent: one',
    'User-Agent: two',
    'X-Plain: a, b',
    'x-plain: c',
    'X-HIDDEN: HEADER-CANARY',
    'X-Other: OTHER-CANARY',
    'Cookie: COOKIE-CANARY',
  ]);
  const hidden = (await succeed(root, 'POST', 'sys/audit-hash/f', { input: 'HEADER-CANARY' })).body.data.hash;
  const anonymous = { headers: { 'x-plain': 'of nobody' } };
  assert.equal((await asking(server.address, '')('GET', 'secret/data/a', undefined, anonymous)).status, 403);
  for (const name of ['x-plain', 'x-hidden']) await succeed(root, 'DELETE', `${PATH}/${name}`);
  await root('GET', 'secret/data/later', undefined, { headers: { 'x-plain': 'LATER-CANARY' } });
  await succeed(root, 'DELETE', 'sys/audit/f');
  const text = readFileSync(file, 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ request }) => request);
  const listed = lines.filter(({ request }) => request.path === 'sys/policy');
  assert.deepEqual(
    listed.map(({ type }) => type),
    ['request', 'response'],
  );
  for (const { request } of listed)
    assert.deepEqual(request.headers, {
      'user-agent': ['one', 'two'],
      'x-hidden': [hidden],
      'x-plain': ['a, b', 'c'],
    });
  const refused = lines.find(({ request }) => request.path === 'secret/data/a');
  assert.deepEqual(refused.request.headers['x-plain'], ['of nobody']);
  assert(!/HEADER-CANARY|OTHER-CANARY|COOKIE-CANARY|LATER-CANARY/.test(text));
});

async function sendRaw(address: string, lines: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  let reply = '';
  for await (const bytes of socket) reply += bytes;
  assert.match(reply, /^HTTP\/1\.1 200 /);
}
