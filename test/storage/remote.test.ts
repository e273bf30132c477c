import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { STORAGE_WAITING_MAX, STORE_ORPHAN_MS, STORE_RETRY_MS } from '../../src/model/limits.ts';
import { Conflict } from '../../src/model/storage.ts';
import { makeRemoteStorage, type RemoteStorage } from '../../src/storage/remote.ts';
import { type ManualClock, makeManualClock } from '../support/manual-clock.ts';
import { failed, type MemoryDriver, makeMemoryDriver } from '../support/memory-driver.ts';

let driver: MemoryDriver;
let clock: ManualClock;
let storage: RemoteStorage;
beforeEach(() => {
  driver = makeMemoryDriver();
  clock = makeManualClock();
  storage = makeRemoteStorage({ driver, clock, randomBytes });
});
const put = (path: string, value = 'x', version?: number) =>
  storage.commit([{ path, value: Buffer.from(value) }], version === undefined ? [] : [{ path, version }]);
const read = async (path: string) => {
  const stored = await storage.get(path);
  return stored && Buffer.from(stored.value).toString();
};
const LARGE = 'twenty-five bytes of text';

/** Moves time on until `work` has ended. */
async function untilSettled<T>(work: Promise<T>): Promise<T> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  work.then(done, done);
  while (!settled) {
    await nextTurn();
    clock.advance(50);
  }
  return work;
}

describe('groups', () => {
  test('what is written at one moment goes in as few transactions as there is room in', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => put(`${i}`)));
    assert.deepEqual(
      driver.sent.map((batch) => batch.length),
      [4, 4, 2],
    );
  });

  test('commits on one path come after one another, in later transactions', async () => {
    let running = 0;
    driver.beforeSend = async () => {
      assert.equal(++running, 1);
      await nextTurn();
      running--;
    };
    await Promise.all([put('a', '1'), put('a', '2'), put('a', '3')]);
    assert.equal(driver.sent.length, 3);
    assert.equal(await read('a'), '3');
  });

  test('the reason of a refused commit is told to that one alone', async () => {
    const send = driver.send;
    driver.send = async (writes) =>
      (await send(writes)).map((outcome, i) => (i === 1 ? { refused: 'no key' } : outcome));
    const [first, second, third] = await Promise.allSettled([put('a'), put('b'), put('c')]);
    assert.equal(first.status, 'fulfilled');
    assert.equal(third.status, 'fulfilled');
    assert(second.status === 'rejected');
    assert.equal(second.reason.name, 'StorageFailed');
    assert.equal(second.reason.outcomeKnown, true);
    assert.match(second.reason.message, /no key/);
  });

  test('a transaction that the store refuses as a whole goes again, commit by commit', async () => {
    driver.beforeSend = (writes) => {
      if (writes.some(({ changes }) => changes[0]?.key === 'records/wrong')) throw failed('refused');
    };
    const done = await Promise.allSettled([put('a'), put('wrong'), put('b'), put('a', '2')]);
    assert.deepEqual(
      done.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
    assert(done[1].status === 'rejected' && done[1].reason.outcomeKnown);
    assert.equal(await read('a'), '2');
  });

  test('a commit of more operations than the store takes is refused, and nothing of it sent', async () => {
    const changes = Array.from({ length: 11 }, (_, i) => ({ path: `${i}`, value: Buffer.from('x') }));
    await assert.rejects(storage.commit(changes, []), { name: 'CodedError', code: 'too_large' });
    assert.equal(driver.sent.length, 0);
  });

  test('of several changes of a path in one commit the last one counts', async () => {
    await storage.commit(
      ['1', '2'].map((value) => ({ path: 'a', value: Buffer.from(value) })),
      [],
    );
    assert.equal(await read('a'), '2');
  });
});

