/**
 * Sections of the catalog as Automerge documents, and how a member that is behind gets what it lacks from another.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import * as automerge from '@automerge/automerge';
import fc from 'fast-check';
import { type Catalog, makeCatalog } from '../../src/cluster/catalog.ts';
import { documentOf, fingerprintOf, mayBeDocument, sectionOf } from '../../src/cluster/catalog-document.ts';
import {
  type AppliedSection,
  advanced,
  EMPTY_SECTION,
  type SectionChange,
} from '../../src/cluster/catalog-section.ts';
import { type CatalogSync, makeCatalogSync } from '../../src/cluster/catalog-sync.ts';
import type { MemberRecord } from '../../src/cluster/member-record.ts';
import { makePost } from '../../src/cluster/post.ts';
import type { View } from '../../src/cluster/view.ts';
import {
  CATALOG_DOCUMENT_ENTRIES_MAX,
  CATALOG_SNAPSHOT_EVERY,
  CATALOG_SYNC_MS,
} from '../../src/model/limits.ts';
import { PLAIN_NAMES, startCluster } from '../support/cluster.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { makePostOffice } from '../support/post-office.ts';

const pause = () => undefined;
const document = (section: AppliedSection) => documentOf(automerge, 'policies', section.history!, pause);
const fingerprint = async (section: AppliedSection) => fingerprintOf(automerge, await document(section));

const keys = fc.constantFrom('a', 'b', '10', '2', '__proto__', 'constructor', '=x', 'ä', '');
const patch = fc
  .array(fc.tuple(keys, fc.option(fc.jsonValue())), { maxLength: 3 })
  .map((entries) => Buffer.from(JSON.stringify(Object.fromEntries(entries))));
const log = fc.array(patch, { maxLength: 2 * CATALOG_SNAPSHOT_EVERY, size: 'max' });

describe('a section as a document', () => {
  test('shows the section and its history; whoever has the same makes the same', async () => {
    await fc.assert(
      fc.asyncProperty(log, async (changes) => {
        const section = changes.reduce(advanced, EMPTY_SECTION as AppliedSection);
        const made = await document(section);
        const shown = sectionOf(automerge, made);
        assert.equal(shown.seq, section.seq);
        assert.deepEqual(shown.entries, section.entries);
        assert.equal(shown.history!.base, section.history!.base);
        assert.deepEqual(shown.history!.entries, section.history!.entries);
        assert.equal(fingerprintOf(automerge, made), await fingerprint(section));
        // Also who has it from the document.
        assert.equal(fingerprintOf(automerge, made), await fingerprint(shown));
        const saved = automerge.load<never>(automerge.save(made));
        assert.deepEqual(sectionOf(automerge, saved).entries, section.entries);
      }),
      { numRuns: 25 },
    );
  });

  test('other entries, or others on the way, are another fingerprint', async () => {
    const after = (...changes: object[]) =>
      fingerprint(
        changes
          .map((change) => Buffer.from(JSON.stringify(change)))
          .reduce(advanced, EMPTY_SECTION as AppliedSection),
      );
    const all = await Promise.all([
      after(),
      after({ a: 1 }),
      after({ a: 2 }),
      after({ a: 1 }, { b: 1 }),
      after({ b: 1 }, { a: 1 }),
      after({ a: 1, b: 1 }),
      after({ a: 1 }, { a: null }),
    ]);
    assert.equal(new Set(all).size, all.length);
  });

  test('is not made of what is too large', () => {
    const entries = new Map(Array.from({ length: CATALOG_DOCUMENT_ENTRIES_MAX + 1 }, (_, n) => [`k${n}`, n]));
    assert(!mayBeDocument({ base: 32, entries, changes: [] }));
    assert(!mayBeDocument({ base: 32, entries: new Map([['k', 'x'.repeat(2 ** 20)]]), changes: [] }));
    assert(!mayBeDocument(undefined));
  });

  test('is not read from what is none', async () => {
    const foreign = automerge.change(automerge.init<Record<string, number>>(), (content) => {
      content.x = 1;
    });
    assert.throws(() => sectionOf(automerge, foreign as never));
  });
});

const put: SectionChange<Record<string, unknown>, void> = {
  id: 'test/sync-put',
  section: 'policies',
  run: (_entries, entries) => ({ patch: entries, reply: undefined }),
};

interface Node {
  readonly catalog: Catalog;
  readonly sync: CatalogSync;
  reads: number;
}

/** The members a and b, and c, which was one and is behind. */
async function start(t: TestContext, { isSealed = false } = {}) {
  const storage = makeMemoryStorage();
  const office = makePostOffice();
  const names = ['a', 'b', 'c'];
  const clock = makeManualClock();
  const nodes = new Map<string, Node>();
  for (const name of names) {
    const post = makePost({ transport: office.connect(`peer-${name}`) });
    const sync = makeCatalogSync({
      post,
      membership: () => ({
        view: () => ({ members: [{ inc: 'a' }, { inc: 'b' }] }) as unknown as View,
        members: () =>
          new Map(
            names.map((each) => [
              each,
              { peerId: `peer-${each}`, sealed: each === 'c' && isSealed } as MemberRecord,
            ]),
          ),
      }),
      clock: {
        ...clock,
        after(run, ms) {
          if (ms > 0) return clock.after(run, ms);
          run();
          return { clear() {} };
        },
      },
      applied: (section) => node.catalog.applied(section),
    });
    const catalog = makeCatalog({
      cluster: () => cluster,
      storage: {
        ...storage,
        get(path) {
          node.reads++;
          return storage.get(path);
        },
      },
      names: PLAIN_NAMES,
      sync: sync.sync,
    });
    const node: Node = { catalog, sync, reads: 0 };
    nodes.set(name, node);
  }
  const of = (name: string) => nodes.get(name)!;
  const cluster = startCluster(storage, [of('a').catalog.kind]);
  t.after(() => cluster.stop());
  /** At a, applied by b. */
  const change = async (entries: Record<string, unknown>) => {
    await of('a').catalog.change(put, entries);
    const { seq } = of('a').catalog.applied('policies');
    const changes = [Buffer.from(JSON.stringify(entries))];
    await of('b').catalog.receive({ section: 'policies', seq, changes });
  };
  for (const name of names) await of(name).catalog.load();
  await change({ first: 1 });
  await of('c').catalog.catchUp();
  for (const name of names) of(name).reads = 0;
  return { office, clock, of, change };
}

