/**
 * A node that is one of several, put together: transport, membership, shards, actors, grants, routing, catalog, and what opens and closes
 * them. No logic lives here.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { shardOf } from './actors/places.ts';
import { readStored } from './actors/stored.ts';
import { makeAdmissions } from './cluster/admissions.ts';
import { makeCatalog } from './cluster/catalog.ts';
import { makeAnnouncer } from './cluster/catalog-announcer.ts';
import { catalogSection, SECTIONS, sectionId } from './cluster/catalog-section.ts';
import { makeCatalogSync } from './cluster/catalog-sync.ts';
import { makeClusterTime } from './cluster/cluster-time.ts';
import { makeClusterControl } from './cluster/control.ts';
import { highestFence } from './cluster/fences.ts';
import { makeGrants } from './cluster/grants/grants.ts';
import { untilJoined } from './cluster/joining.ts';
import { makeMembersTime } from './cluster/members-time.ts';
import { type Membership, makeMembership } from './cluster/membership.ts';
import type { MembershipHooks } from './cluster/membership-hooks.ts';
import { makeOpening } from './cluster/opening.ts';
import { makeOperations, type Operations } from './cluster/operations.ts';
import { makeOwnActors } from './cluster/own-actors.ts';
import { makePeersToLink } from './cluster/peers-to-link.ts';
import { makePost } from './cluster/post.ts';
import { makeReadingAgain } from './cluster/reading-again.ts';
import { makeRouting } from './cluster/routing.ts';
import { writesBy } from './cluster/spoken.ts';
import { withStaleReads } from './cluster/stale-reads.ts';
import { storageIdOf } from './cluster/storage-id.ts';
import { makeStoreHead } from './cluster/store-head.ts';
import { headMemoryIn } from './cluster/store-head-file.ts';
import { sigma, USUAL_TIMES } from './cluster/times.ts';
import { makeTouches } from './cluster/touch.ts';
import { openIdentity } from './cluster/transport/identity.ts';
import { readClusterSecrets } from './cluster/transport/secret.ts';
import { makeClusterTransport } from './cluster/transport/transport.ts';
import { makeUsesElsewhere } from './cluster/uses-elsewhere.ts';
import { openCoordinator } from './cluster-stores.ts';
import { makeDrain } from './http/drain.ts';
import { type ActorKind, actorKey, OWN_CLAIMS } from './model/actor.ts';
import { CodedError } from './model/errors.ts';
import { SECOND_MS } from './model/limits.ts';
import { COFFER_VERSION } from './model/version.ts';
import type { Node, NodeParts } from './node.ts';
import { activationTrace, tracedPost, viewTrace } from './node-trace.ts';
import { catalogOperations } from './pipeline/catalog-operations.ts';
import { makeMountSweeps } from './pipeline/mount-sweeps.ts';
import { makeSealedStorage } from './seal/sealed-storage.ts';
import type { ClusterSettings } from './server-settings.ts';
import { makeOrphanSweep } from './storage/orphan-sweep.ts';

/** Of messages and records: the lowest and the highest version that this release speaks. */
const SPEAKS = [1, 1] as const;
/** How often it is looked whom to be linked with, ms. */
const PEERS_LOOK_MS = 200;

