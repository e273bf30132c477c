/**
 * The system engine without a server: a core made by hand, and requests that go straight to the operation that the route table names.
 *
 * @module
 */
import { compileAcl } from '../../../src/auth/policies/acl.ts';
import { DEFAULT_POLICY_TEXT, ROOT_POLICY } from '../../../src/auth/policies/built-in.ts';
import { parsePolicy } from '../../../src/auth/policies/parse.ts';
import type { AuditDevice } from '../../../src/engines/system/audit-core.ts';
import type { SystemCore } from '../../../src/engines/system/core.ts';
import { newMount } from '../../../src/engines/system/mount-info.ts';
import { makeSystem } from '../../../src/engines/system/system.ts';
import { type Cluster, OWN_CLAIMS } from '../../../src/model/actor.ts';
import type { Caller, TokenState } from '../../../src/model/caller.ts';
import type { ClusterControl } from '../../../src/model/cluster-control.ts';
import { type Engine, engine, operation, type RouteContext } from '../../../src/model/engine.ts';
import { badRequest, CodedError } from '../../../src/model/errors.ts';
import type { JsonMap } from '../../../src/model/json.ts';
import { encodeSorted } from '../../../src/model/json-encoder.ts';
import { parseJson } from '../../../src/model/json-parser.ts';
import { apiPath, type Mount, type SettingsOfMount } from '../../../src/model/mount.ts';
import { type Namespace, ROOT_NAMESPACE } from '../../../src/model/namespace.ts';
import { decodeParams } from '../../../src/model/params.ts';
import type { QuotaScope } from '../../../src/model/quotas.ts';
import type { LogicalReply } from '../../../src/model/request.ts';
import type { RotationConfig, SealStatus } from '../../../src/model/seal.ts';
import { makeLog, type ServerLog } from '../../../src/observe/log.ts';
import { makeRouter } from '../../../src/pipeline/router.ts';
import { tokenState } from '../../support/token-state.ts';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A core in memory, unsealed, with what a dev server has. Its state is there to look at and to change. */
export interface FakeCore extends SystemCore {
  cluster?: ClusterControl;
  node: SystemCore['node'];
  mountsNow: Mount[];
  policyTexts: Map<string, string>;
  /** By token; the accessor is `accessorOf<token>`. */
  tokens: Map<string, TokenState>;
  deviceList: AuditDevice[];
  /** Cluster-wide settings by key. */
  settingsNow: Map<string, unknown>;
  /** Ids of leases. */
  leasesNow: Set<string>;
  /** In which everything is asked: the root namespace. */
  namespace: Namespace;
  /** Below the root namespace. */
  namespacesNow: Namespace[];
  sealNow: SealStatus;
  rotationNow: RotationConfig;
  /** Auth methods that may be enabled: none. */
  authTypes: string[];
  /** Names of what was done to the seal. */
  done: string[];
}

let drawn = 0;
/** Bytes that differ from call to call and are the same in every run. */
function randomBytes(bytes: number): Buffer {
  return Buffer.alloc(bytes, ++drawn);
}

/** Of a token that is not renewed. */
export function stateWith(policies: string[]): TokenState {
  return tokenState({ policies, createdAtMs: NOW_MS, renewable: false });
}

function devMounts(): Mount[] {
  const config = { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false };
  const given: Omit<Parameters<typeof newMount>[0], 'namespace'>[] = [
    { class: 'secret', path: 'sys/', type: 'system', seal_wrap: true },
    { class: 'secret', path: 'cubbyhole/', type: 'cubbyhole', local: true },
    {
      class: 'auth',
      path: 'token/',
      type: 'token',
      description: 'token based credentials',
      config: { ...config, token_type: 'default-service' },
    },
    {
      class: 'secret',
      path: 'secret/',
      type: 'kv',
      description: 'key/value secret storage',
      options: { version: '2' },
    },
  ];
  return given.map((mount) => newMount({ ...mount, namespace: 'root' }, randomBytes));
}

/** One that waits for its new shares. */
const REKEY = {
  shares: 1,
  threshold: 1,
  pgpKeys: [],
  backup: false,
  verify: true,
  nonce: 'n',
  fingerprints: [],
  verification: { nonce: 'v' },
};

function logWithNames(): ServerLog {
  const log = makeLog({ level: 'info', format: 'standard', write() {} });
  log.named('core');
  return log;
}

