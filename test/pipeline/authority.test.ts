/**
 * Authority that ends while a request is on its way (design, guarantee 6): nothing starts under it any more, and nothing else suffers.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { CallReply } from '../support/http.ts';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';
import { testFolder } from '../support/test-folder.ts';

let coffer: InnerCoffer;
const folder = testFolder('authority');
const log = join(folder, 'audit.log');
before(async () => {
  coffer = await startInnerCoffer();
  // Requests that wait for their audit line do not all arrive at once: what came early makes what comes late stale.
  const { status } = await coffer.ask('PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } });
  assert.equal(status, 204);
});
after(() => coffer.coffer.stop());
/** How many requests had to be authorized a second time so far. */
const again = () => readFileSync(log, 'utf8').split('authorized anew').length - 1;
beforeEach(() => {
  coffer.beforeCommit = undefined;
  coffer.beforeList = undefined;
});

const policy = (name: string, text: string) =>
  coffer.ask('PUT', `sys/policies/acl/${name}`, { policy: text });
async function tokenOf(settings: object): Promise<string> {
  const { body } = await coffer.ask('POST', 'auth/token/create', settings);
  return body.auth.client_token;
}

/**
 * Starts a write of `kv/<name>` that holds its actor, then `waiting`, which waits behind it; lets both go once `meanwhile` is through.
 * @returns what `waiting` was answered.
 */
async function whileWaiting(
  name: string,
  waiting: () => ReturnType<InnerCoffer['ask']>,
  meanwhile: () => Promise<unknown>,
): Promise<number> {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let first = true;
  let holding = (): void => {};
  const begun = new Promise<void>((resolve) => {
    holding = resolve;
  });
  coffer.beforeCommit = async (paths) => {
    if (!first || !paths.some((path) => path.includes('/kv/'))) return;
    first = false;
    holding();
    await held;
  };
  const before = coffer.ask('POST', `kv/${name}`, { by: 'root' });
  await begun;
  const sent = waiting();
  // It is on its way, at the latest when a request that was sent after it is answered.
  for (let n = 0; n < 5; n++) await coffer.ask('GET', 'auth/token/lookup-self');
  await meanwhile();
  release();
  assert.equal((await before).status, 204);
  return (await sent).status;
}

test('a policy that was tightened', async () => {
  await policy('writer', 'path "kv/*" { capabilities = ["create", "update", "read"] }');
  const token = await tokenOf({ policies: ['writer'] });
  const status = await whileWaiting(
    'a',
    () => coffer.ask('POST', 'kv/a', { by: 'writer' }, token),
    () => policy('writer', 'path "kv/*" { capabilities = ["read"] }'),
  );
  assert.equal(status, 403);
  assert.deepEqual((await coffer.ask('GET', 'kv/a')).body.data, { by: 'root' });
});

test('a token that was revoked, and one whose parent was', async () => {
  await policy('all', 'path "*" { capabilities = ["create", "update", "read", "sudo"] }');
  const parent = await tokenOf({ policies: ['all'] });
  const made = await coffer.ask('POST', 'auth/token/create', { policies: ['all'] }, parent);
  const child = made.body.auth.client_token;
  const status = await whileWaiting(
    'b',
    () => coffer.ask('POST', 'kv/b', { by: 'child' }, child),
    () => coffer.ask('POST', 'auth/token/revoke', { token: parent }),
  );
  assert.equal(status, 403);
  assert.deepEqual((await coffer.ask('GET', 'kv/b')).body.data, { by: 'root' });
});

/** Lists `kv/`, and lets it be read only once `meanwhile` is through. */
async function whileListing(token: string, meanwhile: () => Promise<unknown>): Promise<CallReply> {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  let isFirst = true;
  coffer.beforeList = async (prefix) => {
    if (!isFirst || !prefix.includes('/kv/')) return;
    isFirst = false;
    begun.resolve();
    await held.promise;
  };
  const sent = coffer.ask('LIST', 'kv', undefined, token);
  await begun.promise;
  await meanwhile();
  held.resolve();
  return sent;
}

