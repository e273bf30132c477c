/**
 * What runs in a simulated node: the real actors, engines, tokens and pipeline, over a store, a clock and randomness that are handed in.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { Names } from '../../src/actors/places.ts';
import { failedLogins } from '../../src/auth/login/lockout.ts';
import { makeTokenAuth } from '../../src/auth/token/routes.ts';
import { makeTokenActor, ROOT_PATH } from '../../src/auth/token/token-actor.ts';
import { makeTokens, type Tokens } from '../../src/auth/token/tokens.ts';
import { makeWrappedReplies, type WrappedReplies } from '../../src/auth/token/wrapped-replies.ts';
import { makeWrappingOperations } from '../../src/auth/token/wrapping-operations.ts';
import { makeUserpass } from '../../src/auth/userpass/userpass.ts';
import { userpassUser } from '../../src/auth/userpass/users.ts';
import type { Catalog } from '../../src/cluster/catalog.ts';
import { makeLocalCluster } from '../../src/cluster/local.ts';
import { kv2, kvKinds } from '../../src/engines/kv/kv.ts';
import type { SystemCore } from '../../src/engines/system/core.ts';
import { policyRoutes } from '../../src/engines/system/policies.ts';
import { wrappingRoutes } from '../../src/engines/system/wrapping.ts';
import { encodeReply } from '../../src/http/envelope.ts';
import { type ActorKind, type Cluster, OWN_CLAIMS } from '../../src/model/actor.ts';
import type { Caller, TokenState } from '../../src/model/caller.ts';
import { type Engine, engine } from '../../src/model/engine.ts';
import type { JsonMap } from '../../src/model/json.ts';
import { parseJson } from '../../src/model/json-parser.ts';
import type { Mount } from '../../src/model/mount.ts';
import type { Request, Verb } from '../../src/model/request.ts';
import type { Storage } from '../../src/model/storage.ts';
import { makeAuthority } from '../../src/pipeline/authority.ts';
import { makePipeline } from '../../src/pipeline/handle.ts';
import { makeLimitedUses } from '../../src/pipeline/limited-uses.ts';
import { makePolicyStore } from '../../src/pipeline/policy-store.ts';
import { makeResolver } from '../../src/pipeline/resolve.ts';
import { ONLY_ROOT } from '../../test/support/only-root.ts';
import { KV, LOGINS, mountAt, NAMES, SYS, TOKEN } from './mounts.ts';
import type { SimProcess } from './process.ts';

export const ROOT_TOKEN = 'root';

const DAY_SECONDS = 86_400;
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
}

/** How planted faults change the parts. */
export interface ServerPlant {
  readonly cluster?: (cluster: Cluster) => Cluster;
  readonly countsUsesAfter?: true;
}

export interface ServerOptions {
  readonly process: SimProcess;
  readonly storage: Storage;
  /** An operation of this token's owner starts in this turn. */
  started(accessor: string): void;
  /** What a real node would log. */
  fault(what: string, error: unknown): void;
  /** How actors are reached, where they are not all of them here. `now` is cluster time, ms. */
  clusterOf?(names: Names, kinds: readonly ActorKind<never>[], now: () => number): Cluster;
  /** Of this node, once `clusterOf` was called. */
  catalogOf?(): Catalog;
  /** Those of the catalog decide; otherwise all is allowed. */
  readonly hasPolicies?: boolean;
  /** Everybody is root. */
  readonly isOpen?: boolean;
  /** The node is sealed. */
  isSealed?(): boolean;
  /** The highest time that is known of at start: the records of members show it (protocol §14). */
  readonly timeFloorMs: number;
  readonly plant?: ServerPlant;
}

/** What a password is stored as matters to nobody here. */
const PASSWORDS = {
  hash: async (mount: string, name: string, password: string) =>
    createHmac('sha256', 'simulated').update(`${mount}/${name}/${password}`).digest(),
};

const NO_JWT = { tokenIn: (token: string) => token, write: () => assert.fail('no JWTs here') };

function wrappingControl(replies: WrappedReplies): SystemCore['wrapping'] {
  return {
    look: (token, namespaceId) => replies.look(token, namespaceId),
    take: (token, asker) => (token === '' ? replies.own(asker.caller) : replies.take(token, asker)),
    rewrap: (token, asker) => replies.rewrap(token, asker.request.wrapTtlSeconds, asker),
  };
}

/** Everybody is root. */
const OPEN = {
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
  const now = () => Math.floor(base + clock.monotonicMs());
  const randomBytes = (bytes: number) => random.bytes(bytes);
  const tokenActor = makeTokenActor(async () => {});
  const wrapping = makeWrappingOperations(tokenActor.kind);
  const kinds = [...kvKinds, tokenActor.kind, failedLogins, userpassUser] as unknown as ActorKind<never>[];
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

  const accessorKey = () => createHmac('sha256', 'simulated').digest();
  const uses = makeLimitedUses({
    revoke: async (caller) => void (await tokens.revoke(caller.accessor, 'tree')),
    // What other nodes run is not asked: this asks for less than real nodes do.
    unusedElsewhere: async () => {},
    after: clock.after,
    fault,
  });
  const tokens = makeTokens({
    using: uses.asked,
    actor: tokenActor,
    cluster,
    accessorKey,
    now,
    randomBytes,
  });
  const wrapped = makeWrappedReplies({ tokens, operations: wrapping, cluster, now });
  const ttls = { defaultTtl: 30 * DAY_SECONDS, maxTtl: 30 * DAY_SECONDS };
  const tokenAuth = makeTokenAuth({ tokens, ttlsOf: () => ttls, policyExists: () => true });

  const catalog = options.catalogOf?.();
  const policies = catalog && options.hasPolicies ? makePolicyStore(catalog) : undefined;
  const deciding = catalog && policies && makeAuthority(tokens, catalog, policies.parsed, fault);
  const engines = new Map<Mount, Engine>([
    [KV, kv2],
    [TOKEN, tokenAuth],
    [LOGINS, makeUserpass({ tokens, ttlsOf: () => ttls, passwords: PASSWORDS })],
  ]);
  const core = { policies: policies?.of, wrapping: wrappingControl(wrapped) } as unknown as SystemCore;
  const system = { ...(policies ? policyRoutes(core) : {}), ...wrappingRoutes(core) };
  engines.set(SYS, engine('system', 'Policies and wrapped replies.', system));
  const parts = { mounts: { of: () => ({ find: mountAt, at: mountAt }) }, namespaces: ONLY_ROOT };
  const resolver = makeResolver(parts, (mount) => engines.get(mount));
  const pipeline = makePipeline({
    seal: { isSealed: () => options.isSealed?.() === true },
    uses,
    resolver,
    authority: {
      authenticate: (token) => tokens.authenticate(token, { takeUse: !plant?.countsUsesAfter }),
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
    defaultTtlOf: () => ttls.defaultTtl,
  });

  let requests = 0;
  return {
    tokens,
    now,
    catalog,
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

/** Makes the token that all others descend from; in the calm before a run. */
export async function makeRootToken({ tokens }: SimServer): Promise<void> {
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
