/**
 * Coffer, put together: builds the parts in order, starts them, stops them in reverse. No logic lives here.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { makeAlone } from './alone.ts';
import { makeAudit } from './audit/audit.ts';
import { makeChainHeads } from './audit/chain-heads.ts';
import { appRoleTerms, makeAppRole } from './auth/approle/approle.ts';
import { appRoleKinds } from './auth/approle/kinds.ts';
import { failedLogins } from './auth/login/lockout.ts';
import { roleOfLogin } from './auth/login/login-role.ts';
import { makeBatchTokens } from './auth/token/batch-tokens.ts';
import { tokenRole } from './auth/token/roles.ts';
import { makeTokenAuth } from './auth/token/routes.ts';
import { makeTokenActor } from './auth/token/token-actor.ts';
import { makeTokens, type Tokens } from './auth/token/tokens.ts';
import { makeWrappedReplies } from './auth/token/wrapped-replies.ts';
import { makeWrappingJwt } from './auth/token/wrapping-jwt.ts';
import { makeWrappingOperations } from './auth/token/wrapping-operations.ts';
import { makePasswords } from './auth/userpass/password.ts';
import { makeUserpass, userpassTerms } from './auth/userpass/userpass.ts';
import { userpassUser } from './auth/userpass/users.ts';
import type { Catalog } from './cluster/catalog.ts';
import type { Lifecycle } from './cluster/opening-interface.ts';
import { openStore } from './cluster-stores.ts';
import { cubbyhole, wipeCubbyhole } from './engines/cubbyhole/cubbyhole.ts';
import { kv1, kv2, kvKinds } from './engines/kv/kv.ts';
import { makeSystem } from './engines/system/system.ts';
import { foundCluster, rootToken } from './founding.ts';
import { encodeReply } from './http/envelope.ts';
import type { ListenerOptions } from './http/listener-options.ts';
import { makeListeners } from './listeners.ts';
import { type ActorKind, OWN_CLAIMS } from './model/actor.ts';
import { actorOperationsOf, type Engine } from './model/engine.ts';
import { badRequest } from './model/errors.ts';
import type { Encodable } from './model/json.ts';
import { STOP_STEP_MS, SWEEP_RETRY_MS } from './model/limits.ts';
import { type Log, type LogControl, type LogLevel, SILENT_CONTROL } from './model/log.ts';
import type { Mount } from './model/mount.ts';
import { ROOT_NAMESPACE } from './model/namespace.ts';
import { THIS_VERSION } from './model/settings.ts';
import type { Storage } from './model/storage.ts';
import type { NodeParts } from './node.ts';
import { watchNode } from './node-metrics.ts';
import { watchCluster } from './observe/cluster-metrics.ts';
import type { Telemetry } from './observe/metric.ts';
import { makeMetrics } from './observe/metrics.ts';
import { makeMonitors } from './observe/monitor.ts';
import { makeProfiles } from './observe/profile/profiles.ts';
import { makeRequestLog } from './observe/request-log.ts';
import { auditMeter, requestMeter } from './observe/request-metrics.ts';
import { timedStorage } from './observe/timed-storage.ts';
import { makeAuditChains } from './pipeline/audit-chains.ts';
import { makeAuditDevices } from './pipeline/audit-devices.ts';
import { watchAuditHeaders } from './pipeline/audit-headers.ts';
import { makeAuthority } from './pipeline/authority.ts';
import { makePipeline } from './pipeline/handle.ts';
import { makeLeaseCounts } from './pipeline/lease-counts.ts';
import { makeLimitedUses } from './pipeline/limited-uses.ts';
import { makeSettingsOfMount } from './pipeline/mount-settings.ts';
import { makeMountTable } from './pipeline/mount-table.ts';
import { makeNamespaces } from './pipeline/namespaces.ts';
import { makePolicyStore } from './pipeline/policy-store.ts';
import { makeClusterCounts, makeQuotas } from './pipeline/quotas.ts';
import { makeResolver } from './pipeline/resolve.ts';
import { makeSettingsStore } from './pipeline/settings-store.ts';
import { makeVersionNote } from './pipeline/version-note.ts';
import { makeRawRecords } from './raw-records.ts';
import { makeAttemptsActor } from './seal/attempts/actor.ts';
import { makeSealAttempts } from './seal/attempts/attempts.ts';
import { makeRotationTimer } from './seal/rotation-timer.ts';
import { makeSeal } from './seal/seal.ts';
import { makeSealedStorage } from './seal/sealed-storage.ts';
import type { ClusterSettings } from './server-settings.ts';
import { takeSteps } from './shutdown.ts';
import { openLmdb } from './storage/lmdb.ts';
import { systemClock } from './system-clock.ts';
import { makeSystemCore } from './system-core.ts';
import { countedTokens } from './token-metrics.ts';

export interface CofferOptions {
  readonly storage: { readonly type: 'file' | 'inmem'; readonly folder?: string };
  readonly listeners: readonly ListenerOptions[];
  readonly apiAddress: string;
  readonly clusterAddress: string;
  /** Drawn at init where absent. */
  readonly clusterName?: string;
  /** Seconds. */
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  readonly log: Log;
  /** Of that log; without it there is nothing to be seen or set of it. */
  readonly logControl?: LogControl;
  readonly requestsLevel?: LogLevel | 'off';
  readonly telemetry?: Telemetry;
  /** Is a web interface asked for? True where absent. */
  readonly ui?: boolean;
  /** Shown in each reply; not shown where absent. */
  readonly hostname?: string;
  /** It is one of several; `storage` says nothing then. */
  readonly cluster?: ClusterSettings;
  /** As `sys/config/state/sanitized` shows it; nothing where absent. */
  readonly configuration?: { readonly [key: string]: Encodable };
  /** Serve `sys/raw`, and `sys/internal/inspect`? Not where absent. */
  readonly rawStorage?: boolean;
  readonly introspection?: boolean;
  /** The embedded store where absent. */
  readonly openStorage?: typeof openLmdb;
}