describe('a store that is away', () => {
  test('an unknown outcome is told to all of the transaction; what waited for it was not sent', async () => {
    driver.beforeSend = () => {
      throw failed('unknown');
    };
    const done = await Promise.allSettled([put('a', '1'), put('b'), put('a', '2')]);
    const known = done.map((each) => each.status === 'rejected' && each.reason.outcomeKnown);
    assert.deepEqual(known, [false, false, true]);
    for (const each of done) assert(each.status === 'rejected' && each.reason.name === 'StorageFailed');
  });

  test('what was not sent is tried again for a moment', async () => {
    let away = 3;
    driver.beforeSend = () => {
      if (away-- > 0) throw failed('not_sent');
    };
    await untilSettled(put('a'));
    assert.equal(driver.sent.length, 1);
  });

  test('then it is told as not written, and once more tried at once while it stays away', async () => {
    let tries = 0;
    driver.beforeSend = () => {
      tries++;
      throw failed('not_sent');
    };
    const from = clock.monotonicMs();
    await assert.rejects(untilSettled(put('a')), { name: 'StorageFailed', outcomeKnown: true });
    assert(clock.monotonicMs() - from >= STORE_RETRY_MS);
    assert(tries > 2);
    tries = 0;
    await assert.rejects(put('a'), { name: 'StorageFailed', outcomeKnown: true });
    assert.equal(tries, 1);
    driver.beforeSend = undefined;
    await put('a');
  });

  test('a write that may have been done is not sent again; a read is', async () => {
    await put('a');
    let tries = 0;
    const once = () => {
      if (++tries === 1) throw failed('unknown');
    };
    driver.beforeSend = once;
    await assert.rejects(put('a'), { outcomeKnown: false });
    assert.equal(tries, 1);
    tries = 0;
    driver.beforeGet = once;
    assert.equal(await untilSettled(read('a')), 'x');
    assert.equal(tries, 2);
  });

  test('what the store refused is not tried again', async () => {
    let tries = 0;
    driver.beforeSend = () => {
      tries++;
      throw failed('refused');
    };
    await assert.rejects(put('a'), { name: 'StorageFailed', outcomeKnown: true });
    assert.equal(tries, 1);
  });

  test('commits that wait are bounded, and their signals let them go', async () => {
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    driver.beforeSend = () => gate;
    const first = put('first');
    await nextTurn();
    await nextTurn();
    const stop = new AbortController();
    const aborted = storage.commit([{ path: 'aborted', value: Buffer.from('x') }], [], stop.signal);
    const waiting = Array.from({ length: STORAGE_WAITING_MAX - 1 }, () => storage.commit([], []));
    await assert.rejects(put('more'), { name: 'CodedError', code: 'overloaded' });
    stop.abort(new Error('enough'));
    go();
    await first;
    await assert.rejects(aborted, /enough/);
    await Promise.all(waiting);
    assert.equal(await storage.get('aborted'), undefined);
  });

  test('closing waits for what is under way, and then all is refused', async () => {
    const running = put('a');
    await storage.close();
    await running;
    const refused = { name: 'StorageFailed', message: /closed/, outcomeKnown: true };
    await assert.rejects(put('a'), refused);
    await assert.rejects(storage.get('a'), refused);
    await assert.rejects(storage.list('', '', 1), refused);
  });
});