describe('a member that is behind', () => {
  test('gets what it lacks from a peer, and of the store reads the heads alone', async (t) => {
    const { of, change } = await start(t);
    for (let n = 0; n < 10; n++) await change({ [`k${n}`]: randomBytes(20).toString('hex'), first: n });
    await of('c').catalog.catchUp();
    assert.deepEqual(
      of('c').catalog.applied('policies').entries,
      of('a').catalog.applied('policies').entries,
    );
    // The other sections have no changes yet.
    assert.equal(of('c').reads, 1 + 3);
    assert.equal(await of('c').sync.fingerprint('policies'), await of('a').sync.fingerprint('policies'));
    // And goes on from there like any other.
    await change({ later: 1 });
    const seq = 12;
    await of('c').catalog.receive({
      section: 'policies',
      seq,
      changes: [Buffer.from(JSON.stringify({ later: 1 }))],
    });
    assert.equal(of('c').reads, 1 + 3);
    assert.equal(await of('c').sync.fingerprint('policies'), await of('b').sync.fingerprint('policies'));
  });

  test('also where a snapshot came between', async (t) => {
    const { of, change } = await start(t);
    for (let n = 0; n < CATALOG_SNAPSHOT_EVERY + 5; n++) await change({ [`k${n % 7}`]: n });
    await of('c').catalog.catchUp();
    assert.deepEqual(of('c').catalog.applied('policies'), of('b').catalog.applied('policies'));
    assert.equal(of('c').reads, 1 + 3);
  });

  test('reads the store where peers cannot be reached, do not answer, or do not tell', async (t) => {
    for (const why of ['cut', 'silent', 'sealed'] as const) {
      const { of, change, office, clock } = await start(t, { isSealed: why === 'sealed' });
      await change({ second: 1 });
      if (why === 'cut') for (const peer of ['peer-a', 'peer-b']) office.cut('peer-c', peer);
      if (why === 'silent') {
        office.carryBack = async () => {
          clock.advance(CATALOG_SYNC_MS + 1);
          return true;
        };
      }
      await of('c').catalog.catchUp();
      assert.deepEqual([...of('c').catalog.entries('policies').keys()], ['first', 'second']);
      assert(of('c').reads > 1 + 3, why);
    }
  });

  test('reads nothing more where it is not behind', async (t) => {
    const { of } = await start(t);
    await of('c').catalog.catchUp();
    assert.equal(of('c').reads, 1 + 3);
  });
});
