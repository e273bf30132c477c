/**
 * The catalog on several members: who is told, who is waited for, and who reads the store (protocol §10).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { readStored } from '../../src/actors/stored.ts';
import { type Catalog, type CatalogNotice, makeCatalog } from '../../src/cluster/catalog.ts';
import { type Announcer, makeAnnouncer } from '../../src/cluster/catalog-announcer.ts';
import {
  catalogSection,
  operationOf,
  type Section,
  type SectionChange,
  sectionId,
} from '../../src/cluster/catalog-section.ts';
import { CATALOG_FAULT } from '../../src/cluster/faults.ts';
import type { LocalCluster } from '../../src/cluster/local.ts';
import type { MemberRecord } from '../../src/cluster/member-record.ts';
import { Moved } from '../../src/cluster/moved.ts';
import { makePost } from '../../src/cluster/post.ts';
import type { View } from '../../src/cluster/view.ts';
import { CATALOG_SNAPSHOT_EVERY } from '../../src/model/limits.ts';
import type { Storage } from '../../src/model/storage.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { makePostOffice } from '../support/post-office.ts';

const put: SectionChange<{ key: string; value: unknown }, void> = {
  id: 'test/members-put',
  section: 'policies',
  run: (_entries, { key, value }) => ({ patch: { [key]: value }, reply: undefined }),
};
const POLICIES = sectionId('policies');

interface Node {
  readonly catalog: Catalog;
  readonly announcer: Announcer;
  /** Its actors, when it is the owner. */
  readonly cluster: LocalCluster;
  inTime: boolean;
  inc: string;
  reads: number;
}