test('a list shows nothing that was written after its authority had ended', async () => {
  await policy('lister', 'path "kv/*" { capabilities = ["list"] }');
  const write = (name: string) => coffer.ask('POST', `kv/${name}`, { by: 'root' });
  await write('before');
  const revoked = await tokenOf({ policies: ['lister'] });
  const late = await whileListing(revoked, async () => {
    await coffer.ask('POST', 'auth/token/revoke', { token: revoked });
    await write('after-revocation');
  });
  assert.equal(late.status, 403);
  const tightened = await tokenOf({ policies: ['lister'] });
  const denied = await whileListing(tightened, async () => {
    await policy('lister', 'path "kv/*" { capabilities = ["read"] }');
    await write('after-tightening');
  });
  assert.equal(denied.status, 403);
  const other = await whileListing(coffer.root, () =>
    policy('unrelated', 'path "x" { capabilities = ["read"] }'),
  );
  assert.equal(other.status, 200);
});

test('a mount that was disabled and enabled again', async () => {
  const writing = whileWaiting(
    'c',
    () => coffer.ask('POST', 'kv/c', { by: 'late' }),
    async () => {
      await coffer.ask('DELETE', 'sys/mounts/kv');
      await coffer.ask('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
    },
  );
  // Authorized anew, it writes into the new mount: it may, and was not answered before.
  assert.equal(await writing, 204);
  assert.deepEqual((await coffer.ask('GET', 'kv/c')).body.data, { by: 'late' });
});

test('changes of the catalog that do not concern it let it through, the first time', async () => {
  await policy('other', 'path "x" { capabilities = ["read"] }');
  await policy('mine', 'path "kv/*" { capabilities = ["create", "update"] }');
  const token = await tokenOf({ policies: ['mine'], num_uses: 1 });
  let storm = 0;
  const before = again();
  const status = await whileWaiting(
    'd',
    () => coffer.ask('POST', 'kv/d', { by: 'mine' }, token),
    async () => {
      for (; storm < 12; storm++) await policy('other', `path "x${storm}" { capabilities = ["read"] }`);
    },
  );
  assert.equal(status, 204);
  assert.equal(again(), before);
});

test('hundreds of policies written at once are all taken', async () => {
  const replies = await Promise.all(
    Array.from({ length: 400 }, (_, n) => policy(`many-${n}`, `path "m/${n}" { capabilities = ["read"] }`)),
  );
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([204]));
});

test('a last use is good to the end, also when the request is authorized anew, and for those before it', async () => {
  await policy('counted', 'path "kv/*" { capabilities = ["create", "update"] }');
  const token = await tokenOf({ policies: ['counted'], num_uses: 2 });
  let last = 0;
  const status = await whileWaiting(
    'e',
    () => coffer.ask('POST', 'kv/e', { by: 'first use' }, token),
    async () => {
      // The last use is taken, answered, and would end the token.
      last = (await coffer.ask('POST', 'kv/f', { by: 'last use' }, token)).status;
      // And this makes the first one be authorized anew.
      await policy('counted', 'path "kv/e" { capabilities = ["update"] }');
    },
  );
  assert.deepEqual([last, status], [204, 204]);
  assert.equal((await coffer.ask('POST', 'kv/e', { by: 'third' }, token)).status, 403);
});

test('two tunings of one mount at once both stay', async () => {
  for (let n = 1; n <= 10; n++) {
    const [ttl, description] = await Promise.all([
      coffer.ask('POST', 'sys/mounts/kv/tune', { default_lease_ttl: `${n}s` }),
      coffer.ask('POST', 'sys/mounts/kv/tune', { description: `number ${n}` }),
    ]);
    assert.deepEqual([ttl.status, description.status], [204, 204]);
    const { data } = (await coffer.ask('GET', 'sys/mounts/kv/tune')).body;
    assert.deepEqual([data.default_lease_ttl, data.description], [n, `number ${n}`]);
  }
});
