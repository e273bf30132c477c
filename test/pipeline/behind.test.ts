/**
 * A node that was cut off does not know all mounts and namespaces: what it does not know it refuses only when it is in time again.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engine, operation } from '../../src/model/engine.ts';
import { CodedError } from '../../src/model/errors.ts';
import type { Mount } from '../../src/model/mount.ts';
import { type Namespace, ROOT_NAMESPACE } from '../../src/model/namespace.ts';
import type { Request } from '../../src/model/request.ts';
import { makePipeline, type PipelineOptions } from '../../src/pipeline/handle.ts';
import { makeResolver } from '../../src/pipeline/resolve.ts';
import { BENCH_MOUNT } from '../support/engine-bench.ts';

const SPACE: Namespace = { id: 'space1', uuid: 'u', path: 'team/', custom_metadata: {} };
const ENGINE = engine('any', 'Says yes.', {
  thing: {
    read: operation({ summary: 'Says yes.', params: {}, run: async () => ({ data: { yes: true } }) }),
  },
  login: {
    open: true,
    update: operation({ summary: 'Lets in.', params: {}, run: async () => ({ data: { yes: true } }) }),
  },
});

/** A pipeline whose catalog is behind until somebody waits for it. @param catchesUp - what it lacks arrives; else nothing does, and it stays behind. */
function behind(catchesUp: 'in time' | 'with the token' | 'never', isUnsettled = false) {
  let version = 1;
  let mounts: Mount[] = [];
  let spaces: Namespace[] = [];
  let waits = 0;
  const arrive = (): void => {
    version = 2;
    mounts = [BENCH_MOUNT];
    spaces = [SPACE];
  };
  const find = (path: string) => mounts.find((mount) => path.startsWith(mount.path));
  const resolver = makeResolver(
    {
      mounts: { of: () => ({ find, at: find }) },
      namespaces: {
        byId: (id) => (id === 'root' ? ROOT_NAMESPACE : undefined),
        at: (path) => (path === '' ? ROOT_NAMESPACE : spaces.find((one) => one.path === path)),
        descend: (base) => base,
        lockOf: () => undefined,
      },
    },
    () => ENGINE,
  );
  const caller = { token: 't', accessor: 'a', namespace: 'root', state: {}, isRoot: true };
  const pipeline = makePipeline({
    seal: { isSealed: () => false },
    uses: { begin() {}, async end() {} },
    resolver,
    authority: {
      async authenticate() {
        if (catchesUp === 'with the token') arrive();
        return caller;
      },
      authenticateNow: () => undefined,
      isGood: () => true,
      isStillGood: async () => true,
      decide: () => ({ allowed: true, mayCreate: true, mayUpdate: true, granting: [] }),
      version: () => version,
      basis: () => ({ actors: [], sections: [] }),
    },
    async inTime() {
      waits++;
      if (catchesUp === 'never') throw new CodedError('unavailable');
      if (catchesUp === 'in time') arrive();
    },
    audit: { isOn: () => false },
    settings: {},
    cluster: { isUnsettled: () => isUnsettled },
    now: () => 0,
    after: (run: () => void) => setTimeout(run, 0),
    fault: () => {},
    observe: () => {},
    defaultTtlOf: () => 0,
  } as unknown as PipelineOptions);
  return {
    waits: () => waits,
    ask: async (what: Partial<Request>) => {
      const request = {
        ...{ id: 'r', verb: 'read', namespace: '', token: 't', query: new Map(), headers: {} },
        ...{ remoteAddress: '127.0.0.1', isOver: false },
        ...what,
      };
      return (await pipeline.handle(request as unknown as Request)).status;
    },
  };
}

const THING = { path: { text: 'm/thing', trailingSlash: false } };
const LOGIN = { path: { text: 'm/login', trailingSlash: false }, verb: 'update', token: '' } as const;

test('a mount that arrives while the token is looked up is found', async () => {
  assert.equal(await behind('with the token').ask(THING), 200);
});

test('a namespace is refused only by who is in time', async () => {
  assert.equal(await behind('in time').ask({ ...THING, namespace: 'team' }), 200);
  assert.equal(await behind('never').ask({ ...THING, namespace: 'team' }), 503);
  const gone = behind('in time');
  assert.equal(await gone.ask({ ...THING, namespace: 'nobody' }), 404);
  assert(gone.waits() > 0);
});

test('what may be open to all by now is refused to who shows no token only by who is in time', async () => {
  assert.equal(await behind('in time').ask(LOGIN), 200);
  assert.equal(await behind('never').ask(LOGIN), 503);
  const nowhere = { ...LOGIN, path: { text: 'n/login', trailingSlash: false } };
  assert.equal(await behind('in time').ask(nowhere), 403);
});

test('who is in time waits for nothing', async () => {
  const known = behind('with the token');
  await known.ask(THING);
  assert.equal(known.waits(), 0);
});

test('who may have been heard before is not told that nothing was done', async () => {
  const nowhere = { ...THING, path: { text: 'n/thing', trailingSlash: false } };
  assert.equal(await behind('in time').ask(nowhere), 404);
  assert.equal(await behind('in time', true).ask(nowhere), 503);
  assert.equal(await behind('with the token', true).ask(THING), 200);
});