/** Members a, b, c of one view over one store. Whoever is asked plays the owner of all sections. */
async function start(t: TestContext, faults: readonly string[] = [], names = ['a', 'b', 'c']) {
  const storage = makeMemoryStorage();
  const office = makePostOffice();
  const clock = makeManualClock();
  let view = { epoch: 1, members: members(names), next: undefined } as unknown as View;
  const nodes = new Map<string, Node>();
  for (const name of [...names, 'joiner']) {
    const counting: Storage = {
      ...storage,
      get(path, signal) {
        node.reads++;
        return storage.get(path, signal);
      },
    };
    const handed = new Set(faults);
    const catalog = makeCatalog({
      cluster: () => node.cluster,
      storage: counting,
      names: PLAIN_NAMES,
      tell: (notice) => node.announcer.tell(notice),
      faults: handed,
    });
    const announcer = makeAnnouncer({
      post: makePost({ transport: office.connect(`peer-${name}`) }),
      membership: () => ({
        inc: () => node.inc,
        view: () => view,
        members: () =>
          new Map(
            [...nodes].flatMap(([each, { inc }]) =>
              [each, inc].map((life) => [life, { peerId: `peer-${each}` } as MemberRecord]),
            ),
          ),
        isInTime: () => node.inTime,
      }),
      clock,
      receive: catalog.receive,
      faults: handed,
    });
    const node: Node = {
      catalog,
      announcer,
      cluster: startCluster(storage, [catalogSection]),
      inTime: true,
      inc: name,
      reads: 0,
    };
    nodes.set(name, node);
    await catalog.load();
    node.reads = 0;
    t.after(() => node.cluster.stop());
  }
  const of = (name: string) => nodes.get(name)!;
  return {
    storage,
    office,
    clock,
    of,
    setView(changes: Partial<View>) {
      view = { ...view, ...changes };
      for (const { announcer } of nodes.values()) announcer.look();
    },
    /** Commits at `name`, and tells nobody. */
    async commit(name: string, key: string, value: unknown = key): Promise<Section> {
      const { cluster } = of(name);
      await cluster.send(operationOf(put), POLICIES, { key, value }, { claims: OWN });
      return cluster.peek(POLICIES)!.state as Section;
    },
    announce: (name: string, section: Section) => of(name).catalog.kind.announce!(section, POLICIES),
    keys: (name: string) => [...of(name).catalog.entries('policies').keys()].sort().join(),
    /** Turns of the event loop, with time going on. */
    async run(ms = 3_000): Promise<void> {
      for (let passed = 0; passed < ms; passed += 25) {
        clock.advance(25);
        for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const OWN = { good: () => true, mayCreate: true, mayUpdate: true };

function members(names: readonly string[]) {
  return names.map((inc) => ({ inc, nodeId: inc, weight: 1 }));
}

/** What became of a promise so far. */
function watched(promise: Promise<void>): { outcome: 'open' | 'done' | unknown } {
  const seen: { outcome: unknown } = { outcome: 'open' };
  promise.then(
    () => {
      seen.outcome = 'done';
    },
    (error: unknown) => {
      seen.outcome = error;
    },
  );
  return seen;
}

describe('a catalog change', () => {
  test('is applied on every member when it returns, without their reading the store', async (t) => {
    const world = await start(t);
    for (const key of ['x', 'y', 'z']) {
      await world.announce('a', await world.commit('a', key));
      for (const name of ['a', 'b', 'c']) assert(world.keys(name).includes(key), `${name} has ${key}`);
    }
    assert.equal(world.of('b').reads, 0);
    assert.deepEqual(world.of('b').catalog.sequences(), [0, 3, 0, 0]);
  });

  test('changes that were committed together are told together', async (t) => {
    const world = await start(t);
    await world.commit('a', 'x');
    await world.commit('a', 'y');
    await world.announce('a', await world.commit('a', 'z'));
    assert.equal(world.keys('c'), 'x,y,z');
    assert.equal(world.of('c').reads, 0);
  });

  test('a member that missed one reads the store', async (t) => {
    const world = await start(t);
    await world.announce('a', await world.commit('a', 'x'));
    // Their next owner has none of the changes before in memory.
    for (let n = 0; n < CATALOG_SNAPSHOT_EVERY + 3; n++) await world.commit('b', 'y', n);
    const last = await world.commit('b', 'z');
    await world.announce('b', { ...last, recent: last.recent.slice(-1) });
    assert.equal(world.keys('c'), 'x,y,z');
    assert(world.of('c').reads > 0);
  });

  test('a member that cannot be reached is waited for until it is reached', async (t) => {
    const world = await start(t);
    world.office.cut('peer-a', 'peer-b');
    const telling = watched(world.announce('a', await world.commit('a', 'x')));
    await world.run();
    assert.equal(world.keys('c'), 'x');
    assert.equal(telling.outcome, 'open');
    world.office.mend('peer-a', 'peer-b');
    await world.run(300);
    assert.equal(telling.outcome, 'done');
    assert.equal(world.keys('b'), 'x');
  });

  test('or until it is no member', async (t) => {
    const world = await start(t);
    world.office.cut('peer-a', 'peer-b');
    const telling = watched(world.announce('a', await world.commit('a', 'x')));
    await world.run(500);
    world.setView({ epoch: 2, members: members(['a', 'c']) });
    await world.run(50);
    assert.equal(telling.outcome, 'done');
  });

  test('another process with a member’s identity does not answer for it', async (t) => {
    const world = await start(t);
    const { inc } = world.of('b');
    // What the post reaches under b's name is a copy of it: it applies the change, b never hears of it.
    world.of('b').inc = 'a copy';
    const telling = watched(world.announce('a', await world.commit('a', 'x')));
    await world.run(500);
    assert.equal(telling.outcome, 'open');
    world.of('b').inc = inc;
    await world.run(500);
    assert.equal(telling.outcome, 'done');
  });

  test('whoever is to join is waited for, while it is', async (t) => {
    for (const joins of [true, false]) {
      const world = await start(t);
      world.office.cut('peer-a', 'peer-joiner');
      const next = { number: 2, shards: [], members: members(['a', 'b', 'c', 'joiner']) };
      await world.announce('a', await world.commit('a', 'x'));
      world.setView({ next });
      const second = watched(world.announce('a', await world.commit('a', 'y')));
      await world.run(500);
      assert.equal(second.outcome, 'open');
      if (joins) world.setView({ epoch: 2, members: next.members, next: undefined });
      else world.setView({ next: undefined });
      await world.run(500);
      assert.equal(second.outcome, joins ? 'open' : 'done');
    }
  });

  test('an owner out of time does not know who its members are', async (t) => {
    const world = await start(t);
    world.of('a').inTime = false;
    const telling = watched(world.announce('a', await world.commit('a', 'x')));
    await world.run(500);
    assert.equal(world.keys('b'), 'x');
    assert.equal(telling.outcome, 'open');
    world.of('a').inTime = true;
    world.of('a').announcer.look();
    await world.run(50);
    assert.equal(telling.outcome, 'done');
  });

  test('an owner that is evicted says so', async (t) => {
    for (const how of ['view', 'life', 'drop', 'close'] as const) {
      const world = await start(t);
      world.office.cut('peer-a', 'peer-b');
      const telling = watched(world.announce('a', await world.commit('a', 'x')));
      await world.run(100);
      if (how === 'life') world.of('a').inc = 'a2';
      if (how === 'drop') world.of('a').announcer.dropAll();
      else if (how === 'close') world.of('a').announcer.close();
      else world.setView({ epoch: 7, members: members(how === 'view' ? ['b', 'c'] : ['a', 'b', 'c']) });
      await world.run(50);
      assert(telling.outcome instanceof Moved, String(telling.outcome));
      assert.equal(telling.outcome.epoch, how === 'view' || how === 'life' ? 7 : 0);
    }
  });

  test('nothing is told while the node closes', async (t) => {
    const world = await start(t);
    const section = await world.commit('a', 'x');
    world.of('a').announcer.close();
    await assert.rejects(world.announce('a', section), Moved);
    assert.equal(world.keys('b'), '');
    world.of('a').announcer.open();
    await world.announce('a', section);
    assert.equal(world.keys('b'), 'x');
  });

  test('a new owner tells what its forerunner committed last', async (t) => {
    const world = await start(t);
    await world.commit('a', 'x');
    // Nobody was told. The next owner loads the section.
    const { state } = await readStored(world.storage, PLAIN_NAMES, catalogSection, POLICIES);
    await world.announce('b', state);
    for (const name of ['a', 'b', 'c']) assert.equal(world.keys(name), 'x');
  });

  test('a member that is sealed is told again once it is open', async (t) => {
    const world = await start(t);
    world.of('b').catalog.clear();
    const telling = watched(world.announce('a', await world.commit('a', 'x')));
    await world.run(500);
    assert.equal(telling.outcome, 'open');
    assert.equal(world.keys('b'), '');
    await world.of('b').catalog.load();
    await world.run(300);
    assert.equal(telling.outcome, 'done');
    assert.equal(world.keys('b'), 'x');
  });
});

describe('planted faults of the catalog show', () => {
  const scenarios: Record<string, (t: TestContext, faults: string[]) => Promise<boolean>> = {
    async [CATALOG_FAULT.acknowledgedEarly](t, faults) {
      const world = await start(t, faults);
      world.office.cut('peer-a', 'peer-b');
      const telling = watched(world.announce('a', await world.commit('a', 'x')));
      await world.run(100);
      return telling.outcome === 'done';
    },
    async [CATALOG_FAULT.appliedLate](t, faults) {
      const world = await start(t, faults);
      await world.announce('a', await world.commit('a', 'x'));
      return world.keys('b') === '';
    },
    async [CATALOG_FAULT.joinerNotWaitedFor](t, faults) {
      const world = await start(t, faults);
      world.office.cut('peer-a', 'peer-joiner');
      world.setView({ next: { number: 2, shards: [], members: members(['a', 'b', 'c', 'joiner']) } });
      const telling = watched(world.announce('a', await world.commit('a', 'x')));
      await world.run(100);
      return telling.outcome === 'done';
    },
    async [CATALOG_FAULT.notCaughtUp](t, faults) {
      const world = await start(t, faults);
      await world.commit('a', 'x');
      await world.of('joiner').catalog.catchUp();
      return world.keys('joiner') === '';
    },
    async [CATALOG_FAULT.headNotResent](t, faults) {
      const world = await start(t, faults);
      await world.commit('a', 'x');
      const { state } = await readStored(world.storage, PLAIN_NAMES, catalogSection, POLICIES);
      await world.announce('b', state);
      return world.keys('c') === '';
    },
  };
  for (const [fault, isWrong] of Object.entries(scenarios)) {
    test(fault, async (t) => {
      assert.equal(await isWrong(t, []), false);
      assert.equal(await isWrong(t, [fault]), true);
    });
  }
});

test('notices in any order, twice or not at all, leave a state of the log, never an older one than before', async () => {
  const log = ['a', 'b', 'a', 'c', 'b', 'd'].map((key, n) => Buffer.from(JSON.stringify({ [key]: n })));
  const states = log.map((_, n) =>
    Object.assign({}, ...log.slice(0, n + 1).map((change) => JSON.parse(change.toString()))),
  );
  const notice = fc
    .tuple(fc.integer({ min: 1, max: log.length }), fc.nat(log.length))
    .map(([seq, count]): CatalogNotice => {
      return { section: 'policies', seq, changes: log.slice(Math.max(0, seq - count), seq) };
    });
  // The store as it will be: whoever reads it is at the end of the log.
  const storage = makeMemoryStorage();
  const local = startCluster(storage, [catalogSection]);
  const replay: SectionChange<Record<string, unknown>, void> = {
    id: 'test/replay',
    section: 'policies',
    run: (_entries, patch) => ({ patch, reply: undefined }),
  };
  const empty = makeMemoryStorage();
  for (const change of log)
    await local.send(operationOf(replay), POLICIES, JSON.parse(change.toString()), { claims: OWN });
  await local.stop();
  await fc.assert(
    fc.asyncProperty(fc.array(notice, { maxLength: 12 }), async (notices) => {
      let now: Storage = empty;
      const catalog = makeCatalog({
        cluster: () => assert.fail('nothing is sent'),
        storage: { ...storage, get: (path) => now.get(path) },
        names: PLAIN_NAMES,
      });
      await catalog.load();
      now = storage;
      let seq = 0;
      for (const each of notices) {
        await catalog.receive(each);
        const applied = catalog.applied('policies');
        assert(applied.seq >= Math.max(seq, each.seq));
        assert.deepEqual(Object.fromEntries(applied.entries), states[applied.seq - 1]);
        seq = applied.seq;
      }
    }),
    { numRuns: 200 },
  );
});