/** By what a token is renewed that a login issued, by the type of its mount. */
const LOGIN_TERMS: Readonly<Record<string, typeof userpassTerms>> = {
  approle: appRoleTerms,
  userpass: userpassTerms,
};

/** What may change while the server runs. */
export type LiveSettings = Pick<CofferOptions, 'requestsLevel' | 'telemetry'>;

export interface Coffer {
  readonly lifecycle: Lifecycle;
  readonly seal: ReturnType<typeof makeSeal>;
  readonly tokens: Tokens;
  readonly catalog: Catalog;
  /** Serves from now on. @throws ListenError where an address cannot be had. */
  listen(): Promise<void>;
  /** SIGHUP: certificates and audit files anew, and what may change; without `live` that stays. What cannot be read is logged, and stays. */
  reload(live: LiveSettings | undefined): Promise<void>;
  /** Is something on its way to the disk? Then the process may not be able to exit by itself: a sync that never returns keeps its thread. */
  isWriting(): boolean;
  /** Finishes what is running, then lets go of everything. @throws AggregateError where something would not end. */
  stop(): Promise<void>;
}

/** Opens the store. Sealed until somebody unseals, and not listening yet. @throws with one sentence where a part cannot start. */
export async function openCoffer(options: CofferOptions): Promise<Coffer> {
  const storage = await (options.cluster
    ? openStore(options.cluster, systemClock)
    : (options.openStorage ?? openLmdb)(options.storage));
  try {
    return await putTogether(options, storage);
  } catch (error) {
    // What stays open of it, such as a connection, would keep the process alive.
    await storage.close().catch((cause: unknown) => options.log.error('storage failed', { error: cause }));
    throw error;
  }
}

