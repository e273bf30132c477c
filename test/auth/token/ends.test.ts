import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shardOf } from '../../../src/actors/places.ts';
import { issue } from '../../../src/auth/login/issue.ts';
import { makeCreation } from '../../../src/auth/token/creation.ts';
import { makeRenewal } from '../../../src/auth/token/renewal.ts';
import { makeTokenActor, tokenId } from '../../../src/auth/token/token-actor.ts';
import { NO_TOKEN_FIELDS } from '../../../src/auth/token/token-fields.ts';
import { makeWrappedReplies } from '../../../src/auth/token/wrapped-replies.ts';
import { makeWrappingOperations } from '../../../src/auth/token/wrapping-operations.ts';
import { rootToken } from '../../../src/founding.ts';
import { actorKey, OWN_CLAIMS } from '../../../src/model/actor.ts';
import type { RouteContext } from '../../../src/model/engine.ts';
import { OUTCOME_RETRY_MS } from '../../../src/model/limits.ts';
import { ROOT_NAMESPACE } from '../../../src/model/namespace.ts';
import { StorageFailed } from '../../../src/model/storage.ts';
import { rfc3339 } from '../../../src/model/time.ts';
import { makeMemoryStorage } from '../../support/memory-storage.ts';
import { makeSharedView, startOwnNode } from '../../support/own-node.ts';
import { startTokens } from '../../support/test-tokens.ts';
import { settle } from '../../support/turns.ts';

const own = { claims: OWN_CLAIMS, namespace: 'root' };
const BEGAN_MS = 1_000_000_000;
const TTLS = { ttlsOf: () => ({ defaultTtl: 3_600, maxTtl: 36_000 }) };
const MOUNT = { path: 'userpass/', class: 'auth', uuid: 'u', config: {} };

/** Where requests enter the clock is ahead of the owner's by this, ms, or behind. */
function make(aheadMs: number) {
  const clock = { ms: BEGAN_MS };
  const here = () => clock.ms + aheadMs;
  const { actor, cluster, tokens } = startTokens({ clock, now: here });
  const caller = { accessor: 'c', namespace: 'root', state: { type: 'service', policies: ['root'], ttl: 0 } };
  const ctx = {
    ...{ cluster, caller, claims: OWN_CLAIMS, mount: MOUNT, namespace: ROOT_NAMESPACE, request: {} },
    ...{ path: 'auth/token/create', captures: {}, now: here, isSudo: () => true },
  } as unknown as RouteContext;
  const create = makeCreation({ tokens, ...TTLS, policyExists: () => true });
  const renew = makeRenewal({ tokens, ...TTLS });
  const asked = { id: '', display_name: '', policies: ['p'], no_parent: true, no_default_policy: false };
  const more = { meta: undefined, renewable: true, lease: undefined, period: undefined, num_uses: 0 };
  return {
    clock,
    /** What its owner has of it. */
    state: async (accessor: string) => (await cluster.send(actor.read, tokenId(accessor), undefined, own))!,
    created: async (ttl: number, max?: number) => {
      const params = { ...asked, ...more, ttl, explicit_max_ttl: max, type: '', entity_alias: '' };
      return (await create(params, ctx, true)).auth!;
    },
    loggedIn: async (ttl: number) => {
      const fields = { ...NO_TOKEN_FIELDS, token_ttl: ttl, token_policies: ['p'] };
      const login = { fields, name: 'bob', displayName: 'bob', meta: {}, path: 'login/bob' };
      return (await issue(login, { tokens, ...TTLS }, ctx)).auth!;
    },
    wrapped: async (ttl: number) => {
      const operations = makeWrappingOperations(actor.kind);
      const replies = makeWrappedReplies({ tokens, operations, cluster });
      const reply = { status: 200, contentType: '', body: Buffer.from('{}') };
      return replies.wrap(reply, { namespace: 'root', ttl, path: 'a', creationPath: 'a' });
    },
    renewed: (accessor: string, increment: number) => renew(accessor, '', increment, ctx),
    stop: () => cluster.stop(),
  };
}

