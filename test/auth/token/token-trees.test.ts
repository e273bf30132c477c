import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isAlive } from '../../../src/auth/token/liveness.ts';
import { tokenId } from '../../../src/auth/token/token-actor.ts';
import { makeTokens } from '../../../src/auth/token/tokens.ts';
import { OWN_CLAIMS } from '../../../src/model/actor.ts';
import type { TokenState } from '../../../src/model/caller.ts';
import type { CodedError } from '../../../src/model/errors.ts';
import { TOKEN_DEPTH_MAX } from '../../../src/model/limits.ts';
import { PLAIN_NAMES } from '../../support/cluster.ts';
import { makeFaultyStorage } from '../../support/faulty-storage.ts';
import { type MemoryStorage, makeMemoryStorage } from '../../support/memory-storage.ts';
import { startTokens } from '../../support/test-tokens.ts';
import { tokenState } from '../../support/token-state.ts';
import { until } from '../../support/until.ts';

const own = { claims: OWN_CLAIMS, namespace: 'root' };
const clock = { ms: 1_000_000_000 };

function stateOf(parent: string | undefined, more: Partial<TokenState> = {}): TokenState {
  return tokenState({ parent, createdAtMs: clock.ms, ...more });
}

/** @param turnsOf - how slow each commit is. */
function make(
  storage: MemoryStorage,
  turnsOf: () => number = () => 0,
  isIssuer: (mount: string) => boolean = () => true,
) {
  const wiped: string[] = [];
  const made = startTokens({
    storage: makeFaultyStorage(storage, () => ({ kind: 'well', turns: turnsOf() })),
    clock,
    isIssuer,
    wipe: async (_cluster, accessor) => void wiped.push(accessor),
  });
  return { ...made, wiped };
}

/** The next commit is `stored`, and its writer hears of it after `answer`. Those that come later overtake it. */
function answerNextCommitLate(storage: MemoryStorage) {
  const stored = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const { commit } = storage;
  storage.commit = async (changes, conditions) => {
    storage.commit = commit;
    const version = await commit(changes, conditions);
    stored.resolve();
    await answered.promise;
    return version;
  };
  return { stored: stored.promise, answer: answered.resolve };
}

/** What is stored of one token waits until this is resolved. */
function holdCommitsOf(storage: MemoryStorage, accessor: string): PromiseWithResolvers<void> {
  const held = Promise.withResolvers<void>();
  const { commit } = storage;
  const name = PLAIN_NAMES.sealName(accessor, accessor).toString();
  storage.commit = async (changes, conditions) => {
    if (changes.some(({ path }) => path.includes(name))) await held.promise;
    return commit(changes, conditions);
  };
  return held;
}