export function fakeCore(): FakeCore {
  const engines = new Map<string, Engine>();
  const core: FakeCore = {
    mountsNow: devMounts(),
    policyTexts: new Map([['default', DEFAULT_POLICY_TEXT]]),
    tokens: new Map([['root', stateWith(['root'])]]),
    deviceList: [],
    settingsNow: new Map(),
    leasesNow: new Set(),
    namespace: ROOT_NAMESPACE,
    namespacesNow: [],
    sealNow: {
      type: 'shamir',
      initialized: true,
      sealed: false,
      threshold: 3,
      shares: 5,
      progress: 0,
      nonce: '',
    },
    authTypes: [],
    done: [],
    attempts: {
      show: async (name) => ({
        required: 3,
        attempt: name === 'rekey' ? REKEY : undefined,
        progress: 0,
        verified: 0,
      }),
      startRoot: async () => ({
        required: 3,
        attempt: { nonce: '', fingerprint: '' },
        progress: 0,
        verified: 0,
      }),
      startRekey: async () => ({ required: 3, attempt: REKEY, progress: 0, verified: 0 }),
      cancel: async () => {},
      giveForRoot: async () => ({
        progress: 1,
        required: 3,
        complete: false,
        fingerprint: '',
        encodedToken: '',
      }),
      giveForRekey: async () => undefined,
      verify: async () => false,
      restartVerification: async () => {},
      backup: async () => ({ nonce: 'n', keys: {} }),
      deleteBackup: async () => {},
    },
    rotationNow: { enabled: true, operationsMax: 3_865_470_566, intervalMs: 0 },
    seal: {
      status: () => core.sealNow,
      async init({ shares, threshold }, more) {
        if (core.sealNow.initialized) throw badRequest('Vault is already initialized');
        core.done.push(`init ${shares}/${threshold}`);
        core.sealNow = { ...core.sealNow, initialized: true, shares, threshold };
        const keys = Array.from({ length: shares }, (_, n) => Buffer.alloc(33, n + 1));
        const made = { keys, rootToken: 'hvs.root' };
        await more?.(made);
        return made;
      },
      async unseal(share) {
        core.done.push(`unseal ${Buffer.from(share).toString('hex')}`);
        const progress = core.sealNow.progress + 1;
        const sealed = progress < core.sealNow.threshold;
        core.sealNow = sealed
          ? { ...core.sealNow, progress, nonce: 'n' }
          : { ...core.sealNow, progress: 0, nonce: '', sealed };
      },
      reset() {
        core.sealNow = { ...core.sealNow, progress: 0, nonce: '' };
      },
      async seal(nodeOnly) {
        core.done.push(nodeOnly ? 'seal node' : 'seal');
        core.sealNow = { ...core.sealNow, sealed: true };
      },
      async rotate() {
        core.done.push('rotate');
      },
      keyStatus: () => ({ term: 2, installedAtMs: NOW_MS, encryptions: 7 }),
      rotation: async () => core.rotationNow,
      async changeRotation(change) {
        core.rotationNow = { ...core.rotationNow, ...change };
      },
    },
    mounts: () => ({
      all: () => [...core.mountsNow].sort((a, b) => (apiPath(a) < apiPath(b) ? -1 : 1)),
      current: async () => core.mounts('root').all(),
      at: (path) => core.mountsNow.find((mount) => apiPath(mount) === path),
      find: (path) => core.mountsNow.find((mount) => path.startsWith(apiPath(mount))),
      async enable(mount) {
        core.mountsNow.push(mount);
      },
      async tune(change) {
        core.done.push('tune');
        core.mountsNow = core.mountsNow.map((mount) =>
          mount.uuid === change.uuid ? { ...mount, ...change } : mount,
        );
      },
      async move({ uuid, path, namespace }) {
        core.mountsNow = core.mountsNow.map((mount) =>
          mount.uuid === uuid ? { ...mount, path, servedIn: namespace } : mount,
        );
      },
      async disable(uuid) {
        core.mountsNow = core.mountsNow.filter((mount) => mount.uuid !== uuid);
      },
    }),
    namespaces: {
      children: async ({ path }) =>
        core.namespacesNow.filter((one) => one.path !== path && one.path.startsWith(path)),
      below: (above) => core.namespaces.children(above),
      current: async (path) => core.namespacesNow.find((one) => one.path === path),
      descend: (base) => base,
      async add({ namespace }) {
        core.namespacesNow.push(namespace);
      },
      async tune({ id, next }) {
        core.namespacesNow = core.namespacesNow.map((one) => (one.id === id ? next : one));
      },
      async remove(id) {
        core.namespacesNow = core.namespacesNow.filter((one) => one.id !== id);
      },
    },
    types: {
      secret: ['kv'],
      get auth() {
        return core.authTypes;
      },
      engineOf: ({ type }) => engines.get(type),
    },
    policies: () => ({
      names: async () => [...core.policyTexts.keys()].sort(),
      text: async (name) => core.policyTexts.get(name),
      async put(name, text) {
        parsePolicy(name, text);
        core.policyTexts.set(name, text);
      },
      async remove(name) {
        core.policyTexts.delete(name);
      },
    }),
    access: {
      aclOf({ state }) {
        const acl = compileAcl(
          state.policies.flatMap((name) => {
            if (name === 'root') return [ROOT_POLICY];
            const text = core.policyTexts.get(name);
            return text === undefined ? [] : [parsePolicy(name, text)];
          }),
        );
        return {
          ...acl,
          explain: (asked) => ({
            namespace: '',
            path: asked.path,
            isOpen: false,
            isServed: true,
            explanation: acl.explain({ ...asked, mayCreate: true, sudo: false }),
          }),
        };
      },
      mayAsk: () => () => true,
      accessorOf: (token) => `accessorOf${token}`,
      isBelow: () => false,
      stateOf: async (accessor) => core.tokens.get(accessor.replace(/^accessorOf/, '')),
      countTokens: async () => core.tokens.size,
    },
    wrapping: {
      look: async (token) =>
        token === 'root' ? { creationPath: 'a', createdAtMs: NOW_MS, ttl: 60 } : undefined,
      take: async (token) =>
        token === '' || token === 'root'
          ? { status: 200, contentType: 'application/json', body: Buffer.from('{"data":{"a":1}}') }
          : undefined,
      rewrap: async (token) =>
        token === '' || token === 'root'
          ? { token: 'hvs.new', accessor: 'new', ttl: 60, creation_time: '', creation_path: 'a' }
          : undefined,
    },
    auditChains: {
      list: async () => [],
      chain: async () => undefined,
      keys: () => [],
      rotateKeys: async () => {},
    },
    audit: {
      devices: async () => core.deviceList,
      async enable(device) {
        core.deviceList.push(device);
      },
      async disable(path) {
        core.deviceList = core.deviceList.filter((device) => device.path !== path);
      },
      hash: (path, input) =>
        core.deviceList.some((device) => device.path === path) ? `hmac-sha256:${input.length}` : undefined,
      search: async () => ({ contentType: 'application/x-ndjson', start: () => () => {} }),
    },
    leases: {
      find: async (id) =>
        core.leasesNow.has(id)
          ? { issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + 90_500, renewedAtMs: undefined, renewable: true }
          : undefined,
      below: async (prefix) =>
        [...core.leasesNow].filter((id) => id.startsWith(prefix)).map((id) => id.slice(prefix.length)),
      async revoke(id) {
        core.leasesNow.delete(id);
      },
      async revokeBelow(prefix) {
        for (const id of core.leasesNow) if (id.startsWith(prefix)) core.leasesNow.delete(id);
      },
    },
    settings: {
      now: (key) => core.settingsNow.get(key),
      current: async (key) => core.settingsNow.get(key),
      names: async (prefix) => [...(await core.settings.all(prefix)).keys()],
      all: async (prefix) =>
        new Map(
          [...core.settingsNow]
            .filter(([key]) => key.startsWith(prefix))
            .map(([key, value]): [string, unknown] => [key.slice(prefix.length), value])
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        ),
      async put(key, value) {
        core.settingsNow.set(key, JSON.parse(JSON.stringify(value)));
      },
      async remove(key) {
        core.settingsNow.delete(key);
      },
    },
    node: {
      storageType: 'inmem',
      cluster: () => ({ name: 'vault-cluster-01234567', id: 'cluster id' }),
      apiAddress: 'http://127.0.0.1:8200',
      clusterAddress: 'https://127.0.0.1:8201',
      defaultLeaseTtl: 2_764_800,
      maxLeaseTtl: 2_764_800,
      inFlight: () => [
        {
          id: 'r1',
          receivedAtMs: NOW_MS,
          remote: '127.0.0.1:4',
          path: '/v1/x',
          method: 'GET',
          clientId: 'c',
        },
      ],
      metricsText: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' }),
      metricsSummary: () => ({ Gauges: [] }),
      configuration: { enable_ui: true },
      introspection: true,
    },
    logs: {
      levels: logWithNames().levels,
      monitor: () => ({ contentType: 'text/plain', start: () => () => {} }),
    },
    raw: {
      get: async (path) => (path === 'x' ? Buffer.from('text') : undefined),
      list: async () => ['x'],
    },
    profiles: {
      time: async ({ seconds }) => Buffer.from(`time ${seconds}`),
      memory: async (kind, { seconds }) => Buffer.from(`${kind} ${seconds}`),
      resources: () => new Map([['Timeout', 2]]),
      threads: () => undefined,
      counted: (type) => Buffer.from(type),
      heapSizes: () => new Map([['used', 1]]),
      commandLine: () => ['node', 'coffer.ts'],
    },
    removals: async () => ({ mounts: [], namespaces: [] }),
    countLeases: async () => undefined,
    placeOf: (path) => ({ namespace: ROOT_NAMESPACE, mount: core.mounts('root').find(path) }),
    quotas: async (prefix) => (await core.settings.all(prefix)) as ReadonlyMap<string, QuotaScope>,
    searchKv: async () => ({
      matches: [],
      next: undefined,
      folders: 1,
      secrets: 0,
      notListed: [],
      notRead: 0,
    }),
    actorAt(path) {
      if (!path.startsWith('secret')) throw badRequest('no mount serves this path');
      return { kind: 'kv', namespace: 'root', mount: 'uuid', name: path.slice('secret/'.length) };
    },
  };
  engines.set('system', makeSystem(core));
  const read = operation({ summary: 'Reads a secret.', params: {}, run: () => ({}) });
  engines.set('kv', engine('kv', 'Keys and values.', { 'data/:path*': { read } }));
  return core;
}

