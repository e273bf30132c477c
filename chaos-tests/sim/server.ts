/**
 * What runs in a simulated node: the real actors, engines, tokens and pipeline, over a store, a clock and randomness that are handed in.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Names } from '../../src/actors/places.ts';
import { makeTokenActor, ROOT_PATH } from '../../src/auth/token/token-actor.ts';
import { makeTokens, type Tokens } from '../../src/auth/token/tokens.ts';
import { makeWrappedReplies } from '../../src/auth/token/wrapped-replies.ts';
import { makeWrappingOperations } from '../../src/auth/token/wrapping-operations.ts';
import type { Catalog } from '../../src/cluster/catalog.ts';
import type { ClusterTime } from '../../src/cluster/cluster-time.ts';
import { makeLocalCluster } from '../../src/cluster/local.ts';
import type { Routing } from '../../src/cluster/routing.ts';
import type { SystemCore } from '../../src/engines/system/core.ts';
import { policyRoutes } from '../../src/engines/system/policies.ts';
import { encodeReply } from '../../src/http/envelope.ts';
import { type ActorKind, type Cluster, OWN_CLAIMS } from '../../src/model/actor.ts';
import type { Caller, TokenState } from '../../src/model/caller.ts';
import type { Route } from '../../src/model/engine.ts';
import type { JsonMap } from '../../src/model/json.ts';
import { parseJson } from '../../src/model/json-parser.ts';
import type { Request, Verb } from '../../src/model/request.ts';
import type { Storage } from '../../src/model/storage.ts';
import { makeAuthority } from '../../src/pipeline/authority.ts';
import { makePipeline } from '../../src/pipeline/handle.ts';
import { makeLimitedUses } from '../../src/pipeline/limited-uses.ts';
import { makePolicyStore } from '../../src/pipeline/policy-store.ts';
import { makeResolver } from '../../src/pipeline/resolve.ts';
import { ONLY_ROOT } from '../../test/support/only-root.ts';
import { accessorKey, kindsWith, makeEngines, NO_JWT, TTLS } from './engines.ts';
import { KV, mountAt, NAMES, TOKEN } from './mounts.ts';
import type { SimProcess } from './process.ts';
import { addFirstMounts, makeSpaces, type Spaces, type SweepParts } from './spaces.ts';

export const ROOT_TOKEN = 'root';

const TIMERS_AGAIN_MS = 500;

/** A request as a client of the simulation sends it. */
export interface SimRequest {
  readonly verb: Verb;
  readonly path: string;
  readonly token: string;
  readonly body?: object;
  readonly query?: Readonly<Record<string, string>>;
  /** Its reply is to be laid aside. */
  readonly wrapTtlSeconds?: number;
}

export interface SimReply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: workloads look into replies freely
  readonly body: any;
}

export interface SimServer {
  readonly tokens: Tokens;
  handle(request: SimRequest): Promise<SimReply>;
  /** What the node takes for the time, ms. */
  now(): number;
  readonly catalog: Catalog | undefined;
  /** Where mounts and namespaces come and go. */
  readonly spaces: Spaces | undefined;
}

/** How planted faults change the parts. */
export interface ServerPlant {
  readonly cluster?: (cluster: Cluster) => Cluster;
  readonly countsUsesAfter?: true;
  readonly spaces?: (spaces: Spaces) => Spaces;
}

export interface ServerOptions {
  readonly process: SimProcess;
  readonly storage: Storage;
  /** An operation of this token's owner starts in this turn. */
  started(accessor: string): void;
  /** What a real node would log. */
  fault(what: string, error: unknown): void;
  /** How actors are reached, where they are not all of them here. `now` is cluster time, ms. */
  clusterOf?(
    names: Names,
    kinds: readonly ActorKind<never>[],
    now: () => number,
  ): Cluster & Pick<Routing, 'inTime'>;
  /** Of this node, once `clusterOf` was called. */
  catalogOf?(): Catalog;
  /** Those of the catalog decide; otherwise all is allowed. */
  readonly hasPolicies?: boolean;
  /** Mounts and namespaces are those of the catalog, and come and go; otherwise they are fixed. */
  readonly hasSpaces?: boolean;
  /** For that, once `clusterOf` was called. */
  sweepsOf?(): SweepParts;
  /** Everybody is root. */
  readonly isOpen?: boolean;
  /** The node is sealed. */
  isSealed?(): boolean;
  /** The highest time that is known of at start: the records of members show it (protocol §14). */
  readonly timeFloorMs: number;
  /** The cluster's time, where nodes tell it each other; otherwise each goes by its own clock. */
  readonly time?: ClusterTime;
  readonly plant?: ServerPlant;
}

