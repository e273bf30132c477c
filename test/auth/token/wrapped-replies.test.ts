import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { tokenId } from '../../../src/auth/token/token-actor.ts';
import { makeWrappedReplies } from '../../../src/auth/token/wrapped-replies.ts';
import { makeWrappingOperations } from '../../../src/auth/token/wrapping-operations.ts';
import { OWN_CLAIMS } from '../../../src/model/actor.ts';
import { makeMemoryStorage } from '../../support/memory-storage.ts';
import { startTokens } from '../../support/test-tokens.ts';

const own = { claims: OWN_CLAIMS, namespace: 'root' };
const REPLY = { status: 200, contentType: 'application/json', body: Buffer.from('{"a\n":1}\n') };
const ABOUT = { namespace: 'root', ttl: 60, path: 'secret/data/a', creationPath: 'secret/data/a' };

function make(storage = makeMemoryStorage()) {
  const clock = { ms: 1_000_000_000 };
  const { actor, cluster, tokens } = startTokens({ storage, clock });
  const operations = makeWrappingOperations(actor.kind);
  const replies = makeWrappedReplies({ tokens, operations, cluster });
  /** What rests of tokens and what they wrap; who was deleted is remembered elsewhere for a while. */
  const resting = () => storage.paths('').filter((path) => !path.includes('gone/'));
  return { clock, storage, cluster, operations, tokens, replies, resting };
}

test('what is laid aside comes back to the byte, once', async () => {
  const { replies } = make();
  const { token, ttl } = await replies.wrap(REPLY, ABOUT);
  assert.equal(ttl, 60);
  const { status, contentType, body } = (await replies.take(token, own))!;
  assert.deepEqual([status, contentType, Buffer.from(body)], [200, 'application/json', REPLY.body]);
  assert.equal(await replies.take(token, own), undefined);
  assert.equal(await replies.rewrap(token, undefined, own), undefined);
});

test('a wrapping token is not kept in memory once it is stored', async () => {
  const { replies, tokens, cluster } = make();
  const { token } = await replies.wrap(REPLY, ABOUT);
  // It rests once it has replied.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(cluster.peek(tokenId(tokens.accessorOf(token))), undefined);
  assert.ok(await replies.look(token, 'root'));
  assert.ok(cluster.peek(tokenId(tokens.accessorOf(token))), 'unless somebody asked for it');
  assert.deepEqual(Buffer.from((await replies.take(token, own))!.body), REPLY.body);
});

test('a text is what its bytes are, in whatever letters', async () => {
  const { replies } = make();
  for (const body of ['', '{"a":1}\n', '{"name":"Zoë, 佐藤, 🔑"}\n', 'é'.repeat(4_000)]) {
    const { token } = await replies.wrap({ ...REPLY, body }, ABOUT);
    assert.equal(Buffer.from((await replies.take(token, own))!.body).toString(), body);
  }
});

for (const bytes of [0, 1, 700, 5_000]) {
  test(`of ${bytes} bytes, whatever they are: one restart later they come back as they were`, async () => {
    const { storage, ...before } = make();
    const body = randomBytes(bytes);
    const { token } = await before.replies.wrap({ ...REPLY, body }, ABOUT);
    assert.equal(
      storage.recordPaths().length,
      bytes > 1_024 ? 1 : 0,
      'a short one needs no record of its own',
    );
    await before.cluster.stop();
    const { replies } = make(storage);
    assert.deepEqual(Buffer.from((await replies.take(token, own))!.body), body);
    assert.deepEqual(storage.recordPaths(), []);
  });
}

test('what is opened, revoked or over rests nowhere, swept or not', async () => {
  const body = Buffer.from('what nobody else may see');
  const ends = {
    opened: ({ replies }, { token }) => replies.take(token, own),
    revoked: ({ tokens }, { accessor }) => tokens.revoke(accessor, 'tree'),
    over: async ({ clock, replies }, { token }) => {
      clock.ms += 60_000;
      assert.equal(await replies.look(token, 'root'), undefined);
    },
  } satisfies Record<
    string,
    (made: ReturnType<typeof make>, about: { token: string; accessor: string }) => Promise<unknown>
  >;
  for (const [how, end] of Object.entries(ends)) {
    const made = make();
    const holds = () =>
      [...made.storage.records.values()].some(({ value }) => Buffer.from(value).includes(body));
    const info = await made.replies.wrap({ ...REPLY, body }, ABOUT);
    assert(holds());
    await end(made, info);
    assert(!holds(), how);
  }
});

test('a caller does not bring along what its token wraps', async () => {
  const { tokens, replies } = make();
  const { token } = await replies.wrap(REPLY, ABOUT);
  const caller = (await tokens.authenticate(token))!;
  assert.deepEqual(caller.state.wraps, { path: 'secret/data/a' });
  assert.deepEqual(Buffer.from((await replies.own(caller))!.body), REPLY.body);
});

test('what is over by the clock is not opened, whatever the clock says next', async () => {
  const { clock, replies } = make();
  const { token } = await replies.wrap(REPLY, ABOUT);
  clock.ms += 60_000;
  assert.equal(await replies.look(token, 'root'), undefined);
  assert.equal(await replies.take(token, own), undefined);
  clock.ms -= 30_000;
  assert.equal(await replies.take(token, own), undefined);
});

test('nor is it where its time ends between the look and the commit', async () => {
  const { clock, cluster, operations, replies } = make();
  const { token, accessor } = await replies.wrap(REPLY, ABOUT);
  clock.ms += 60_000;
  assert.equal(await cluster.send(operations.unwrap, tokenId(accessor), undefined, own), false);
  clock.ms -= 30_000;
  assert.equal(await replies.take(token, own), undefined);
});

for (const [how, end] of [
  ['opened', ({ replies }, { token }) => replies.take(token, own)],
  ['revoked', ({ tokens }, { accessor }) => tokens.revoke(accessor, 'tree')],
] as const satisfies [
  string,
  (made: ReturnType<typeof make>, about: { token: string; accessor: string }) => Promise<unknown>,
][]) {
  test(`of one that is ${how} and swept nothing is left`, async () => {
    const made = make();
    const before = made.resting();
    const info = await made.replies.wrap(REPLY, ABOUT);
    assert(made.resting().length >= before.length + 2, 'a head and a timer');
    await end(made, info);
    await made.tokens.sweep(info.accessor);
    assert.deepEqual(made.resting(), before);
  });
}

test('of two who rewrap, the second leaves no token that opens the same reply', async () => {
  const { tokens, replies } = make();
  const { token } = await replies.wrap(REPLY, ABOUT);
  const rewrapped = await Promise.all([
    replies.rewrap(token, undefined, own),
    replies.rewrap(token, 10, own),
    replies.rewrap(token, undefined, own),
  ]);
  const won = rewrapped.filter((info) => info !== undefined);
  assert.equal(won.length, 1);
  const alive: string[] = [];
  for (const accessor of await tokens.accessors('root'))
    if (await tokens.stateOf(accessor)) alive.push(accessor);
  assert.deepEqual(alive, [won[0]!.accessor]);
  assert(await replies.take(won[0]!.token, own));
});

test('tokens that wrap nothing are none', async () => {
  const { replies, tokens } = make();
  const { token, accessor } = tokens.draw('root');
  assert.equal(await replies.look(token, 'root'), undefined);
  assert.equal(await replies.take(token, own), undefined);
  assert.equal(await tokens.stateOf(accessor), undefined);
});
