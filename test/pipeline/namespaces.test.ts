/**
 * Namespaces and mounts in their one section of the catalog: what may stand beside what, and where a path leads.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Catalog, Entries } from '../../src/cluster/catalog.ts';
import { newMount } from '../../src/engines/system/mount-info.ts';
import type { ActorContext } from '../../src/model/actor.ts';
import { CodedError } from '../../src/model/errors.ts';
import {
  type Namespace,
  namespaceIdOf,
  namespaceIdOfToken,
  ROOT_NAMESPACE,
} from '../../src/model/namespace.ts';
import { addMount, removeMount } from '../../src/pipeline/mount-table.ts';
import {
  addNamespace,
  makeNamespaces,
  namespaceSwept,
  removeNamespace,
  tuneNamespace,
} from '../../src/pipeline/namespaces.ts';

const CTX = {} as ActorContext;
let drawn = 0;
const randomBytes = (bytes: number) => Buffer.alloc(bytes, ++drawn);

/** A section that changes are run on, as its owner runs them. */
function section() {
  let entries: Entries = new Map();
  const run = <P>(
    change: { run(entries: Entries, params: P, ctx: ActorContext): { patch?: Record<string, unknown> } },
    params: P,
  ) => {
    const { patch } = change.run(entries, params, CTX);
    const next = new Map(entries);
    for (const [key, value] of Object.entries(patch ?? {})) {
      if (value === null) next.delete(key);
      else next.set(key, value);
    }
    entries = next;
    return patch !== undefined;
  };
  return { run, entries: () => entries };
}

function namespaceAt(path: string, id = path.replaceAll('/', '').padEnd(6, '0').slice(0, 6)): Namespace {
  return { id, uuid: id, path, custom_metadata: {} };
}

const mountAt = (path: string, namespace = 'root') =>
  newMount({ class: 'secret', path, type: 'kv', namespace }, randomBytes);
const refused = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;
const add = (namespace: Namespace, parent = 'root') => ({ namespace, parent, mounts: [] });