/** Everybody is root. */
const OPEN = {
  authenticateNow: () => undefined,
  authenticate: async (token: string): Promise<Caller> => {
    return { token, accessor: 'root', namespace: 'root', state: rootState(), isRoot: true };
  },
  isGood: () => true,
  isStillGood: async () => true,
};

/** Boots in the turn it is called in. Nothing of it is ever stopped: a crash simply lets go of it. */
export function bootServer(options: ServerOptions): SimServer {
  const { process, storage, started, fault, timeFloorMs, plant } = options;
  const { clock, random } = process;
  // Cluster time: the wall clock once, or what others had, from then on the monotonic one, which no step moves (protocol §14).
  const base = Math.max(clock.wallMs(), timeFloorMs) - clock.monotonicMs();
  const now = options.time?.now ?? (() => Math.floor(base + clock.monotonicMs()));
  const randomBytes = (bytes: number) => random.bytes(bytes);
  const tokenActor = makeTokenActor(async () => {});
  const wrapping = makeWrappingOperations(tokenActor.kind);
  const kinds = kindsWith(tokenActor);
  const routed = options.clusterOf?.(NAMES, kinds, now);
  const cluster = planting(routed) ?? startLocal();

  function planting(whole: Cluster | undefined): Cluster | undefined {
    return whole && (plant?.cluster?.(whole) ?? whole);
  }

  function startLocal(): Cluster {
    const local = makeLocalCluster({
      storage,
      names: NAMES,
      kinds,
      now,
      randomBytes,
      setInterval(run, ms) {
        let timer = clock.after(tick, ms);
        function tick(): void {
          timer = clock.after(tick, ms);
          run();
        }
        return { clear: () => timer.clear() };
      },
      after: clock.after,
      fault,
    });
    local.start();
    /** Again until the store has answered it all. */
    const startTimers = (): void => {
      local.startTimers().catch(() => clock.after(startTimers, TIMERS_AGAIN_MS));
    };
    startTimers();
    return plant?.cluster?.(local) ?? local;
  }

  const catalog = options.catalogOf?.();
  const policies = catalog && options.hasPolicies ? makePolicyStore(catalog) : undefined;
  const made = catalog && options.hasSpaces ? makeSpaces(catalog, process, fault) : undefined;
  const spaces = made && (plant?.spaces?.(made) ?? made);
  const uses = makeLimitedUses({
    revoke: async (caller) => void (await tokens.revoke(caller.accessor, 'tree')),
    // What other nodes run is not asked: this asks for less than real nodes do.
    unusedElsewhere: async () => {},
    after: clock.after,
    fault,
  });
  const tokens = makeTokens({
    using: uses.asked,
    ...(spaces && {
      isIssuer: (issuer: string) => spaces.mounts.byIssuer(issuer) !== undefined,
      isNamespace: (id: string) => spaces.namespaces.byId(id) !== undefined,
    }),
    actor: tokenActor,
    cluster,
    accessorKey,
    now,
    randomBytes,
  });
  const wrapped = makeWrappedReplies({ tokens, operations: wrapping, cluster });
  const deciding = catalog && policies && makeAuthority(tokens, catalog, policies.parsed, fault);
  const engineOf = makeEngines({ tokens, wrapped, spaces, system: systemRoutes() });
  const fixed = { mounts: { of: () => ({ find: mountAt, at: mountAt }) }, namespaces: ONLY_ROOT };
  const resolver = makeResolver(spaces ?? fixed, (mount) => engineOf(mount));

  function systemRoutes(): Record<string, Route> {
    if (!policies) return {};
    if (!spaces || !deciding) return policyRoutes({ policies: policies.of } as unknown as SystemCore);
    return spaces.routes({ policies, engineOf: (mount) => engineOf(mount) });
  }
  if (spaces && policies && options.sweepsOf) spaces.sweep({ ...options.sweepsOf(), tokens, policies });

  const pipeline = makePipeline({
    seal: { isSealed: () => options.isSealed?.() === true },
    uses,
    resolver,
    authority: {
      authenticate: (token) => tokens.authenticate(token, { takeUse: !plant?.countsUsesAfter }),
      authenticateNow: tokens.authenticateNow,
      isGood(caller: Caller) {
        const isGood = tokens.isGood(caller);
        if (isGood) started(caller.accessor);
        return isGood;
      },
      isStillGood: tokens.isStillGood,
      ...(options.isOpen ? OPEN : {}),
      basis: (caller) => ({
        actors: caller && !options.isOpen ? tokens.chainOf(caller) : [],
        sections: catalog?.sequences() ?? [],
      }),
      decide: () => ({ allowed: true, mayCreate: true, mayUpdate: true, granting: [] }),
      version: () => 0,
      isSudo: (caller) => caller.isRoot,
      aclOf: () => {
        throw new Error('no policies here');
      },
      async revokeSpent(caller) {
        await tokens.revoke(caller.accessor, 'tree');
      },
      ...deciding,
    },
    audit: { isOn: () => false, request: async () => {}, response: async () => {} },
    cluster,
    wrapping: { replies: wrapped, jwt: NO_JWT, apiAddress: '', encode: encodeReply, now },
    // No workload changes them: that is a change of the catalog like any other.
    settings: { current: async (mount) => mount.settings, change: () => assert.fail('no mount table here') },
    now,
    randomBytes,
    fault,
    after: clock.after,
    observe: () => {},
    inTime: routed?.inTime,
    defaultTtlOf: () => TTLS.defaultTtl,
  });

  let requests = 0;
  return {
    tokens,
    now,
    catalog,
    spaces,
    async handle(request) {
      if (plant?.countsUsesAfter)
        clock.after(() => void tokens.authenticate(request.token).catch(() => {}), 50);
      const encoded = encodeReply(await pipeline.handle(asRequest(request, `${++requests}`, now())));
      const text = Buffer.from(encoded.body ?? '').toString();
      return { status: encoded.status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

function asRequest(
  { verb, path, token, body, query = {}, wrapTtlSeconds }: SimRequest,
  id: string,
  nowMs: number,
): Request {
  const isList = verb === 'list' && !path.endsWith('/');
  const request = {
    id,
    verb,
    method: verb,
    path: { text: isList ? `${path}/` : path, trailingSlash: path.endsWith('/') },
    namespace: '',
    token,
    query: new Map(Object.entries(query)),
    body: body && (parseJson(JSON.stringify(body)) as JsonMap),
    bodyBytes: 0,
    wrapTtlSeconds,
    headers: {},
    remoteAddress: '127.0.0.1',
    remotePort: 1,
    receivedAtMs: nowMs,
    isOver: false,
  };
  return request as unknown as Request;
}

/** Makes the token that all others descend from, and the first mounts; in the calm before a run. */
export async function makeRootToken({ tokens, spaces, catalog }: SimServer): Promise<void> {
  if (spaces) await addFirstMounts(catalog!, [KV, TOKEN]);
  await tokens.create(rootState(), ROOT_TOKEN, { claims: OWN_CLAIMS, namespace: 'root' });
}

function rootState(): TokenState {
  return {
    parent: undefined,
    policies: ['root'],
    meta: null,
    displayName: 'root',
    usesLeft: undefined,
    numUses: 0,
    type: 'service',
    path: ROOT_PATH,
    createdAtMs: 1,
    ttl: 0,
    expiresAtMs: undefined,
    explicitMaxTtl: 0,
    period: 0,
    renewable: false,
    noDefaultPolicy: false,
  };
}