describe('large values', () => {
  const orphaned = async () => {
    const first = await storage.sweepOrphans();
    clock.advance(STORE_ORPHAN_MS);
    return first + (await storage.sweepOrphans());
  };

  test('go in chunks that the record names, with a condition of the commit on their marker', async () => {
    await put('a', LARGE, 0);
    assert.equal(await read('a'), LARGE);
    assert.equal(driver.keys('chunks/').length, 3);
    const [marker] = driver.keys('markers/');
    const [commit] = driver.sent.at(-1)!;
    assert(commit!.conditions.some(({ key }) => key === marker));
  });

  test('the largest go, until the rest has room', async () => {
    const sizes = { a: 12, b: 15, c: 7 };
    const changes = Object.entries(sizes).map(([path, size]) => ({ path, value: Buffer.alloc(size, path) }));
    await storage.commit(changes, []);
    assert.equal(driver.keys('chunks/').length, 2);
    for (const [path, size] of Object.entries(sizes)) assert.equal(await read(path), path.repeat(size));
  });

  test('are kept by the sweep while a record names them, and removed when none has for long', async () => {
    await put('kept', LARGE);
    const version = await put('replaced', LARGE);
    await put('deleted', LARGE);
    await put('replaced', 'small', version);
    await storage.commit([{ path: 'deleted', value: undefined }], []);
    assert.equal(await storage.sweepOrphans(), 0);
    clock.advance(STORE_ORPHAN_MS - 1);
    assert.equal(await storage.sweepOrphans(), 0);
    clock.advance(1);
    assert.equal(await storage.sweepOrphans(), 2);
    assert.equal(driver.keys('markers/').length, 1);
    assert.equal(driver.keys('chunks/').length, 3);
    assert.equal(await read('kept'), LARGE);
  });

  test('what a commit that failed has written is gone at once; after an unknown outcome it is left to the sweep', async () => {
    await assert.rejects(put('a', LARGE, 7), Conflict);
    await nextTurn();
    assert.deepEqual([...driver.keys('chunks/'), ...driver.keys('markers/')], []);
    driver.beforeSend = ([write]) => {
      if (write!.changes.some(({ key }) => key.startsWith('records/'))) throw failed('unknown');
    };
    await assert.rejects(put('a', LARGE), { outcomeKnown: false });
    driver.beforeSend = undefined;
    assert.equal(driver.keys('chunks/').length, 3);
    assert.equal(await orphaned(), 1);
    assert.deepEqual([...driver.keys('chunks/'), ...driver.keys('markers/')], []);
  });

  test('an upload that breaks off is known not to have happened, and is swept', async () => {
    driver.beforePut = (key) => {
      if (key.endsWith('2')) throw failed('refused');
    };
    await assert.rejects(put('a', LARGE), { name: 'StorageFailed', outcomeKnown: true });
    assert.equal(driver.keys('chunks/').length, 2);
    assert.equal(await orphaned(), 1);
    assert.deepEqual([...driver.keys('chunks/'), ...driver.keys('markers/')], []);
  });

  test('a marker or a record that cannot be read keeps its chunks, and no other', async () => {
    await put('a', LARGE);
    const [marker] = driver.keys('markers/');
    for (const path of ['b', 'c']) await put(path, LARGE);
    await driver.put(marker!, Buffer.from('{'));
    await driver.put('records/b', Buffer.from([0xff, 0xff]));
    await storage.commit([{ path: 'c', value: undefined }], []);
    assert.equal(await orphaned(), 1);
    assert.equal(driver.keys('markers/').length, 2);
    assert.equal(driver.keys('chunks/').length, 6);
  });

  test('a chunk that comes after its marker was swept is removed at the next sweep', async () => {
    await driver.put(`chunks/${'a'.repeat(32)}/000000`, Buffer.from('late'));
    assert.equal(await storage.sweepOrphans(), 1);
    assert.deepEqual(driver.keys('chunks/'), []);
  });

  for (const before of [undefined, 'small'])
    test(`a commit that comes between the sweep's look and its removal keeps its chunks, over ${before ?? 'nothing'}`, async () => {
      if (before !== undefined) await put('a', before);
      const [come, canCome] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let written: Promise<number> | undefined;
      driver.beforeSend = async ([write]) => {
        const [change] = write!.changes;
        if (change?.key === 'records/a') {
          come.resolve();
          await canCome.promise;
        } else if (change?.value === undefined) {
          canCome.resolve();
          await written;
        }
      };
      written = put('a', LARGE);
      await come.promise;
      assert.equal(await orphaned(), 0);
      await written;
      assert.equal(await read('a'), LARGE);
      clock.advance(STORE_ORPHAN_MS);
      assert.equal(await storage.sweepOrphans(), 0);
      assert.equal(await read('a'), LARGE);
    });

  test('a sweep that is faster than the commit makes it write its chunks again', async () => {
    let sweeps = 0;
    driver.beforeSend = async (writes) => {
      const names = writes.some(({ changes }) => changes.some(({ key }) => key === 'records/a'));
      if (names && sweeps++ === 0) await orphaned();
    };
    await put('a', LARGE);
    assert.equal(sweeps, 2);
    assert.equal(await read('a'), LARGE);
    assert.equal(await orphaned(), 0);
    assert.equal(await read('a'), LARGE);
  });

  test('a reader who finds the chunks gone looks at the record again', async () => {
    await put('a', LARGE);
    let replaced = false;
    driver.beforeGet = async (key) => {
      if (replaced || !key.startsWith('chunks/')) return;
      replaced = true;
      await put('a', `${LARGE}, newer`);
      await orphaned();
    };
    assert.equal(await read('a'), `${LARGE}, newer`);
    assert(replaced);
  });

  test('chunks that are missing though the record names them are told, not made up', async () => {
    await put('a', LARGE);
    driver.records.delete(driver.keys('chunks/')[1]!);
    await assert.rejects(storage.get('a'), { name: 'StorageFailed', message: /missing/ });
  });
});

test('a record of a form that this version does not know is told', async () => {
  driver.records.set('records/a', { value: Buffer.from([9, 1, 2, 3]), version: 1 });
  await assert.rejects(storage.get('a'), { name: 'StorageFailed', message: /form/ });
});
