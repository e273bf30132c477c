/**
 * What every `Storage` must do. Runs for each implementation: `storageContract('lmdb', open)`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { COMMIT_OPERATIONS, STORAGE_PATH_BYTES_MAX } from '../../src/model/limits.ts';
import { Conflict, type Storage } from '../../src/model/storage.ts';

const text = (value: string) => Buffer.from(value, 'utf8');

export interface ContractOptions {
  /** A new, empty store, or one whose records under `contract/` are left over from nobody. */
  open(): Promise<Storage>;
  /** Largest value to try; Consul takes less than LMDB. */
  readonly bigValueBytes?: number;
}

export function storageContract(name: string, options: ContractOptions): void {
  describe(`storage contract: ${name}`, () => {
    let storage: Storage;
    let area = 0;
    before(async () => {
      storage = await options.open();
    });
    after(() => storage.close());
    /** Each test has its own prefix, so that a store is opened once. */
    const own = () => `contract/${++area}/`;
    const put = (path: string, value: string, version?: number) =>
      storage.commit([{ path, value: text(value) }], version === undefined ? [] : [{ path, version }]);
    const read = async (path: string) => {
      const stored = await storage.get(path);
      return stored === undefined ? undefined : Buffer.from(stored.value).toString('utf8');
    };

    test('a record is there with the version its commit returned, and what is not stored is undefined', async () => {
      const at = own();
      assert.equal(await storage.get(`${at}a`), undefined);
      const version = await put(`${at}a`, 'one', 0);
      assert.deepEqual({ ...(await storage.get(`${at}a`)) }, { value: text('one'), version });
    });

    test('all changes of a commit have one version; a delete and an empty value are told apart', async () => {
      const at = own();
      const version = await storage.commit(
        [
          { path: `${at}a`, value: text('x') },
          { path: `${at}b`, value: new Uint8Array(0) },
        ],
        [],
      );
      assert.equal((await storage.get(`${at}a`))?.version, version);
      assert.deepEqual(await storage.get(`${at}b`), { value: Buffer.alloc(0), version });
      await storage.commit([{ path: `${at}b`, value: undefined }], []);
      assert.equal(await storage.get(`${at}b`), undefined);
      await storage.commit([{ path: `${at}never`, value: undefined }], []);
    });

    test('a failed condition names its path, and nothing of the commit is written', async () => {
      const at = own();
      const version = await put(`${at}a`, 'one');
      const changes = [
        { path: `${at}a`, value: text('two') },
        { path: `${at}b`, value: text('two') },
      ];
      const stale = [
        { path: `${at}b`, version: 0 },
        { path: `${at}a`, version: version + 1 },
      ];
      await assert.rejects(storage.commit(changes, stale), (error: Error) => {
        assert(error instanceof Conflict);
        assert.equal(error.path, `${at}a`);
        return true;
      });
      await assert.rejects(storage.commit(changes, [{ path: `${at}a`, version: 0 }]), Conflict);
      assert.equal(await read(`${at}a`), 'one');
      assert.equal(await read(`${at}b`), undefined);
    });

    test('conditions may name records that the commit does not change', async () => {
      const at = own();
      const fence = await put(`${at}fence`, '1');
      const under = (version: number) => [{ path: `${at}fence`, version }];
      await storage.commit([{ path: `${at}a`, value: text('x') }], under(fence));
      const taken = await put(`${at}fence`, '2', fence);
      await assert.rejects(storage.commit([{ path: `${at}a`, value: text('y') }], under(fence)), Conflict);
      await storage.commit([{ path: `${at}a`, value: text('z') }], under(taken));
      assert.equal(await read(`${at}a`), 'z');
    });

    test('a commit without changes only checks', async () => {
      const at = own();
      const version = await put(`${at}a`, 'x');
      await storage.commit([], [{ path: `${at}a`, version }]);
      await assert.rejects(storage.commit([], [{ path: `${at}a`, version: 0 }]), Conflict);
      assert.equal((await storage.get(`${at}a`))?.version, version);
    });

    test('a version never comes twice, not even after a delete', async () => {
      const path = `${own()}a`;
      const seen = new Set<number>();
      for (let round = 0; round < 20; round++) {
        const version = await put(path, 'same', 0);
        assert(!seen.has(version), `version ${version} came twice`);
        assert(version > 0);
        seen.add(version);
        await storage.commit([{ path, value: undefined }], [{ path, version }]);
      }
    });

    test('of concurrent commits on one version exactly one wins', async () => {
      const path = `${own()}a`;
      const start = await put(path, 'start');
      const tries = Array.from({ length: 40 }, (_, i) =>
        put(path, `${i}`, start).then(
          () => i,
          (e) => e,
        ),
      );
      const results = await Promise.all(tries);
      const winners = results.filter((result) => typeof result === 'number');
      assert.equal(winners.length, 1);
      assert.equal(results.filter((result) => result instanceof Conflict).length, 39);
      assert.equal(await read(path), `${winners[0]}`);
    });

    test('concurrent increments by compare-and-set lose none', async () => {
      const path = `${own()}count`;
      await put(path, '0');
      const increment = async () => {
        for (;;) {
          const stored = (await storage.get(path))!;
          const next = Number(Buffer.from(stored.value).toString()) + 1;
          try {
            await put(path, `${next}`, stored.version);
            return;
          } catch (error) {
            if (!(error instanceof Conflict)) throw error;
          }
        }
      };
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < 10; i++) await increment();
        }),
      );
      assert.equal(await read(path), '80');
    });

    test('concurrent commits keep their own outcomes', async () => {
      const at = own();
      const taken = await put(`${at}taken`, 'x');
      const tries = Array.from({ length: 60 }, (_, i) =>
        storage.commit(
          [{ path: `${at}${i}`, value: text(`${i}`) }],
          [{ path: `${at}taken`, version: i % 3 === 0 ? taken + 1_000_000 : taken }],
        ),
      );
      const settled = await Promise.allSettled(tries);
      for (const [i, result] of settled.entries()) {
        assert.equal(result.status, i % 3 === 0 ? 'rejected' : 'fulfilled');
        assert.equal(await read(`${at}${i}`), i % 3 === 0 ? undefined : `${i}`);
      }
    });

    test('of two concurrent commits that each compare what the other writes, at most one happens', async () => {
      const at = own();
      for (let round = 0; round < 20; round++) {
        const [x, y] = [`${at}${round}/x`, `${at}${round}/y`];
        const commit = (compared: string, written: string) =>
          storage.commit([{ path: written, value: text('1') }], [{ path: compared, version: 0 }]);
        const done = await Promise.allSettled([commit(x, y), commit(y, x)]);
        assert.equal(done.filter(({ status }) => status === 'fulfilled').length, 1);
        assert.equal((await storage.list(`${at}${round}/`, '', 3)).length, 1);
      }
    });

    test('commits of one moment on one path come in their order', async () => {
      const path = `${own()}a`;
      const versions = await Promise.all(Array.from({ length: 30 }, (_, i) => put(path, `${i}`)));
      assert.equal(await read(path), '29');
      assert.deepEqual(
        versions,
        versions.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(versions).size, 30);
    });

    test('a commit of as many changes as any of ours has, each with its condition', async () => {
      const at = own();
      const names = Array.from({ length: COMMIT_OPERATIONS / 2 }, (_, i) => `${at}${i}`);
      const changes = (value: string) => names.map((path) => ({ path, value: text(value) }));
      const first = await storage.commit(
        changes('1'),
        names.map((path) => ({ path, version: 0 })),
      );
      const conditions = names.map((path) => ({ path, version: first }));
      const stale = conditions.with(-1, { path: names.at(-1)!, version: 0 });
      await assert.rejects(storage.commit(changes('2'), stale), { name: 'Conflict', path: names.at(-1) });
      await storage.commit(changes('3'), conditions);
      assert.equal(await read(names[0]!), '3');
      await storage.commit(
        names.map((path) => ({ path, value: undefined })),
        [],
      );
      assert.deepEqual(await storage.list(at, '', 1), []);
    });

    test('a conditional delete of what is gone is a conflict', async () => {
      const path = `${own()}a`;
      const version = await put(path, 'x');
      const remove = () => storage.commit([{ path, value: undefined }], [{ path, version }]);
      await remove();
      await assert.rejects(remove(), Conflict);
      await storage.commit([{ path, value: undefined }], [{ path, version: 0 }]);
    });

    test('large values are replaced and deleted like others, and may stand beside small ones', async () => {
      const at = own();
      const large = Buffer.alloc(1_600_000, 'L');
      const version = await storage.commit(
        [
          { path: `${at}a`, value: large },
          { path: `${at}b`, value: text('small') },
          { path: `${at}c`, value: large.subarray(1) },
        ],
        [{ path: `${at}a`, version: 0 }],
      );
      for (const [name, value] of [
        ['a', large],
        ['b', text('small')],
        ['c', large.subarray(1)],
      ] as const) {
        const stored = (await storage.get(at + name))!;
        assert.equal(stored.version, version);
        assert(Buffer.from(stored.value).equals(value), name);
      }
      const change = (value: Buffer | undefined, wanted: number) =>
        storage.commit([{ path: `${at}a`, value }], [{ path: `${at}a`, version: wanted }]);
      await assert.rejects(change(large, 0), { name: 'Conflict', path: `${at}a` });
      const next = await change(text('now small'), version);
      assert.equal(await read(`${at}a`), 'now small');
      await change(undefined, next);
      assert.deepEqual(await storage.list(at, '', 9), [`${at}b`, `${at}c`]);
    });

    test('the caller may change its bytes after the call', async () => {
      const path = `${own()}a`;
      const value = text('before');
      const done = storage.commit([{ path, value }], []);
      value.fill(0);
      await done;
      assert.equal(await read(path), 'before');
      (await storage.get(path))!.value.fill(0);
      assert.equal(await read(path), 'before');
    });

    test('lists in byte order, page by page, each path once', async () => {
      const at = own();
      // UTF-16 order, which JavaScript compares by, would put U+1F600 before U+FF5E.
      const names = ['b', 'a', 'a/b', 'a/', 'a0', 'Z', 'é', '～', '😀', 'a\u0000', 'a.', 'ab', '~'];
      await storage.commit(
        names.map((name) => ({ path: at + name, value: text(name) })),
        [],
      );
      const expected = names.map((name) => at + name).sort((x, y) => Buffer.compare(text(x), text(y)));
      assert.deepEqual(await storage.list(at, '', 100), expected);
      for (const size of [1, 2, 5]) {
        const paged: string[] = [];
        for (;;) {
          const page = await storage.list(at, paged.at(-1) ?? '', size);
          assert(page.length <= size);
          paged.push(...page);
          if (page.length < size) break;
        }
        assert.deepEqual(paged, expected, `pages of ${size}`);
      }
    });

    test('a listing stays inside its prefix, and `after` may be anywhere', async () => {
      const at = own();
      const names = ['p', 'p/', 'p/1', 'p/2', 'p0', 'o/9'];
      await storage.commit(
        names.map((name) => ({ path: at + name, value: text('x') })),
        [],
      );
      assert.deepEqual(await storage.list(`${at}p/`, '', 10), [`${at}p/`, `${at}p/1`, `${at}p/2`]);
      assert.deepEqual(await storage.list(`${at}p/`, `${at}o/9`, 10), [`${at}p/`, `${at}p/1`, `${at}p/2`]);
      assert.deepEqual(await storage.list(`${at}p/`, `${at}p/1`, 10), [`${at}p/2`]);
      assert.deepEqual(await storage.list(`${at}p/`, `${at}p/1x`, 10), [`${at}p/2`]);
      assert.deepEqual(await storage.list(`${at}p/`, `${at}q`, 10), []);
      assert.deepEqual(await storage.list(`${at}none/`, '', 10), []);
      assert.deepEqual(await storage.list(`${at}p/`, '', 0), []);
    });

    test('a listing may begin at texts longer than any path', async () => {
      const at = own();
      const paths = [`${at}${'a'.repeat(STORAGE_PATH_BYTES_MAX - at.length)}`, `${at}b`];
      await storage.commit(
        paths.map((path) => ({ path, value: text('x') })),
        [],
      );
      for (const length of [1, 2, 77, 78, 79, 100, 3_000]) {
        const over = `${paths[0]}${'a'.repeat(length)}`;
        assert.deepEqual(await storage.list(over, '', 10), [], `prefix, ${length} over`);
        assert.deepEqual(await storage.list(at, over, 10), [paths[1]], `after, ${length} over`);
        assert.deepEqual(await storage.list(at, `${at}${'Z'.repeat(1_900 + length)}`, 10), paths);
      }
    });

    test('what was acknowledged is listed, what was deleted is not', async () => {
      const at = own();
      await put(`${at}a`, 'x');
      assert.deepEqual(await storage.list(at, '', 10), [`${at}a`]);
      await storage.commit([{ path: `${at}a`, value: undefined }], []);
      assert.deepEqual(await storage.list(at, '', 10), []);
    });

    test('values of many sizes come back as they went in', async () => {
      const at = own();
      for (const bytes of [0, 1, 7, 8, 4_000, 4_096, 65_537, options.bigValueBytes ?? 12_000_000]) {
        const value = Buffer.alloc(bytes, 'coffer');
        for (let i = 0; i < bytes; i += 997) value[i] = i % 256;
        await storage.commit([{ path: `${at}${bytes}`, value }], []);
        const stored = await storage.get(`${at}${bytes}`);
        assert(Buffer.from(stored!.value).equals(value), `${bytes} bytes`);
      }
    });

    test('odd paths are kept apart; those that are no text are refused', async () => {
      const at = own();
      const paths = ['\u00e9', 'e\u0301', '%2F', '//', '../x', 'a\nb', ' ', 'İ', '\uFFFD', '𝔘'].map(
        (n) => at + n,
      );
      for (const path of paths) await put(path, path);
      for (const path of paths) assert.equal(await read(path), path);
      assert.equal((await storage.list(at, '', 100)).length, paths.length);
      const refused = { name: 'CodedError', code: 'bad_request' };
      for (const path of ['', `${at}\uD800`, `${at}\uDC00x`, at + 'x'.repeat(STORAGE_PATH_BYTES_MAX)]) {
        await assert.rejects(storage.get(path), refused);
        await assert.rejects(put(path, 'x'), refused);
        await assert.rejects(storage.commit([], [{ path, version: 0 }]), refused);
      }
      const longest = at + 'x'.repeat(STORAGE_PATH_BYTES_MAX - Buffer.byteLength(at));
      await put(longest, 'long');
      assert.equal(await read(longest), 'long');
    });

    test('an aborted signal stops a call that has not begun', async () => {
      const path = `${own()}a`;
      const aborted = AbortSignal.abort(new Error('gone'));
      await assert.rejects(storage.get(path, aborted), /gone/);
      await assert.rejects(storage.list(path, '', 1, aborted), /gone/);
      await assert.rejects(storage.commit([{ path, value: text('x') }], [], aborted), /gone/);
      assert.equal(await storage.get(path), undefined);
    });

    test('any sequence of commits leaves what a map would hold', async () => {
      const step = fc.record({
        changes: fc.uniqueArray(
          fc.tuple(
            fc.integer({ min: 0, max: 4 }),
            fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined }),
          ),
          { selector: ([key]) => key, minLength: 1, maxLength: 5 },
        ),
        condition: fc.integer({ min: 0, max: 4 }),
        stale: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
          const at = own();
          const model = new Map<string, { value: Uint8Array; version: number }>();
          for (const { changes, condition, stale } of steps) {
            const path = `${at}${condition}`;
            const version = (model.get(path)?.version ?? 0) + (stale ? 1 : 0);
            const list = changes.map(([key, value]) => ({ path: `${at}${key}`, value }));
            const done = storage.commit(list, [{ path, version }]);
            if (stale) {
              await assert.rejects(done, Conflict);
              continue;
            }
            const given = await done;
            for (const change of list) {
              if (change.value === undefined) model.delete(change.path);
              else model.set(change.path, { value: change.value, version: given });
            }
          }
          assert.deepEqual(await storage.list(at, '', 10), [...model.keys()].sort());
          for (const [path, { value, version }] of model) {
            const stored = (await storage.get(path))!;
            assert(Buffer.from(stored.value).equals(value));
            assert.equal(stored.version, version);
          }
        }),
        { numRuns: 25 },
      );
    });
  });
}
