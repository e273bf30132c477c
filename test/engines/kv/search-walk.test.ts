/** The way of a search through a mount, and how it goes on wherever it ended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsIn } from '../../../src/engines/kv/search-fields.ts';
import { type Step, walk } from '../../../src/engines/kv/search-walk.ts';
import { parseJson } from '../../../src/model/json-parser.ts';

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** As the actors list names: one level, by bytes, folders with a slash. */
function lister(paths: readonly string[]) {
  return async (folder: string, after: string, limit: number): Promise<string[]> => {
    const names = new Set(
      paths
        .filter((path) => path.startsWith(folder))
        .map((path) => /^[^/]*\/?/.exec(path.slice(folder.length))![0]),
    );
    const next = [...names].filter((name) => after === '' || byBytes(name, after) > 0);
    return next.sort(byBytes).slice(0, limit);
  };
}

async function collect(steps: AsyncGenerator<Step>): Promise<Step[]> {
  const all: Step[] = [];
  for await (const step of steps) all.push(step);
  return all;
}
const secretsOf = (steps: readonly Step[]) =>
  steps.flatMap((step) => (step.kind === 'secrets' ? step.paths : []));

const name = fc.constantFrom('a', 'a-', 'a.', 'a0', 'b', 'é', '\ue000', '😀');
const paths = fc.uniqueArray(
  fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
  { maxLength: 25 },
);

test('every secret once, and after any of them the rest, whatever the page', async () => {
  await fc.assert(
    fc.asyncProperty(paths, fc.nat(), fc.integer({ min: 1, max: 3 }), async (stored, at, pageMax) => {
      const go = (after: string) =>
        collect(walk({ folder: '', after, list: lister(stored), mayList: () => true, pageMax }));
      const all = secretsOf(await go(''));
      assert.deepEqual([...all].sort(), [...stored].sort());
      const after = all[at % all.length];
      if (after !== undefined)
        assert.deepEqual(secretsOf(await go(after)), all.slice(all.indexOf(after) + 1));
    }),
    { numRuns: 300 },
  );
});

test('a refused folder is named and passed, also where the search goes on after it', async () => {
  const stored = ['a', 'b/x', 'b/y/z', 'c/d'];
  const mayList = (folder: string) => !folder.startsWith('b/');
  const go = (after: string, folder = '') =>
    collect(walk({ folder, after, list: lister(stored), mayList, pageMax: 10 }));
  assert.deepEqual(secretsOf(await go('')), ['a', 'c/d']);
  assert.deepEqual(
    (await go('')).filter((step) => step.kind === 'folder' && step.isRefused),
    [{ kind: 'folder', path: 'b/', isRefused: true }],
  );
  assert.deepEqual(secretsOf(await go('b/')), ['c/d']);
  assert.deepEqual(secretsOf(await go('', 'c/')), ['c/d']);
  assert.deepEqual(
    secretsOf(await go('b/', 'c/')),
    ['c/d'],
    'what is not below the folder is no place in it',
  );
});

test('a folder that may be listed no more is left in its midst', async () => {
  const stored = ['a', 'b', 'c'];
  let pages = 0;
  const mayList = () => pages++ < 2;
  const steps = await collect(walk({ folder: '', after: '', list: lister(stored), mayList, pageMax: 1 }));
  assert.deepEqual(secretsOf(steps), ['a']);
  assert.deepEqual(steps.at(-1), { kind: 'folder', path: '', isRefused: true });
});

test('fields by name and by value, as JSON pointers, without the values', () => {
  const secret = parseJson(
    '{"db":{"password":"s3cret","port":5432},"list":["x",{"passphrase":true}],"a/b~c":"pass","n":null}',
  );
  const find = (term: string, values = false, ignoreCase = false) =>
    fieldsIn(secret, { term, values, ignoreCase });
  assert.deepEqual(find('pass'), ['/db/password', '/list/1/passphrase']);
  assert.deepEqual(find('pass', true), ['/db/password', '/list/1/passphrase', '/a~1b~0c']);
  assert.deepEqual(find('S3CRET', true), []);
  assert.deepEqual(find('S3CRET', true, true), ['/db/password']);
  assert.deepEqual(find('5432', true), ['/db/port']);
  assert.deepEqual(find('true', true), ['/list/1/passphrase']);
  assert.deepEqual(find('b*d'), []);
  assert.deepEqual(find('p*o*d'), ['/db/password']);
  assert.deepEqual(find('null', true), []);
});
