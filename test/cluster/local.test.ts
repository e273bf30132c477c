import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type LocalCluster, makeLocalCluster } from '../../src/cluster/local.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type Claims,
  OWN_CLAIMS,
} from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

interface Counter {
  readonly value: number;
  readonly dueMs?: number;
}

const fired: string[] = [];

const counter: ActorKind<Counter | undefined> = {
  kind: 'counter',
  activeMax: 8,
  idleMs: 60_000,
  mailboxMax: 100,
  decode: (head) => (head ? (JSON.parse(Buffer.from(head).toString()) as Counter) : undefined),
  encode: (state) => (state ? Buffer.from(JSON.stringify(state)) : undefined),
  dueAt: (state) => state?.dueMs,
  async onDue(_state, id, cluster) {
    fired.push(id.name);
    await cluster.send(done, id, undefined, { claims: OWN_CLAIMS });
  },
  indexes: (state, id) =>
    state ? [{ index: 'test', group: state.value > 5 ? 'big' : 'small', entry: id.name }] : [],
};

type Op<P, R> = ActorOperation<Counter | undefined, P, R>;
const add: Op<number, number> = {
  id: 'add',
  actor: counter,
  mode: 'change',
  run(state, by) {
    if (by < 0) throw new CodedError('bad_request', 'negative');
    const value = (state?.value ?? 0) + by;
    return {
      reply: value,
      next: { state: { ...state, value }, records: [{ name: 'last', value: Buffer.from([by]) }] },
    };
  },
};
const read: Op<undefined, number> = {
  id: 'read',
  actor: counter,
  mode: 'read',
  run: (s) => ({ reply: s?.value ?? 0 }),
};
const remove: Op<undefined, void> = {
  id: 'remove',
  actor: counter,
  mode: 'change',
  run: () => ({
    reply: undefined,
    next: { state: undefined, records: [{ name: 'last', value: undefined }] },
  }),
};
const due: Op<number, void> = {
  id: 'due',
  actor: counter,
  mode: 'change',
  run: (state, dueMs) => ({ reply: undefined, next: { state: { value: state?.value ?? 0, dueMs } } }),
};
const done: Op<undefined, void> = {
  id: 'done',
  actor: counter,
  mode: 'change',
  run: (state) => ({ reply: undefined, next: { state: { value: state?.value ?? 0 } } }),
};

const id = (name: string): ActorId => ({ kind: 'counter', namespace: 'root', mount: 'm', name });
const own = { claims: OWN_CLAIMS };
/** Not sealing: what names look like is the barrier's business. */
const names = {
  sealName: (_context: string, segment: string) => Buffer.from(segment).toString('base64url'),
  openName: (_context: string, sealed: string) => Buffer.from(sealed, 'base64url').toString(),
};