/** @throws Error in one sentence where a part cannot start. */
export async function makeMember(
  parts: NodeParts,
  settings: ClusterSettings,
  apiAddress: string,
): Promise<Node> {
  const { storage, seal, clock, log, fault } = parts;
  const { nodeId, secretFile, dataFolder } = settings;
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const identity = await openIdentity(dataFolder, randomBytes);
  // Read once now, so that a file that will not do stops the start.
  if (secretFile !== undefined) readClusterSecrets(secretFile);
  const storageId = await storageIdOf(storage, randomBytes);
  // The last that can fail: whoever calls closes the store then, and nobody would close this.
  const coordinator = await openCoordinator(settings, clock);
  const sealed = { storage: makeSealedStorage(storage, seal.barrier), names: seal.barrier };
  const speaks = [SPEAKS[0], Math.min(SPEAKS[1], settings.protocolMax ?? SPEAKS[1])] as const;
  const time = makeClusterTime({ clock, alarm: (text) => log.error(text) });
  const now = time.now;
  const membership = (): Membership => member;

  const admissions = makeAdmissions({
    clock,
    coordinator,
    own: identity.peer,
    nodeId,
    approve: settings.approve,
    log: log.named('admissions'),
    changed: () => transport.reconsider(),
    // Not in peace: the others have stopped talking to it, and its keys are to go now.
    barred() {
      member.stop().catch((error: unknown) => fault('leaving', error));
      opening.stop().catch((error: unknown) => fault('sealing', error));
    },
  });
  const transport = makeClusterTransport({
    identity,
    listen: settings.listen,
    secrets: () => (secretFile === undefined ? [] : readClusterSecrets(secretFile)),
    speaks: { min: speaks[0], max: speaks[1] },
    protocol: writesBy(speaks, () => member.view()),
    isBarred: admissions.isBarred,
    isAdmitted: admissions.isAdmitted,
    onApplicant: admissions.onApplicant,
    clock,
    randomBytes,
    log: log.named('transport'),
  });
  const nodeOf = (peer: string) =>
    [...member.members().values()].find(({ peerId }) => peerId === peer)?.nodeId;
  const post = tracedPost(makePost({ transport }), log, nodeOf);

  const storeHead = makeStoreHead({
    ...sealed,
    memory: headMemoryIn(dataFolder, () => storageId, fault),
    post,
    alarm: (text) => log.error(text),
    cluster: () => routing,
  });
  const catalog = makeCatalog({
    storage: makeReadingAgain(sealed.storage, clock),
    names: sealed.names,
    cluster: () => routing,
    tell: (notice) => announcer.tell(notice),
    sync: (section, own) => catalogSync.sync(section, own),
  });
  const catalogSync = makeCatalogSync({
    post,
    membership,
    clock,
    applied: (section) => catalog.applied(section),
  });
  const kinds = [catalog.kind, storeHead.kind, ...parts.kinds] as unknown as ActorKind<never>[];
  const grants = makeGrants({
    clock,
    post,
    membership,
    kinds,
    sigma: sigma(coordinator),
    snapshotOf: (id) => own.snapshotOf(id),
    activate: (id) => own.activate(id),
    fault,
  });
  const own = makeOwnActors({
    ...sealed,
    fences: storage,
    kinds,
    clock,
    now,
    randomBytes,
    membership,
    grants: () => grants,
    cluster: () => routing,
    fault,
    activated: activationTrace(log),
  });
  const touches = makeTouches(kinds, nodeId);
  let operations: Operations | undefined;
  const routing = makeRouting({
    ...sealed,
    clock,
    post,
    sigma: sigma(coordinator),
    operations() {
      operations ??= makeOperations([
        ...catalogOperations,
        ...storeHead.operations,
        ...touches.values(),
        ...parts.operations(),
      ]);
      return operations;
    },
    membership,
    shards: () => own.shards,
    actors: () => own.actors,
    grants: () => grants,
    sections: () => catalog.sequences(),
    now,
    randomBytes,
  });
  const mounts = shardOf(actorKey(sectionId('mounts')));
  const isMountsOwner = () => member.isInTime() && member.mayServe(mounts);
  const sweeps = makeMountSweeps({
    catalog,
    isOurs: isMountsOwner,
    now,
    sweep: ({ namespace, uuid }, signal, removed) => own.sweepMount(namespace, uuid, signal, removed),
    sweepNamespace: parts.sweepNamespace,
    after: clock.after,
    fault,
  });
  const orphans = makeOrphanSweep({
    sweep: async (signal) => (await storage.sweepOrphans?.(signal)) ?? 0,
    isOurs: isMountsOwner,
    after: clock.after,
    fault,
  });
  const drain = makeDrain({ servers: parts.servers, after: clock.after });
  const opening = makeOpening({
    clock,
    seal,
    post,
    membership,
    cluster: {
      start() {
        announcer.open();
        own.start();
      },
      async stop() {
        // What waits for members that are sealed too would wait for ever.
        announcer.close();
        grants.dropAll();
        orphans.stop();
        await Promise.all([sweeps.stop(), own.stop()]);
        own.shards.dropAll();
      },
    },
    catalog,
    open: parts.open,
    close: parts.close,
    found: parts.found,
    isRemoved: () => admissions.isBarred(identity.peer),
    requestsRunning: parts.requestsRunning,
    changed(isOpen) {
      control.look();
      if (!isOpen) return;
      own.startTimers().catch((error: unknown) => fault('timers', error));
      sweeps.start();
      orphans.start();
      storeHead.begin().catch((error: unknown) => fault('store head', error));
    },
    fault,
  });

  const tellView = viewTrace(log);
  const membersTime = makeMembersTime(time, () => member);
  const hooks: MembershipHooks = {
    ...opening.hooks,
    onView(view, entered) {
      membersTime.onView(entered);
      tellView(view, entered);
      keepLinks();
      own.shards.onView();
      grants.onView(view);
      routing.onView();
      announcer.look();
      opening.look();
      control.look();
    },
    onTimeChanged() {
      stale?.look();
      announcer.look();
      opening.look();
      control.look();
    },
    drainShards: own.shards.drain,
    expectJoiners: () => {},
    async prepare(signal) {
      keepLinks();
      membersTime.preparing();
      await opening.hooks.prepare(signal);
    },
    onSealed() {
      membersTime.ended();
      return opening.hooks.onSealed();
    },
    onEvicted() {
      membersTime.ended();
      own.shards.dropAll();
      grants.dropAll();
      announcer.dropAll();
      opening.look();
      control.look();
    },
    quiet: grants.quiet,
    unreachable: grants.unreachable,
    clusterTimeMs: now,
    highestFence: () => highestFence(storage),
    fault,
  };
  const member = makeMembership({
    clock,
    coordinator,
    hooks,
    log: log.named('membership'),
    randomBytes,
    protocolMax: settings.protocolMax,
    describe: () => ({
      nodeId,
      peerId: identity.peer,
      addresses: [settings.address],
      apiAddress,
      clusterAddress: settings.address,
      weight: settings.weight,
      zone: settings.zone,
      speaks,
      release: COFFER_VERSION,
      storageId,
    }),
  });
  const announcer = makeAnnouncer({ post, membership, clock, receive: catalog.receive });

  async function leave(): Promise<void> {
    // One after the other: while clients still come their shards must be served.
    await drain.drain();
    await opening.stop();
  }

  const activeCount = () => Object.values(own.actors.counts()).reduce((sum, count) => sum + count, 0);
  const control = makeClusterControl({
    nodeId,
    clock,
    coordinator,
    log: log.named('cluster'),
    post,
    admissions,
    membership,
    shards: own.shards,
    grants,
    catalog,
    readStored: async (section) =>
      (await readStored(sealed.storage, sealed.names, catalogSection, sectionId(section))).state,
    storage,
    head: storeHead,
    touch: (id) => {
      const op = touches.get(id.kind);
      if (!op) throw new CodedError('unsupported');
      return routing.send(op, id, undefined, { claims: OWN_CLAIMS });
    },
    activeCount,
    isActive: (key) => own.actors.peek(key)?.state !== undefined,
    isSealed: opening.isSealed,
    isDraining: drain.isDraining,
    drain: leave,
    secretFile,
    secretsChanged: transport.reconsider,
    randomBytes,
  });

  const peersToLink = makePeersToLink({
    own: identity.peer,
    clock,
    times: USUAL_TIMES,
    membership,
    copied: (other) =>
      log.error(
        `another node, ${other}, runs with this node's identity: its data folder was copied. This node does not join; give it a folder of its own`,
      ),
  });
  function keepLinks(): void {
    const peers = peersToLink();
    const wanted = JSON.stringify(peers);
    if (wanted === linked) return;
    linked = wanted;
    transport.keep(peers);
  }
  let linked = '';
  let looking: { clear(): void } | undefined;
  function lookForPeers(): void {
    keepLinks();
    membersTime.look();
    time.check();
    looking = clock.after(lookForPeers, PEERS_LOOK_MS);
  }

  const stale =
    settings.partitionReads > 0
      ? withStaleReads({
          ...sealed,
          cluster: routing,
          clock,
          maxMs: settings.partitionReads * SECOND_MS,
          membership,
          actors: () => own.actors,
          grants: () => grants,
          now,
          randomBytes,
        })
      : undefined;

  return {
    cluster: stale ?? routing,
    staleForMs: stale?.ageMs,
    inTime: routing.inTime,
    catalog,
    lifecycle: opening,
    now,
    unusedElsewhere: makeUsesElsewhere({ post, membership, whenUnused: parts.whenUnused }),
    control,
    figures: {
      control,
      deadlineLeftMs: () => member.deadlineMs() - clock.monotonicMs(),
      shardsHeld: () => own.shards.held().length,
      actors: activeCount,
      grants: grants.counts,
      routes: routing.counts,
      transport: transport.counts,
      catalog: () => Object.fromEntries(SECTIONS.map((name) => [name, catalog.applied(name).seq])),
      isStorePutBack: storeHead.isPutBack,
      skewMs: () => clock.wallMs() - now(),
    },
    async start() {
      await transport.start();
      void admissions.start();
      member.start();
      opening.start();
      lookForPeers();
      if (await seal.initialized())
        await untilJoined({
          clock,
          membership: member,
          // One that was removed waits for nothing: who asks is to be told.
          isSealed: () => opening.isSealed() && !admissions.isBarred(identity.peer),
        });
    },
    farewell: drain.drain,
    stopping: [
      { name: 'seal', run: opening.stop },
      {
        name: 'cluster',
        async run() {
          looking?.clear();
          await member.stop();
          admissions.stop();
          grants.stop();
          await transport.stop();
          await coordinator.close();
        },
      },
    ],
  };
}