test('of a mount and a namespace at one path the first to come stays', () => {
  const { run } = section();
  run(addNamespace, add(namespaceAt('a/')));
  for (const path of ['a/', 'a/b/', 'a/b/c/'])
    assert.throws(() => run(addMount, mountAt(path)), /path is already in use at a\//, path);
  run(addMount, mountAt('b/c/'));
  for (const path of ['b/', 'b/c/']) {
    if (path === 'b/c/') continue;
    assert.throws(() => run(addNamespace, add(namespaceAt(path))), /conflicts with existing mount: b\/c\//);
  }
  // What merely begins alike is something else, and what is in another namespace is nobody's business here.
  run(addMount, mountAt('ab/'));
  run(addMount, mountAt('b/', 'a00000'));
  run(addNamespace, add(namespaceAt('a/c/'), 'a00000'));
  assert.throws(() => run(addMount, mountAt('c/x/', 'a00000')), /path is already in use at c\//);
});

test('an id is drawn anew while anything of another namespace ends in it', () => {
  const { run } = section();
  run(addNamespace, add(namespaceAt('a/', 'same00')));
  assert.throws(() => run(addNamespace, add(namespaceAt('b/', 'same00'))), refused('stale_claims'));
  run(removeNamespace, { id: 'same00' });
  assert.throws(() => run(addNamespace, add(namespaceAt('b/', 'same00'))), refused('stale_claims'));
  run(namespaceSwept, { id: 'same00' });
  assert(run(addNamespace, add(namespaceAt('b/', 'same00'))));
});

test('nothing begins in a namespace that is gone, and none goes before those below it', () => {
  const { run, entries } = section();
  run(addNamespace, add(namespaceAt('a/')));
  run(addNamespace, add(namespaceAt('a/b/'), 'a00000'));
  run(addMount, mountAt('kv/', 'a00000'));
  assert.throws(() => run(removeNamespace, { id: 'a00000' }), /containing child namespaces/);
  run(removeNamespace, { id: 'ab0000' });
  run(removeNamespace, { id: 'a00000' });
  assert.throws(() => run(addMount, mountAt('kv/', 'a00000')), refused('unsupported_path'));
  assert.throws(() => run(addNamespace, add(namespaceAt('a/c/'), 'a00000')), refused('unsupported_path'));
  assert.throws(() => run(tuneNamespace, { id: 'a00000', from: namespaceAt('a/'), next: namespaceAt('a/') }));
  assert.equal(run(removeNamespace, { id: 'a00000' }), false);
  const left = [...entries().keys()].map((key) => key.split('/')[0]);
  assert.deepEqual(left.sort(), ['gone-namespace', 'gone-namespace', 'sweep']);
});

test('made twice it is one, and what changed meanwhile is not overwritten', () => {
  const { run, entries } = section();
  run(addNamespace, add(namespaceAt('a/')));
  const from = namespaceAt('a/');
  assert(run(addNamespace, add({ ...namespaceAt('a/', 'other0'), custom_metadata: { x: '1' } })));
  assert.deepEqual([...entries().keys()], ['namespace/a00000']);
  const locked = { ...from, lock: { key_hash: '' } };
  assert.throws(() => run(tuneNamespace, { id: from.id, from, next: locked }), refused('stale_claims'));
});

test('a mount that goes takes nothing else along', () => {
  const { run, entries } = section();
  run(addNamespace, add(namespaceAt('a/')));
  const mount = mountAt('kv/', 'a00000');
  run(addMount, mount);
  run(removeMount, { uuid: mount.uuid });
  assert.deepEqual([...entries().keys()], ['namespace/a00000', `sweep/${mount.uuid}`]);
});

const name = fc.constantFrom('a', 'b', 'ab', 'sys', 'é');

test('a path leads down through the namespaces that are there, and no further', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(name, { minLength: 1, maxLength: 4 })),
      fc.array(name),
      fc.array(name),
      (trees, base, path) => {
        const paths = new Set(
          trees.flatMap((tree) => tree.map((_, n) => `${tree.slice(0, n + 1).join('/')}/`)),
        );
        const entries = new Map([...paths].map((one, n) => [`namespace/${n}`, namespaceAt(one, String(n))]));
        const catalog = { watch: (_: string, listener: (entries: Entries) => void) => listener(entries) };
        const namespaces = makeNamespaces(catalog as unknown as Catalog);
        const from = namespaces.at(base.map((segment) => `${segment}/`).join(''));
        if (!from) return;
        let expected = from.path;
        // The last segment is never a namespace: it names what is asked for.
        for (const segment of path) {
          if (!paths.has(`${expected}${segment}/`)) break;
          expected += `${segment}/`;
        }
        assert.equal(namespaces.descend(from, [...path, 'x'].join('/')).path, expected);
      },
    ),
  );
});

test('locked is what is below a locked one', () => {
  const lock = { key_hash: '' };
  const all = [{ ...namespaceAt('a/'), lock }, namespaceAt('a/b/'), namespaceAt('ab/')];
  const entries = new Map(all.map((one) => [`namespace/${one.id}`, one]));
  const catalog = { watch: (_: string, listener: (entries: Entries) => void) => listener(entries) };
  const namespaces = makeNamespaces(catalog as unknown as Catalog);
  assert.deepEqual(
    [ROOT_NAMESPACE, ...all].map((one) => namespaces.lockOf(one)?.path),
    [undefined, 'a/', 'a/', undefined],
  );
});

test('an accessor and a token say whose they are; whatever else says root, or nobody', () => {
  const accessor = 'A'.repeat(24);
  assert.equal(namespaceIdOf(accessor), 'root');
  assert.equal(namespaceIdOf(`${accessor}.abc123`), 'abc123');
  assert.equal(namespaceIdOfToken(`hvs.${accessor}`), 'root');
  assert.equal(namespaceIdOfToken(`hvs.${accessor}.abc123`), 'abc123');
  for (const other of [
    '',
    '.abc123',
    'hvs.abc123',
    `hvs.${accessor}.abc12`,
    `hvs.${accessor}.abc/12`,
    `x${accessor}.abc123`,
  ])
    assert.equal(namespaceIdOfToken(other), 'root', other);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // It stands in paths of the store.
      assert.match(namespaceIdOf(text), /^[0-9A-Za-z]+$/);
      assert.match(namespaceIdOfToken(text), /^[0-9A-Za-z]+$/);
    }),
  );
});