describe('a cluster of one', () => {
  const folder = testFolder('local');
  let storage: Storage;
  let cluster: LocalCluster;
  let commits = 0;
  let beforeCommit: () => Promise<void> = async () => {};
  const faults: unknown[] = [];

  const make = (): LocalCluster =>
    makeLocalCluster({
      storage: {
        ...storage,
        type: storage.type,
        get: (path) => storage.get(path),
        list: (prefix, from, limit) => storage.list(prefix, from, limit),
        async commit(changes, conditions) {
          commits++;
          await beforeCommit();
          return storage.commit(changes, conditions);
        },
        close: () => storage.close(),
      },
      names,
      kinds: [counter] as unknown as ActorKind<never>[],
      now: Date.now,
      randomBytes,
      setInterval: (run, ms) => {
        const timer = setInterval(run, ms);
        return { clear: () => clearInterval(timer) };
      },
      after: (run, ms) => {
        const timer = setTimeout(run, ms);
        return { clear: () => clearTimeout(timer) };
      },
      fault: (_what, error) => faults.push(error),
    });

  before(async () => {
    storage = await openLmdb({ type: 'file', folder });
    cluster = make();
    cluster.start();
    await cluster.startTimers();
  });
  after(async () => {
    await cluster.stop();
    await storage.close();
  });

  test('changes of one actor run one after another; what waits is committed together', async () => {
    commits = 0;
    const replies = await Promise.all(Array.from({ length: 50 }, () => cluster.send(add, id('a'), 1, own)));
    assert.deepEqual(
      replies,
      Array.from({ length: 50 }, (_, n) => n + 1),
    );
    assert(commits <= 4, `${commits} commits for 50 changes`);
    assert.equal(await cluster.send(read, id('a'), undefined, own), 50);
  });

  test('a refused change takes nothing with it', async () => {
    const [first, refused, second] = await Promise.allSettled([
      cluster.send(add, id('b'), 1, own),
      cluster.send(add, id('b'), -1, own),
      cluster.send(add, id('b'), 2, own),
    ]);
    assert.deepEqual(
      [first, second].map((r) => r.status === 'fulfilled' && r.value),
      [1, 3],
    );
    assert.equal(refused.status, 'rejected');
  });

  test('nothing is answered, and nobody reads it, before it is durable', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await cluster.send(add, id('c'), 1, own);
    beforeCommit = () => held;
    let answered = false;
    const writing = cluster.send(add, id('c'), 1, own).then(() => {
      answered = true;
    });
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answered, false);
    assert.equal(await cluster.send(read, id('c'), undefined, own), 1);
    beforeCommit = async () => {};
    release();
    await writing;
    assert.equal(await cluster.send(read, id('c'), undefined, own), 2);
  });

  test('a failed commit is told, changes nothing, and the next one goes through', async () => {
    await cluster.send(add, id('d'), 1, own);
    beforeCommit = () => Promise.reject(new Error('disk on fire'));
    await assert.rejects(
      cluster.send(add, id('d'), 1, own),
      (error: CodedError) => error.code === 'storage_failed',
    );
    beforeCommit = async () => {};
    assert.equal(await cluster.send(read, id('d'), undefined, own), 1);
    assert.equal(await cluster.send(add, id('d'), 1, own), 2);
  });

  test('a head that changed under it is loaded anew and the change runs on what it is now', async () => {
    await cluster.send(add, id('e'), 1, own);
    const other = make();
    other.start();
    assert.equal(await other.send(add, id('e'), 10, own), 11);
    assert.equal(await cluster.send(add, id('e'), 1, own), 12);
    await other.stop();
  });

  test('a full mailbox answers overloaded', async () => {
    beforeCommit = () => new Promise((resolve) => setTimeout(resolve, 20));
    const sent = Array.from({ length: 300 }, () =>
      cluster.send(add, id('f'), 1, own).catch((error) => error),
    );
    const outcomes = await Promise.all(sent);
    beforeCommit = async () => {};
    const refused = outcomes.filter((outcome) => outcome instanceof CodedError);
    assert(refused.length > 0);
    for (const error of refused) assert.equal((error as CodedError).code, 'overloaded');
    assert.equal(await cluster.send(read, id('f'), undefined, own), 300 - refused.length);
  });

  test('no more of a kind are active than allowed, and absent ones are not kept', async () => {
    for (let n = 0; n < 40; n++) await cluster.send(add, id(`g${n}`), n, own);
    assert(cluster.counts().counter! <= 9, `${cluster.counts().counter} active`);
    for (let n = 0; n < 40; n++) assert.equal(await cluster.send(read, id(`g${n}`), undefined, own), n);
    assert.equal(await cluster.send(read, id('never-written'), undefined, own), 0);
    assert.equal(cluster.peek(id('never-written')), undefined);
  });

  test('authority that ended while the message waited is stale', async () => {
    let good = true;
    const claims: Claims = { good: () => good, mayCreate: true, mayUpdate: true };
    beforeCommit = async () => {
      good = false;
    };
    const first = cluster.send(add, id('h'), 1, own);
    await new Promise((resolve) => setImmediate(resolve));
    const second = cluster.send(add, id('h'), 1, { claims });
    await first;
    await assert.rejects(second, (error: CodedError) => error.code === 'stale_claims');
    beforeCommit = async () => {};
    assert.equal(await cluster.send(read, id('h'), undefined, own), 1);
  });

  test('timers fire at their time, once; what was put off does not fire', async () => {
    await cluster.send(due, id('soon'), Date.now() + 50, own);
    await cluster.send(due, id('past'), Date.now() - 5_000, own);
    await cluster.send(due, id('later'), Date.now() + 60, own);
    await cluster.send(due, id('later'), Date.now() + 3_600_000, own);
    await until('both fire', () => fired.includes('soon') && fired.includes('past'));
    await until('one timer is left', async () => (await storage.list('timer/', '', 10)).length === 1);
    assert.deepEqual(fired.toSorted(), ['past', 'soon']);
  });

  test('timers that were set before the start are found', async () => {
    await cluster.stop();
    fired.length = 0;
    cluster.start();
    await cluster.send(due, id('over-night'), Date.now() - 1, own);
    await cluster.stop();
    fired.length = 0;
    cluster = make();
    cluster.start();
    await cluster.startTimers();
    await until('it fires', () => fired.includes('over-night'));
  });

  test('lists show one level, sorted by bytes, folders with a slash', async () => {
    for (const name of ['l/b', 'l/a/x', 'l/a/y/z', 'l/Z', 'l/ä', 'l/a'])
      await cluster.send(add, id(name), 1, own);
    assert.deepEqual(await cluster.list('counter', 'root', 'm', 'l/'), ['Z', 'a', 'a/', 'b', 'ä']);
    assert.deepEqual(await cluster.list('counter', 'root', 'm', 'l/', { after: 'a', limit: 2 }), ['a/', 'b']);
    await cluster.send(remove, id('l/a/x'), undefined, own);
    await cluster.send(remove, id('l/a/y/z'), undefined, own);
    assert.deepEqual(await cluster.list('counter', 'root', 'm', 'l/'), ['Z', 'a', 'b', 'ä']);
  });

  test('index entries follow the state', async () => {
    await cluster.send(add, id('i'), 1, own);
    assert((await cluster.index('test', 'small', 100)).includes('i'));
    await cluster.send(add, id('i'), 10, own);
    assert((await cluster.index('test', 'big', 100)).includes('i'));
    assert(!(await cluster.index('test', 'small', 100)).includes('i'));
  });

  test('a swept mount leaves no record', async () => {
    await cluster.sweepMount('root', 'm');
    assert.deepEqual(await storage.list('data/root/m/', '', 1), []);
    assert.equal(await cluster.send(read, id('a'), undefined, own), 0);
  });

  test('stopped, it answers sealed', async () => {
    await cluster.stop();
    await assert.rejects(
      cluster.send(read, id('a'), undefined, own),
      (error: CodedError) => error.code === 'sealed',
    );
  });
});
