/**
 * One mount of an engine behind the real pipeline and real actors, over a store in memory, with a clock that stands still: what a client
 * sees, without a server. Names rest readable; policies are two booleans.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { makeLocalCluster } from '../../src/cluster/local.ts';
import { encodeReply } from '../../src/http/envelope.ts';
import type { ActorKind } from '../../src/model/actor.ts';
import type { Caller } from '../../src/model/caller.ts';
import type { Engine } from '../../src/model/engine.ts';
import type { JsonMap } from '../../src/model/json.ts';
import { parseJson } from '../../src/model/json-parser.ts';
import type { Mount } from '../../src/model/mount.ts';
import type { Verb } from '../../src/model/request.ts';
import { makePipeline } from '../../src/pipeline/handle.ts';
import { makeLimitedUses } from '../../src/pipeline/limited-uses.ts';
import { changeSettings } from '../../src/pipeline/mount-settings.ts';
import { makeResolver } from '../../src/pipeline/resolve.ts';
import { systemClock } from '../../src/system-clock.ts';
import { type MemoryStorage, makeMemoryStorage } from './memory-storage.ts';
import { ONLY_ROOT } from './only-root.ts';

export interface BenchReply {
  status: number;
  /** '' where there is none. */
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies freely
  body: any;
}

export interface CallOptions {
  query?: Record<string, string>;
  mayCreate?: boolean;
  mayUpdate?: boolean;
  /** '' stands for a batch token. */
  accessor?: string;
}

export interface EngineBench {
  /** @param body - JSON text, or a value that JSON.stringify takes. */
  call(verb: Verb, path: string, body?: unknown, options?: CallOptions): Promise<BenchReply>;
  readonly storage: MemoryStorage;
  readonly cluster: ReturnType<typeof makeLocalCluster>;
  readonly mount: Mount;
  /** Wall clock, ms. */
  nowMs: number;
  /** From now on the mount is served by another engine, as after a tune. */
  serve(engine: Engine): void;
  /** All actors passivate: what is seen next comes from the store. */
  restart(): Promise<void>;
  /** What went wrong inside since it was asked last. */
  takeFaults(): unknown[];
  /** @throws where there are faults that nobody took. */
  stop(): Promise<void>;
}

export const BENCH_MOUNT: Mount = {
  class: 'secret',
  path: 'm/',
  type: 'kv',
  description: '',
  uuid: 'mount-uuid',
  accessor: 'kv_00000000',
  namespace: 'root',
  config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
  options: null,
  local: false,
  seal_wrap: false,
  external_entropy_access: false,
  settings: {},
};

export const BENCH_DEFAULT_TTL = 2_764_800;

export function makeEngineBench(
  first: Engine,
  // biome-ignore lint/suspicious/noExplicitAny: kinds of many states
  kinds: readonly ActorKind<any>[],
  mounted = BENCH_MOUNT,
): EngineBench {
  let engine = first;
  let mount = mounted;
  const storage = makeMemoryStorage();
  let faults: unknown[] = [];
  const fault = (_what: string, error: unknown) => void faults.push(error);
  const names = {
    sealName: (_context: string, segment: string) => `~${segment}`,
    openName: (_context: string, sealed: string) => sealed.slice(1),
  };
  const makeCluster = () => {
    const made = makeLocalCluster({
      storage,
      names,
      kinds: kinds as unknown as ActorKind<never>[],
      now: () => bench.nowMs,
      randomBytes: (bytes) => Buffer.alloc(bytes),
      setInterval: () => ({ clear() {} }),
      after: () => ({ clear() {} }),
      fault,
    });
    made.start();
    return made;
  };
  let cluster = makeCluster();
  const resolver = makeResolver(
    {
      mounts: {
        of: () => ({
          find: (path) => (path === 'm' || path.startsWith('m/') ? mount : undefined),
          at: () => undefined,
        }),
      },
      namespaces: ONLY_ROOT,
    },
    () => engine,
  );

  const bench: EngineBench = {
    storage,
    get cluster() {
      return cluster;
    },
    get mount() {
      return mount;
    },
    nowMs: 1_700_000_000_000,
    serve(next) {
      engine = next;
    },
    async restart() {
      await cluster.stop();
      cluster = makeCluster();
    },
    takeFaults() {
      const taken = faults;
      faults = [];
      return taken;
    },
    async stop() {
      await cluster.stop();
      if (faults.length > 0) throw new AggregateError(faults, 'faults that no client was told of');
    },
    async call(verb, path, body, { query = {}, mayCreate = true, mayUpdate = true, accessor = 'acc' } = {}) {
      const decision = { allowed: true, mayCreate, mayUpdate, granting: [] };
      const caller = {
        token: 't',
        accessor,
        namespace: 'root',
        state: { usesLeft: undefined, type: accessor === '' ? 'batch' : 'service' },
        isRoot: false,
      };
      const pipeline = makePipeline({
        seal: { isSealed: () => false },
        uses: makeLimitedUses({
          revoke: async () => {},
          unusedElsewhere: async () => {},
          after: systemClock.after,
          fault: () => {},
        }),
        resolver,
        authority: {
          authenticate: async () => caller as unknown as Caller,
          authenticateNow: () => undefined,
          isGood: () => true,
          isStillGood: async () => true,
          decide: () => decision,
          version: () => 0,
          basis: () => ({ actors: [], sections: [] }),
          isSudo: () => false,
          aclOf: () => assert.fail('no policies here'),
          revokeSpent: async () => {},
        },
        audit: { isOn: () => false, request: async () => {}, response: async () => {} },
        cluster,
        settings: {
          current: async () => mount.settings,
          async change({ uuid }, patch, before) {
            const { patch: changed } = changeSettings.run(
              new Map([[uuid, mount]]),
              { uuid, patch, before },
              undefined as never,
            );
            // As the catalog stores it.
            if (changed) mount = JSON.parse(JSON.stringify(changed[uuid]));
          },
        },
        now: () => bench.nowMs,
        randomBytes: (bytes) => Buffer.alloc(bytes),
        fault,
        after: systemClock.after,
        observe: () => {},
        defaultTtlOf: () => BENCH_DEFAULT_TTL,
      });
      const text = `m/${path}`;
      const isList = verb === 'list' && !text.endsWith('/');
      const reply = await pipeline.handle({
        id: 'request-id',
        verb,
        method: verb,
        path: { text: isList ? `${text}/` : text, trailingSlash: text.endsWith('/') },
        namespace: '',
        token: 't',
        query: new Map(Object.entries(query)),
        body: body === undefined ? undefined : (parseJson(textOf(body)) as JsonMap),
        bodyBytes: 0,
        wrapTtlSeconds: undefined,
        headers: {},
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        receivedAtMs: bench.nowMs,
        isOver: false,
      });
      const encoded = encodeReply(reply);
      const sent = String(encoded.body ?? '');
      return { status: encoded.status, text: sent, body: sent === '' ? undefined : JSON.parse(sent) };
    },
  };
  return bench;
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
