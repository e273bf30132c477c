/**
 * What every `Coordinator` must do, with a real one behind it: `coordinatorContract('etcd', { open })`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Coordinator, CoordinatorOutcome, CoordinatorStep } from '../../src/model/coordinator.ts';

export interface ContractOptions {
  /** Another connection to the same records each time. */
  open(): Coordinator;
  /** Takes the coordinator away and brings it back with what it had; absent: it cannot be. */
  /** False: one who is alone is told nothing. */
  readonly hints?: false;
  readonly server?: { kill(): Promise<void>; start(): Promise<void> };
}

const text = (value: string): Buffer => Buffer.from(value);
const write = (key: string, version: number, value?: string): CoordinatorStep => ({
  conditions: [{ key, version }],
  changes: [{ key, value: value === undefined ? undefined : text(value) }],
});

export function coordinatorContract(name: string, options: ContractOptions): void {
  describe(`coordinator contract: ${name}`, () => {
    let one: Coordinator;
    let two: Coordinator;
    let area = 0;
    before(() => {
      one = options.open();
      two = options.open();
    });
    after(async () => {
      await one.close();
      await two.close();
    });
    const own = (): string => `contract/${++area}/`;
    const ok = async (step: CoordinatorStep, by = one): Promise<CoordinatorOutcome & { outcome: 'ok' }> => {
      const outcome = await by.step(step);
      assert(outcome.outcome === 'ok', JSON.stringify(outcome));
      return outcome;
    };
    const refused = async (step: CoordinatorStep, by = one) => {
      const outcome = await by.step(step);
      assert.equal(outcome.outcome, 'refused');
      return (outcome as CoordinatorOutcome & { outcome: 'refused' }).records;
    };
    const read = async (key: string, by = two): Promise<string | undefined> => {
      const { records } = await ok({ conditions: [], changes: [], reads: [key] }, by);
      const record = records.get(key);
      return record && Buffer.from(record.value).toString();
    };

    test('a record is made where none was, changed and removed under its version, by anybody', async () => {
      const key = `${own()}a`;
      const { version } = await ok(write(key, 0, 'first'));
      assert.equal(await read(key), 'first');
      const second = await ok(write(key, version, 'second'), two);
      assert(second.version > version);
      await ok(write(key, second.version));
      assert.equal(await read(key), undefined);
      const third = await ok(write(key, 0, 'first'));
      assert(third.version > second.version, 'no version is used twice');
    });

    test('a condition that does not hold refuses all of the step, and shows what is there', async () => {
      const at = own();
      const [a, b] = [`${at}a`, `${at}b`];
      const { version } = await ok(write(a, 0, 'x'));
      assert.deepEqual(await refused(write(b, 7, 'y')), new Map());
      const there = await refused(write(a, 0, 'y'));
      assert.equal(there.get(a)?.version, version);
      assert.equal(Buffer.from(there.get(a)!.value).toString(), 'x');
      await refused(write(a, version + 1));
      await refused({ conditions: [{ key: b, version: 5 }], changes: [{ key: b, value: undefined }] });
      const both: CoordinatorStep = {
        conditions: [
          { key: a, version },
          { key: b, version: version + 1 },
        ],
        changes: [
          { key: a, value: undefined },
          { key: b, value: text('z') },
        ],
        reads: [b],
        lists: [at],
      };
      const seen = await refused(both);
      assert.deepEqual([...seen.keys()], [a]);
      assert.equal(await read(a), 'x');
      assert.equal(await read(b), undefined);
    });

    test('conditions may be on other keys than changes, and on absent ones', async () => {
      const at = own();
      const [a, b, c] = [`${at}a`, `${at}b`, `${at}c`];
      const { version } = await ok(write(a, 0, 'x'));
      const put = (key: string): CoordinatorStep['changes'] => [{ key, value: text('1') }];
      await ok({
        conditions: [
          { key: a, version },
          { key: c, version: 0 },
        ],
        changes: put(b),
      });
      await refused({ conditions: [{ key: a, version: 0 }], changes: put(c) });
      await refused({ conditions: [{ key: b, version }], changes: put(c) });
      assert.equal(await read(c), undefined);
    });

    test('a record is deleted and another one written in one step, as an eviction does', async () => {
      const at = own();
      const [gone, view] = [`${at}members/m`, `${at}view`];
      const record = (await ok(write(gone, 0, 'beat'))).version;
      const held = (await ok(write(view, 0, 'with m'))).version;
      const evict = (version: number): CoordinatorStep => ({
        conditions: [
          { key: gone, version },
          { key: view, version: held },
        ],
        changes: [
          { key: gone, value: undefined },
          { key: view, value: text('without m') },
        ],
        reads: [view],
        lists: [`${at}members/`],
      });
      const beat = (await ok(write(gone, record, 'beat 2'), two)).version;
      await refused(evict(record));
      assert.equal(await read(view), 'with m');
      const { records, version } = await ok(evict(beat));
      assert.deepEqual([...records.keys()], [view]);
      assert.equal(records.get(view)?.version, version);
      await refused(write(gone, beat, 'late beat'), two);
    });

    test('what is read is read after the changes, in the same step; prefixes end where they end', async () => {
      const at = own();
      for (const key of ['a', 'a1', 'b/1', 'b/2', 'b0', 'bb/3']) await ok(write(at + key, 0, key));
      const { records, version } = await ok({
        ...write(`${at}b/3`, 0, 'new'),
        reads: [`${at}a`, `${at}none`],
        lists: [`${at}b/`],
      });
      assert.deepEqual([...records.keys()].sort(), [`${at}a`, `${at}b/1`, `${at}b/2`, `${at}b/3`]);
      assert.equal(records.get(`${at}b/3`)?.version, version);
      assert.equal(Buffer.from(records.get(`${at}b/2`)!.value).toString(), 'b/2');
    });

    test('of many who write under one version exactly one is taken', async () => {
      const key = `${own()}a`;
      const { version } = await ok(write(key, 0, '0'));
      const tries = Array.from({ length: 12 }, (_, i) =>
        (i % 2 === 0 ? one : two).step(write(key, version, `${i + 1}`)),
      );
      const outcomes = await Promise.all(tries);
      assert.deepEqual(outcomes.filter(({ outcome }) => outcome === 'ok').length, 1);
      assert.deepEqual(outcomes.filter(({ outcome }) => outcome === 'refused').length, 11);
    });

    test('any bytes, and 100 kB of them', async () => {
      const key = `${own()}a`;
      const value = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
      await ok({ conditions: [{ key, version: 0 }], changes: [{ key, value }] });
      const { records } = await ok({ conditions: [], changes: [], reads: [key] }, two);
      assert(Buffer.from(records.get(key)!.value).equals(value));
    });

    const hinted = async (): Promise<void> => {
      const key = `${own()}a`;
      const { version } = await ok(write(key, 0, 'x'));
      let heard = (): void => {};
      const hint = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const watch = one.watch(key, () => heard());
      try {
        let last = version;
        // The first look only remembers what is there, and that may be what is written here.
        const writer = setInterval(() => {
          void two.step(write(key, last, `${last}`)).then((outcome) => {
            if (outcome.outcome === 'ok') last = outcome.version;
          });
        }, 50);
        await hint.finally(() => clearInterval(writer));
      } finally {
        watch.stop();
      }
    };
    if (options.hints !== false) test('a change is hinted at', { timeout: 10_000 }, hinted);

    test('a key that one of the coordinators could not take is refused', async () => {
      for (const key of ['', 'a b', '\u{fc}', 'x'.repeat(300)]) {
        const { outcome } = await one.step({ conditions: [], changes: [], reads: [key] });
        assert.equal(outcome, 'unknown');
      }
    });

    const { server } = options;
    if (!server) return;
    test('while it is away nothing is known; it comes back by itself with all it had', {
      timeout: 30_000,
    }, async () => {
      const key = `${own()}a`;
      const { version } = await ok(write(key, 0, 'kept'));
      await server.kill();
      const lost = await one.step(write(key, version, 'lost'));
      assert.equal(lost.outcome, 'unknown');
      await server.start();
      let outcome = await one.step(write(key, version, 'again'));
      while (outcome.outcome === 'unknown') outcome = await one.step(write(key, version, 'again'));
      assert.equal(await read(key), 'again');
    });
  });
}
