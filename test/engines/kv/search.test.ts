/** A search whose caller goes away, or whose rights change, in its midst. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { searchKv } from '../../../src/engines/kv/kv.ts';
import { type Cluster, OWN_CLAIMS } from '../../../src/model/actor.ts';
import { CodedError } from '../../../src/model/errors.ts';
import type { KvSearchContext } from '../../../src/model/kv-search.ts';
import { KV_SEARCHES_AT_ONCE } from '../../../src/model/limits.ts';
import type { Mount } from '../../../src/model/mount.ts';
import type { Request } from '../../../src/model/request.ts';

const MOUNT = { namespace: 'root', uuid: 'u', options: { version: '2' } } as unknown as Mount;
const SEARCH = {
  mount: MOUNT,
  folder: '',
  term: 'x',
  ignoreCase: false,
  fields: true,
  values: false,
  limit: 1_000,
  after: '',
};

interface World {
  /** API paths that may not be asked for. */
  readonly denied: Set<string>;
  isOver: boolean;
  isGood: boolean;
  elapsedMs: number;
  listed: string[];
  sent: string[];
  /** Runs before each list is answered. */
  onList(folder: string): void | Promise<void>;
  onSend(path: string): void;
}

function worldOf(): World & { context: KvSearchContext } {
  const world: World = {
    denied: new Set(),
    isOver: false,
    isGood: true,
    elapsedMs: 0,
    listed: [],
    sent: [],
    onList() {},
    onSend() {},
  };
  const names: Record<string, string[]> = { '': ['a/', 'x1', 'x2'], 'a/': ['x3'] };
  const cluster = {
    async list(_kind: string, _namespace: string, _mount: string, folder: string, { after = '' } = {}) {
      world.listed.push(folder);
      await world.onList(folder);
      return (names[folder] ?? []).filter((name) => name > after);
    },
    async send(
      _op: unknown,
      id: { name: string },
      _asked: unknown,
      { claims }: { claims: { good(): boolean } },
    ) {
      world.sent.push(id.name);
      world.onSend(id.name);
      if (!claims.good()) throw new CodedError('stale_claims');
      return ['/x'];
    },
  } as unknown as Cluster;
  const context: KvSearchContext = {
    request: Object.defineProperty({}, 'isOver', { get: () => world.isOver }) as Request,
    caller: {} as KvSearchContext['caller'],
    cluster,
    claims: { ...OWN_CLAIMS, good: () => world.isGood },
    may: (verb, path) => !world.denied.has(`${verb} ${path}`),
    elapsedMs: () => world.elapsedMs,
  };
  return Object.assign(world, { context });
}

const coded = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

test('all of it', async () => {
  const { context } = worldOf();
  const found = await searchKv(SEARCH, context);
  assert.deepEqual(
    found.matches.map(({ path }) => path),
    ['a/x3', 'x1', 'x2'],
  );
  assert.equal(found.next, undefined);
});

test('a caller that went away is worked for no more', async () => {
  const world = worldOf();
  world.onList = (folder) => {
    world.isOver = folder === 'a/';
  };
  await assert.rejects(searchKv(SEARCH, world.context), coded('deadline'));
  assert.deepEqual(world.sent, []);
});

test('its time is over: it says where to go on, and goes on from there', async () => {
  const world = worldOf();
  world.onSend = (path) => {
    if (path === 'a/x3') world.elapsedMs = 60_000;
  };
  const first = await searchKv(SEARCH, world.context);
  assert.equal(first.next, 'a/x3');
  world.elapsedMs = 0;
  const { matches } = await searchKv({ ...SEARCH, after: 'a/x3' }, world.context);
  assert.deepEqual(
    matches.map(({ path }) => path),
    ['x1', 'x2'],
  );
});

test('rights that end in its midst: what was found before is not told', async () => {
  const folder = worldOf();
  folder.onSend = (path) => {
    if (path === 'x1') folder.denied.add('list metadata/a/');
  };
  const found = await searchKv(SEARCH, folder.context);
  assert.deepEqual(
    found.matches.map(({ path }) => path),
    ['x1', 'x2'],
  );
  const secret = worldOf();
  secret.onSend = (path) => {
    if (path === 'x1') for (const section of ['data', 'subkeys']) secret.denied.add(`read ${section}/a/x3`);
  };
  const rest = await searchKv(SEARCH, secret.context);
  assert(!rest.matches.some(({ path }) => path === 'a/x3'));
});

test('a token that ends, or a secret that may be read no more when its turn comes: asked anew', async () => {
  const ended = worldOf();
  ended.onList = () => {
    ended.isGood = false;
  };
  await assert.rejects(searchKv({ ...SEARCH, fields: false }, ended.context), coded('stale_claims'));
  const shut = worldOf();
  shut.onSend = (path) => {
    for (const section of ['data', 'subkeys']) shut.denied.add(`read ${section}/${path}`);
  };
  await assert.rejects(searchKv(SEARCH, shut.context), coded('stale_claims'));
});

test('no more than a few at once; one that failed leaves its place', async () => {
  const world = worldOf();
  const gate = Promise.withResolvers<void>();
  world.onList = () => gate.promise;
  const running = Array.from({ length: KV_SEARCHES_AT_ONCE }, () => searchKv(SEARCH, world.context));
  await assert.rejects(searchKv(SEARCH, world.context), coded('overloaded'));
  world.isOver = true;
  gate.resolve();
  for (const one of running) await assert.rejects(one, coded('deadline'));
  world.isOver = false;
  await searchKv(SEARCH, world.context);
});