describe('tokens', () => {
  test('revoking one kills all below it at once, and nothing of them is left', async () => {
    const storage = makeMemoryStorage();
    const { cluster, tokens, wiped } = make(storage);
    await cluster.startTimers();
    const root = await tokens.create(stateOf(undefined), undefined, own);
    const all = [root];
    for (let n = 0; n < 60; n++) {
      const parent = all[Math.floor(n / 3)]!;
      all.push(await tokens.create(stateOf(parent.accessor), undefined, own));
    }
    const branch = all[1]!;
    await tokens.revoke(branch.accessor, 'tree');
    const below = (accessor: string, state: TokenState | undefined): boolean =>
      accessor === branch.accessor || !state;
    let dead = 0;
    for (const { token, accessor } of all) {
      const caller = await tokens.authenticate(token);
      if (below(accessor, caller?.state)) dead++;
    }
    assert(dead > 10 && dead < 50, `${dead}`);
    await until(
      'the dead are listed no more',
      async () => (await tokens.accessors('root')).length === all.length - dead,
    );
    await until('no timer is left', () => storage.paths('timer/').length === 0);
    assert.equal(new Set(wiped).size, dead);
    await cluster.stop();
  });

  test('whatever overtakes what: no child of a dead parent is good, and none is forgotten', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5), { minLength: 20, maxLength: 20 }),
        fc.constantFrom('tree' as const, 'self' as const),
        fc.nat(8),
        async (turns, how, childrenBefore) => {
          const storage = makeMemoryStorage();
          let at = 0;
          const { cluster, tokens } = make(storage, () => turns[at++ % turns.length]!);
          await cluster.startTimers();
          const parent = await tokens.create(stateOf(undefined), undefined, own);
          const creating = Array.from({ length: childrenBefore + 3 }, () =>
            tokens.create(stateOf(parent.accessor), undefined, own).then(
              (made) => made,
              (error: CodedError) => {
                assert.equal(error.code, 'stale_claims');
                return undefined;
              },
            ),
          );
          for (let turn = 0; turn < turns[0]!; turn++) await new Promise((resolve) => setImmediate(resolve));
          await tokens.revoke(parent.accessor, how);
          if (how === 'self') await tokens.sweep(parent.accessor);
          const made = await Promise.all(creating);
          // What is listed in the end is good; what is not good is gone.
          await until('no timer is left', () => storage.paths('timer/').length === 0);
          const listed = await tokens.accessors('root');
          const good: string[] = [];
          for (const child of made) {
            if (child && (await tokens.authenticate(child.token))) good.push(child.accessor);
          }
          assert.deepEqual(listed.toSorted(), good.toSorted());
          if (how === 'tree') assert.deepEqual(good, []);
          await cluster.stop();
        },
      ),
      { numRuns: 60 },
    );
  });

  for (const how of ['self', 'tree'] as const) {
    const fate = how === 'self' ? 'orphans stay good' : 'children stay dead';
    test(`a parent is forgotten before its child has heard of its own commit: ${fate}`, async () => {
      const storage = makeMemoryStorage();
      const { actor, cluster, tokens } = make(storage);
      const parent = await tokens.create(stateOf(undefined), undefined, own);
      const child = await tokens.create(stateOf(parent.accessor), undefined, own);
      const below = await tokens.create(stateOf(child.accessor), undefined, own);
      const callers = await Promise.all([child, below].map(({ token }) => tokens.authenticate(token)));
      await tokens.revoke(parent.accessor, how);
      if (how === 'self') await cluster.send(actor.decide, tokenId(parent.accessor), 'orphaning', own);
      const late = answerNextCommitLate(storage);
      const first = tokens.sweep(parent.accessor);
      await late.stored;
      // The second one finds no child on the list any more.
      await tokens.sweep(parent.accessor);
      assert.deepEqual(
        (await tokens.accessors('root')).toSorted(),
        [child.accessor, below.accessor].toSorted(),
      );
      const asked = Promise.all([
        ...[child, below].map(async ({ token }) => (await tokens.authenticate(token)) !== undefined),
        ...callers.map((caller) => tokens.isStillGood(caller!)),
      ]);
      const bearing = tokens.create(stateOf(child.accessor), undefined, own).then(
        () => 'made',
        ({ code }: CodedError) => code,
      );
      for (const caller of callers) assert.equal(tokens.isGood(caller!), false);
      late.answer();
      assert.deepEqual(await asked, Array(4).fill(how === 'self'));
      assert.equal(await bearing, how === 'self' ? 'made' : 'stale_claims');
      await first;
      for (const caller of callers) assert.equal(tokens.isGood(caller!), how === 'self');
      await cluster.stop();
    });
  }

  test('a parent that is forgotten between the look at its child and the look at it: the orphan is good', async () => {
    const { actor, cluster, tokens } = make(makeMemoryStorage());
    const parent = await tokens.create(stateOf(undefined), undefined, own);
    const child = await tokens.create(stateOf(parent.accessor), undefined, own);
    await tokens.revoke(parent.accessor, 'self');
    let looks = 0;
    // As another node sees it: nothing can be told in this turn.
    const remote = makeTokens({
      actor,
      cluster: {
        ...cluster,
        peek: () => undefined,
        send: async (op, to, params, options) => {
          if (to.name === parent.accessor && looks++ === 0) await tokens.sweep(parent.accessor);
          return cluster.send(op, to, params, options);
        },
      },
      accessorKey: () => Buffer.alloc(32, 7),
      now: () => clock.ms,
      randomBytes,
    });
    assert(await remote.authenticate(child.token));
    assert.equal(looks, 1);
    await cluster.stop();
  });

  for (const how of ['self', 'tree'] as const) {
    for (const order of ['upper first', 'lower first'] as const) {
      test(`one is ended (${how}) above one that is being orphaned, swept ${order}: nobody comes back`, async () => {
        const { cluster, tokens } = make(makeMemoryStorage());
        const upper = await tokens.create(stateOf(undefined), undefined, own);
        const lower = await tokens.create(stateOf(upper.accessor), undefined, own);
        const { token } = await tokens.create(stateOf(lower.accessor), undefined, own);
        const isGood = async () => (await tokens.authenticate(token)) !== undefined;
        await tokens.revoke(lower.accessor, 'self');
        assert.equal(await isGood(), true);
        await tokens.revoke(upper.accessor, how);
        for (const { accessor } of order === 'upper first' ? [upper, lower] : [lower, upper]) {
          assert.equal(await isGood(), how === 'self');
          await tokens.sweep(accessor);
        }
        assert.equal(await isGood(), how === 'self');
        await cluster.stop();
      });
    }
  }

  for (const felled of ['upper', 'lower'] as const) {
    test(`once its children are orphans, one that was revoked alone is not felled with them: ${felled} revoked`, async () => {
      const storage = makeMemoryStorage();
      const { actor, cluster, tokens } = make(storage);
      const upper = await tokens.create(stateOf(undefined), undefined, own);
      const lower = await tokens.create(stateOf(upper.accessor), undefined, own);
      const { token, accessor } = await tokens.create(stateOf(lower.accessor), undefined, own);
      const caller = (await tokens.authenticate(token))!;
      const told = holdCommitsOf(storage, accessor);
      await tokens.revoke(lower.accessor, 'self');
      assert.equal(await cluster.send(actor.decide, tokenId(lower.accessor), 'orphaning', own), 'orphaning');
      await tokens.revoke((felled === 'upper' ? upper : lower).accessor, 'tree');
      const isGood = async () => [tokens.isGood(caller), (await tokens.stateOf(accessor)) !== undefined];
      assert.deepEqual(await isGood(), [true, true]);
      told.resolve();
      await tokens.sweep(upper.accessor);
      assert.deepEqual(await isGood(), [true, true]);
      await tokens.sweep(lower.accessor);
      assert.deepEqual(await isGood(), [true, true]);
      const left = felled === 'upper' ? [accessor] : [accessor, upper.accessor];
      assert.deepEqual((await tokens.accessors('root')).toSorted(), left.toSorted());
      await cluster.stop();
    });
  }

  for (const fate of ['self', 'orphaning'] as const) {
    test(`a parent that is revoked alone (${fate}) does not end its children when its login's mount goes`, async () => {
      const storage = makeMemoryStorage();
      let isThere = true;
      const { actor, cluster, tokens } = make(
        storage,
        () => 0,
        () => isThere,
      );
      const above = await tokens.create(stateOf(undefined), undefined, own);
      const issuer = { mount: 'm', name: 'bob' };
      const parent = await tokens.create(stateOf(above.accessor, { issuer }), undefined, own);
      const { token, accessor } = await tokens.create(stateOf(parent.accessor), undefined, own);
      const caller = (await tokens.authenticate(token))!;
      const told = holdCommitsOf(storage, accessor);
      await tokens.revoke(parent.accessor, 'self');
      if (fate === 'orphaning') {
        await cluster.send(actor.decide, tokenId(parent.accessor), fate, own);
        const chain = tokens.chainOf(caller).map(({ name }) => name);
        assert.deepEqual(chain, [accessor, parent.accessor], 'what is above it counts no more');
      }
      isThere = false;
      assert.equal(tokens.isGood(caller), true);
      assert(await tokens.stateOf(accessor));
      told.resolve();
      await tokens.sweep(parent.accessor);
      assert.equal(tokens.isGood(caller), true);
      await cluster.stop();
    });
  }

  test('who is refused, since one above ended before it was decided that they are orphans, is refused for good', async () => {
    const { actor, cluster, tokens } = make(makeMemoryStorage());
    const upper = await tokens.create(stateOf(undefined), undefined, own);
    const middle = await tokens.create(stateOf(upper.accessor), undefined, own);
    const lower = await tokens.create(stateOf(middle.accessor), undefined, own);
    const { token } = await tokens.create(stateOf(lower.accessor), undefined, own);
    for (const { accessor } of [middle, lower]) await tokens.revoke(accessor, 'self');
    await tokens.revoke(upper.accessor, 'tree');
    assert.equal(await tokens.authenticate(token), undefined);
    for (const { accessor } of [middle, lower])
      assert.equal(await cluster.send(actor.decide, tokenId(accessor), 'orphaning', own), 'tree');
    await cluster.stop();
  });

  test('whatever is revoked at the same time, alone or as a tree: who was refused once is refused for good', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { minLength: 40, maxLength: 40 }),
        fc.array(
          fc.record({
            turn: fc.nat(30),
            level: fc.nat(2),
            how: fc.constantFrom('tree' as const, 'self' as const),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        async (turns, revocations) => {
          let commits = 0;
          const { cluster, tokens } = make(makeMemoryStorage(), () => turns[commits++ % turns.length]!);
          const above: { accessor: string }[] = [];
          for (let level = 0; level < 3; level++)
            above.push(await tokens.create(stateOf(above.at(-1)?.accessor), undefined, own));
          const { token } = await tokens.create(stateOf(above.at(-1)!.accessor), undefined, own);
          const running = revocations.map(async ({ turn, level, how }) => {
            for (let n = 0; n < turn; n++) await new Promise((resolve) => setImmediate(resolve));
            await tokens.revoke(above[level]!.accessor, how);
            await tokens.sweep(above[level]!.accessor);
          });
          let isOver = false;
          const over = Promise.all(running).then(() => {
            isOver = true;
          });
          for (let wasGood = true, last = false; !last; ) {
            last = isOver;
            const isGood = (await tokens.authenticate(token)) !== undefined;
            assert(wasGood || !isGood, 'it was refused, and is good again');
            wasGood = isGood;
            await new Promise((resolve) => setImmediate(resolve));
          }
          await over;
          await cluster.stop();
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a sweep that was broken off goes on after the next start', async () => {
    const storage = makeMemoryStorage();
    const first = make(storage);
    const root = await first.tokens.create(stateOf(undefined), undefined, own);
    for (let n = 0; n < 40; n++) await first.tokens.create(stateOf(root.accessor), undefined, own);
    // Its timers never ran: as if it had died right after the revocation.
    await first.tokens.revoke(root.accessor, 'tree');
    await first.cluster.stop();
    assert(storage.paths('data/').length > 40);
    const second = make(storage);
    await second.cluster.startTimers();
    await until('nothing is left', () => storage.paths('').length === 0);
    await second.cluster.stop();
  });

  test('a limited token has its uses, no more and no less', async () => {
    const { cluster, tokens } = make(makeMemoryStorage(), () => 1);
    const { token, accessor } = await tokens.create(
      stateOf(undefined, { usesLeft: 7, numUses: 7 }),
      undefined,
      own,
    );
    const callers = await Promise.all(Array.from({ length: 30 }, () => tokens.authenticate(token)));
    const taken = callers.filter((caller) => caller !== undefined);
    assert.deepEqual(taken.map(({ state }) => state.usesLeft).toSorted(), [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(await tokens.stateOf(accessor), undefined);
    // Who took the last one is good until the token is ended.
    for (const caller of taken) assert.equal(await tokens.isStillGood(caller), true);
    await tokens.revoke(accessor, 'tree');
    for (const caller of taken) assert.equal(await tokens.isStillGood(caller), false);
    await cluster.stop();
  });

  test('what expired stays expired, and goes with all below it', async () => {
    const storage = makeMemoryStorage();
    const { actor, cluster, tokens } = make(storage);
    await cluster.startTimers();
    const short = stateOf(undefined, { ttl: 10, expiresAtMs: clock.ms + 10_000 });
    const { token, accessor } = await tokens.create(short, undefined, own);
    const child = await tokens.create(stateOf(accessor), undefined, own);
    assert(await tokens.authenticate(child.token));
    clock.ms += 10_000;
    assert.equal(await tokens.authenticate(token), undefined);
    assert.equal(await tokens.authenticate(child.token), undefined);
    const id = tokenId(accessor);
    const dead = await cluster.send(actor.read, id, undefined, own);
    await actor.kind.onDue!(dead, id, {
      ...cluster,
      send: async (op, to, params, options) => {
        const reply = await cluster.send(op, to, params, options);
        // The clock is set back right after it was found to be over.
        if (op.id === 'token/expire') clock.ms -= 60_000;
        return reply;
      },
    });
    assert.equal(await tokens.authenticate(token), undefined);
    await until('what they held is wiped', () => storage.paths('data/').length === 0);
    await cluster.stop();
    clock.ms += 60_000;
  });

  test('a text that is given anew is another token', async () => {
    const { cluster, tokens } = make(makeMemoryStorage());
    await tokens.create(stateOf(undefined, { policies: ['root'] }), 'mine', own);
    const before = (await tokens.authenticate('mine'))!;
    assert(tokens.isGood(before));
    await assert.rejects(
      tokens.create(stateOf(undefined), 'mine', own),
      /cannot create a token with a duplicate ID/,
    );
    await tokens.revoke(before.accessor, 'tree');
    await tokens.sweep(before.accessor);
    clock.ms += 1;
    await tokens.create(stateOf(undefined), 'mine', own);
    const after = (await tokens.authenticate('mine'))!;
    assert(tokens.isGood(after));
    assert.equal(tokens.isGood(before), false);
    assert.equal(await tokens.isStillGood(before), false);
    await cluster.stop();
  });

  test('generations are bounded', async () => {
    const { cluster, tokens } = make(makeMemoryStorage());
    let parent: string | undefined;
    let last = '';
    for (let n = 0; n <= TOKEN_DEPTH_MAX; n++) {
      ({ accessor: parent, token: last } = await tokens.create(stateOf(parent), undefined, own));
    }
    assert(await tokens.authenticate(last));
    await assert.rejects(tokens.create(stateOf(parent), undefined, own), /too many generations/);
    assert(isAlive(await tokens.stateOf(parent!), clock.ms));
    await cluster.stop();
  });
});

test('tidying ends what is over, sweeps what is dead, and leaves the rest', async () => {
  const storage = makeMemoryStorage();
  const { tokens, cluster, actor, wiped } = make(storage);
  const own = { claims: OWN_CLAIMS, namespace: 'root' };
  const made = async (more: Partial<TokenState> = {}) =>
    (await tokens.create(stateOf(undefined, more), undefined, own)).accessor;
  const good = await made();
  const later = await made({ ttl: 20, expiresAtMs: clock.ms + 20_000 });
  const over = await made({ ttl: 10, expiresAtMs: clock.ms + 10_000 });
  const dead = await made();
  await cluster.send(actor.revoke, tokenId(dead), 'tree', own);
  clock.ms += 10_000;
  await tokens.tidy('root');
  assert.deepEqual((await tokens.accessors('root')).sort(), [good, later].sort());
  assert.deepEqual(wiped.sort(), [over, dead].sort());
});