export interface AskOptions {
  /** Goes through JSON, as what is sent does. */
  body?: unknown;
  query?: Record<string, string>;
  /** `root` where absent; '' for none. */
  token?: string;
}

/** Asks `path` below `sys/`. @throws CodedError as the operation does, or where the table has no such route or verb. */
export async function ask(
  core: FakeCore,
  verb: 'read' | 'list' | 'update' | 'delete',
  path: string,
  { body, query = {}, token = 'root' }: AskOptions = {},
): Promise<LogicalReply> {
  const match = makeRouter(makeSystem(core)).match(path, verb === 'list');
  if (!match) throw new CodedError('unsupported_path');
  const operation = match.route[verb];
  if (operation?.where !== 'here') throw new CodedError('unsupported_operation');
  const parsed = body === undefined ? undefined : (parseJson(JSON.stringify(body)) as JsonMap);
  const sent = parsed ?? new Map(Object.entries(query));
  const params = operation.wholeBody ? {} : decodeParams(operation.params, sent);
  const state = core.tokens.get(token);
  const caller: Caller | undefined = state && {
    token,
    accessor: `accessorOf${token}`,
    namespace: 'root',
    state,
    isRoot: state.policies.includes('root'),
  };
  const context: RouteContext = {
    request: {
      id: 'request id',
      verb,
      method: 'GET',
      path: { text: `sys/${path}`, trailingSlash: path.endsWith('/') },
      namespace: '',
      token: token === '' ? undefined : token,
      query: new Map(Object.entries(query)),
      body: parsed,
      bodyBytes: 0,
      wrapTtlSeconds: 60,
      headers: {},
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      receivedAtMs: NOW_MS,
      isOver: false,
    },
    namespace: core.namespace,
    path: `sys/${path}`,
    mount: core.mounts('root').at('sys/')!,
    caller,
    captures: match.captures,
    sent,
    cluster: undefined as unknown as Cluster,
    claims: OWN_CLAIMS,
    settings: undefined as unknown as SettingsOfMount,
    stillGood: async () => true,
    isSudo: () => true,
    now: () => NOW_MS,
    randomBytes,
  };
  return operation.run(params, context);
}

/** The same, as what the client would read of it: `bare`, `raw` or `data`. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
export async function answer(...args: Parameters<typeof ask>): Promise<any> {
  const reply = await ask(...args);
  return JSON.parse(encodeSorted(reply.bare ?? reply.data ?? null));
}

/** What it is refused with: `[status, first text]`. */
export async function refusal(...args: Parameters<typeof ask>): Promise<[number, string | undefined]> {
  try {
    await ask(...args);
  } catch (error) {
    if (error instanceof CodedError) return [error.status, error.messages[0]];
    throw error;
  }
  throw new Error(`${args[1]} ${args[2]} was not refused`);
}