for (const aheadMs of [-20_000, -1, 0, 20_000]) {
  describe(`entered by a node ${aheadMs} ms ahead of the owner, a token ends by the owner's clock`, () => {
    test('created', async () => {
      const { created, state, stop } = make(aheadMs);
      const { accessor, lease_duration } = await created(9);
      const { createdAtMs, expiresAtMs } = await state(accessor);
      assert.deepEqual([lease_duration, createdAtMs, expiresAtMs], [9, BEGAN_MS, BEGAN_MS + 9_000]);
      await stop();
    });

    test('issued by a login', async () => {
      const { loggedIn, state, stop } = make(aheadMs);
      const { accessor, lease_duration } = await loggedIn(9);
      const { createdAtMs, expiresAtMs } = await state(accessor);
      assert.deepEqual([lease_duration, createdAtMs, expiresAtMs], [9, BEGAN_MS, BEGAN_MS + 9_000]);
      await stop();
    });

    test('wrapping a reply, and the reply says so', async () => {
      const { wrapped, state, stop } = make(aheadMs);
      const { accessor, creation_time } = await wrapped(9);
      assert.equal(creation_time, rfc3339(BEGAN_MS));
      assert.equal((await state(accessor)).expiresAtMs, BEGAN_MS + 9_000);
      await stop();
    });

    test('renewed: for what is asked, and never past its longest life', async () => {
      const { clock, created, renewed, state, stop } = make(aheadMs);
      const { accessor } = await created(40, 100);
      clock.ms += 30_000;
      const first = await renewed(accessor, 60);
      assert.deepEqual([first.auth?.lease_duration, first.warnings], [60, []]);
      assert.equal((await state(accessor)).expiresAtMs, BEGAN_MS + 90_000);
      const second = await renewed(accessor, 90);
      assert.equal(second.auth?.lease_duration, 70);
      assert.equal(second.warnings?.length, 1);
      const { grantedTtl, expiresAtMs } = await state(accessor);
      assert.deepEqual([grantedTtl, expiresAtMs], [70, BEGAN_MS + 100_000]);
      assert(!('warnings' in (await state(accessor))));
      await stop();
    });
  });
}

for (const isHeard of [true, false]) {
  test(`asked for once more of another owner, by another clock, it has the end it had: ${isHeard ? 'heard' : 'not heard of'}`, async () => {
    const storage = makeMemoryStorage();
    const shared = makeSharedView();
    const actor = makeTokenActor(async () => {});
    const { wrap } = makeWrappingOperations(actor.kind);
    const start = (inc: string) => startOwnNode({ inc, storage, shared, kinds: [actor.kind] });
    const token = { ...rootToken(), ttl: 9, wraps: { path: 'a' } };
    const asked = { token, reply: '{}' };
    const id = tokenId('a');
    const entry = { entry: { inc: 'entry', n: 1 } };
    shared.give('one');
    const one = start('one');
    await one.shards.claim(shardOf(actorKey(id)));
    const { commit } = storage;
    if (!isHeard)
      storage.commit = async (...given) => {
        await commit(...given);
        storage.commit = commit;
        throw new StorageFailed('nobody knows', false);
      };
    const beganMs = one.clock.wallMs();
    const first = one.ask(wrap, id, asked, entry);
    await settle();
    one.clock.advance(OUTCOME_RETRY_MS);
    assert.equal(await first, beganMs);
    shared.give('two');
    one.shards.dropAll();
    const two = start('two');
    two.clock.advance(5_000);
    assert.equal(await two.ask(wrap, id, asked, entry), beganMs);
    const state = await two.ask(actor.read, id, undefined);
    assert.deepEqual([state?.createdAtMs, state?.expiresAtMs], [beganMs, beganMs + 9_000]);
  });
}

test('an owner whose clock is behind that of the one before gives no more than the longest life', async () => {
  const { clock, created, renewed, stop } = make(0);
  const { accessor } = await created(40, 100);
  clock.ms -= 3_000;
  assert.equal((await renewed(accessor, 200)).auth?.lease_duration, 100);
  await stop();
});