async function putTogether(options: CofferOptions, opened: Storage): Promise<Coffer> {
  const { log, logControl = SILENT_CONTROL, defaultLeaseTtl, maxLeaseTtl } = options;
  const fault = (what: string, error: unknown) => log.error(`${what} failed`, { error });
  const metrics = makeMetrics({ telemetry: options.telemetry });
  let { requestsLevel } = options;

  const storage = timedStorage(opened, metrics);
  const seal = makeSeal({ storage, randomBytes, now: systemClock.wallMs, fault });
  const profiles = makeProfiles(systemClock);
  const leaseCounts = makeLeaseCounts(() => ({
    cluster,
    now,
    namespacePath: (id) => namespaces.byId(id)?.path,
    namespaces: () => [ROOT_NAMESPACE.id, ...namespaces.all().map(({ id }) => id)],
    accessors: tokens.accessors,
    stateOf: tokens.stateOf,
  }));
  const tokenActor = makeTokenActor(async (_cluster, accessor, state) => {
    const mountOf = (id: string) => mounts.of(id).at('cubbyhole/');
    await wipeCubbyhole(cluster, mountOf, accessor, namespaces.all().length > 0);
    await leaseCounts.ended(state, accessor);
  });
  const wrappingOperations = makeWrappingOperations(tokenActor.kind);
  const replaceSeal: Lifecycle['replaceSeal'] = (draft, before) => lifecycle.replaceSeal(draft, before);
  const attemptsActor = makeAttemptsActor({ rekeying: seal.rekeying, install: replaceSeal });
  const clusterCounts = makeClusterCounts();
  const parts: NodeParts = {
    storage,
    seal,
    clock: systemClock,
    log,
    kinds: [
      tokenActor.kind,
      tokenRole,
      userpassUser,
      failedLogins,
      clusterCounts.kind,
      leaseCounts.kind,
      ...appRoleKinds,
      attemptsActor.kind,
      ...kvKinds,
    ] as unknown as ActorKind<never>[],
    operations: () => [
      ...[cubbyhole, kv1, kv2, ...engines.values()].flatMap(actorOperationsOf),
      ...tokenActor.sends,
      ...wrappingOperations.sends,
      ...attemptsActor.sends,
      clusterCounts.count,
      ...leaseCounts.sends,
    ],
    async open() {
      await auditDevices.openAll();
      versionNote.open();
    },
    async close() {
      versionNote.close();
      await auditDevices.closeAll();
      tokens.clear();
    },
    found: () => foundCluster(catalog, tokens, policies, options.clusterName, node.now()),
    async sweepNamespace(id, signal, removed) {
      await tokens.endAll(id, signal, removed);
      await policies.forget(id);
      await makeSettingsStore(catalog).forget(id);
    },
    requestsRunning: () => listeners.all().flatMap((server) => [...server.inFlight().keys()]),
    whenUnused: (accessor) => uses.whenUnused(accessor),
    servers: () => listeners.all(),
    fault,
  };
  const node = options.cluster
    ? await (await import('./member.ts')).makeMember(parts, options.cluster, options.apiAddress)
    : makeAlone(parts);
  const { cluster, catalog, lifecycle, now } = node;
  const mounts = makeMountTable(catalog);
  const namespaces = makeNamespaces(catalog);
  const policies = makePolicyStore(catalog);
  const uses = makeLimitedUses({
    revoke: (caller) => authority.revokeSpent(caller),
    unusedElsewhere: node.unusedElsewhere,
    after: systemClock.after,
    fault,
  });
  const plainTokens = makeTokens({
    actor: tokenActor,
    cluster,
    isIssuer: (issuer) => mounts.byIssuer(issuer) !== undefined,
    isNamespace: (id) => namespaces.byId(id) !== undefined,
    using: uses.asked,
    leases: leaseCounts,
    accessorKey: () => seal.barrier.derive('token accessor'),
    batch: makeBatchTokens(
      () => seal.barrier.derive('batch token'),
      randomBytes,
      (id) => namespaces.byId(id)?.uuid,
    ),
    now,
    randomBytes,
  });
  const tokens = countedTokens(plainTokens, {
    metrics,
    mountOf: (issuer) => mounts.byIssuer(issuer),
    namespacePath: (id) => namespaces.byId(id)?.path,
    clusterName: () => clusterNow()?.name,
  });
  const attempts = makeSealAttempts({
    actor: attemptsActor,
    rekeying: seal.rekeying,
    cluster,
    install: replaceSeal,
    makeRootToken: async () =>
      (await tokens.create(rootToken(), undefined, { claims: OWN_CLAIMS, namespace: 'root' })).token,
    nonce: randomUUID,
  });
  const wrapped = makeWrappedReplies({ tokens, operations: wrappingOperations, cluster });
  const wrappingJwt = makeWrappingJwt(() => seal.barrier.derive('wrapping token signature'));
  const authority = makeAuthority(tokens, catalog, policies.parsed, fault);
  const versionNote = makeVersionNote({
    catalog,
    key: THIS_VERSION,
    now,
    after: systemClock.after,
    retryMs: SWEEP_RETRY_MS,
  });
  const audit = makeAudit({ now, log: log.named('audit'), observe: auditMeter(metrics) });
  const forbidden = options.storage.folder === undefined ? [] : [options.storage.folder];
  const auditChains = makeAuditChains({
    catalog,
    heads: makeChainHeads(makeSealedStorage(storage, seal.barrier)),
    derive: seal.barrier.derive,
    node: options.cluster?.nodeId ?? 'alone',
    clock: systemClock,
    now,
    log: log.named('audit'),
  });
  const auditDevices = makeAuditDevices(
    catalog,
    audit,
    randomUUID,
    forbidden,
    auditChains,
    systemClock.after,
  );

  const ttlsOf = ({ config }: Mount) => ({
    defaultTtl: config.default_lease_ttl || defaultLeaseTtl,
    maxTtl: config.max_lease_ttl || maxLeaseTtl,
  });
  const engines = new Map<string, Engine>([
    ['cubbyhole', cubbyhole],
    [
      'token',
      makeTokenAuth({
        tokens,
        ttlsOf,
        policyExists: (namespaceId, name) => policies.parsed(namespaceId, name) !== undefined,
        namespacePath: (id) => namespaces.byId(id)?.path,
        mountOf: (id) => mounts.of(id).at('auth/token/'),
        loginTerms(issuer, state) {
          const mount = mounts.byIssuer(issuer.mount);
          const termsOf = mount && LOGIN_TERMS[mount.type];
          if (!termsOf) throw badRequest('lease is not renewable');
          return termsOf(mount, state, { cluster, ttlsOf });
        },
      }),
    ],
    [
      'userpass',
      makeUserpass({ tokens, ttlsOf, passwords: makePasswords(() => seal.barrier.derive('userpass salt')) }),
    ],
    [
      'approle',
      makeAppRole({ tokens, ttlsOf, accessorKey: () => seal.barrier.derive('approle secret id accessor') }),
    ],
  ]);
  const engineOf = (mount: Mount): Engine | undefined =>
    mount.type === 'kv' ? (mount.options?.version === '2' ? kv2 : kv1) : engines.get(mount.type);
  const resolver = makeResolver({ mounts, namespaces }, engineOf);
  const places = { mounts, namespaces, resolver };
  leaseCounts.watch(catalog, places);
  const clusterNow = () =>
    catalog.entries('settings').get('cluster') as { name: string; id: string } | undefined;
  watchNode(metrics, {
    seal,
    mounts,
    isSealed: lifecycle.isSealed,
    clusterName: () => clusterNow()?.name,
    inFlight: () => listeners.all().reduce((sum, server) => sum + server.inFlight().size, 0),
    isActive: node.control && (() => node.control?.standing() === 'serving'),
  });
  if (node.figures) watchCluster(metrics, node.figures);
  engines.set(
    'system',
    makeSystem(
      makeSystemCore({
        actors: cluster,
        seal,
        lifecycle,
        attempts,
        catalog,
        mounts,
        namespaces,
        policies,
        tokens,
        authority,
        resolver,
        auditDevices,
        auditChains,
        wrapped,
        wrappingJwt,
        leaseCounts,
        now,
        secretTypes: ['kv'],
        authTypes: ['approle', 'userpass'],
        engineOf,
        cluster: node.control,
        logs: { levels: logControl.levels, monitor: makeMonitors(logControl, systemClock) },
        profiles,
        raw: options.rawStorage
          ? makeRawRecords(makeSealedStorage(storage, seal.barrier), seal.barrier)
          : undefined,
        node: {
          storageType: storage.type,
          cluster: clusterNow,
          apiAddress: options.apiAddress,
          clusterAddress: options.clusterAddress,
          staleForMs: node.staleForMs,
          defaultLeaseTtl,
          maxLeaseTtl,
          inFlight: () => listeners.inFlight(),
          metricsText: () => (metrics.isPrometheusOn() ? metrics.text() : undefined),
          metricsSummary: metrics.summary,
          configuration: options.configuration ?? {},
          introspection: options.introspection,
        },
      }),
    ),
  );
  const handler = makePipeline({
    seal: lifecycle,
    resolver,
    authority,
    audit,
    auditHeaders: watchAuditHeaders(catalog),
    uses,
    quotas: makeQuotas({ catalog, places, cluster, counts: clusterCounts, now }),
    roleOfLogin: ({ verb, body }, { mount, match }) =>
      roleOfLogin({ verb, body, mount, pattern: match?.pattern, captures: match?.captures ?? {} }, cluster),
    wrapping: {
      replies: wrapped,
      jwt: wrappingJwt,
      apiAddress: options.apiAddress,
      encode: encodeReply,
      now,
    },
    cluster,
    settings: makeSettingsOfMount(catalog),
    now,
    randomBytes,
    fault,
    after: systemClock.after,
    staleForMs: node.staleForMs,
    inTime: node.inTime,
    observe: requestMeter(metrics),
    defaultTtlOf: (mount) => ttlsOf(mount).defaultTtl,
  });

  const listeners = makeListeners({
    listeners: options.listeners,
    catalog,
    handler,
    log: log.named('http'),
    now,
    ui: options.ui,
    hostname: options.hostname,
    completed: makeRequestLog(log.named('core'), () => requestsLevel ?? 'trace', now),
  });
  const rotation = makeRotationTimer({ clock: systemClock, rotateIfDue: lifecycle.rotateIfDue, fault });
  const steps = [
    { name: 'profiles', run: async () => profiles.stop() },
    { name: 'farewell', run: async () => node.farewell?.() },
    // Before all else: what runs is answered, and nothing new comes.
    { name: 'http', run: listeners.stop },
    { name: 'rotation', run: rotation.stop },
    ...node.stopping,
    { name: 'audit', run: audit.stop },
    { name: 'storage', run: storage.close },
  ];

  async function listen(): Promise<void> {
    await node.start();
    rotation.start();
    await listeners.start();
  }

  return {
    lifecycle,
    seal,
    tokens,
    catalog,
    listen,
    async reload(live) {
      if (live) {
        requestsLevel = live.requestsLevel;
        metrics.configure(live.telemetry ?? { prometheus: true });
      }
      await audit.reopen();
      listeners.reloadTls();
    },
    isWriting: () => storage.commitsRunning() > 0,
    stop: () => takeSteps(steps, STOP_STEP_MS),
  };
}
