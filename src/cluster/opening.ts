/**
 * A node of a cluster opens and closes: from "the keys are here" to "it serves", and back (protocol §15). Keys come by shares, given to any
 * node (`opening-shares.ts`), or from a member (`opening-keys.ts`); then the membership takes over, and asks for what is here in `hooks`.
 *
 * @module
 */
import { badRequest, CodedError } from '../model/errors.ts';
import { DOOR_LOOK_MS, FOUND_WAIT_MS, LEAVE_MS, UNSEAL_WAIT_MS } from '../model/limits.ts';
import { FAULT } from './faults.ts';
import type { Opening, OpeningOptions } from './opening-interface.ts';
import { makeKeyExchange } from './opening-keys.ts';
import { whenOthersOpen } from './opening-others.ts';
import { makeShareDesk } from './opening-shares.ts';
import { makeTurns, makeWaits } from './opening-waits.ts';
import { makeRootKeyNews } from './root-key-news.ts';
import { makeTermNews } from './term-news.ts';

export type { Initialized, Lifecycle, Opening, OpeningOptions, SealRequest } from './opening-interface.ts';

export function makeOpening(options: OpeningOptions): Opening {
  const { clock, seal, post, cluster, catalog, faults } = options;
  const membership = options.membership;
  /** It serves, or would if it were in time. */
  let open = false;
  let founding = false;
  /** Sealed by itself alone: it takes keys from people only. */
  let staysSealed = false;
  /** On its way out of the view: it does not open any more. */
  let leaving = false;
  let closing: Promise<void> | undefined;
  /** Counts the seals: what began before one and ends after it must not open anything. */
  let seals = 0;
  /** Requests of clients that wait for this node to seal. */
  let sealsAsked = 0;
  let prepareFault: unknown;
  const waits = makeWaits(clock);
  /** Of the keys; of what opens with them. */
  const keysTurn = makeTurns();
  const partsTurn = makeTurns();

  const founders = { self: () => membership().inc(), isAlive: (inc: string) => membership().isAlive(inc) };
  const hasKeys = (): boolean => !seal.barrier.isSealed();
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(resolve, ms));

  const shares = makeShareDesk({ clock, post, membership, seal, give: giveHere });
  const keys = makeKeyExchange({
    clock,
    post,
    membership,
    seal,
    fault: options.fault,
    isWanted: () => !hasKeys() && !staysSealed && !founding && !closing,
    mayGive: () => open && !closing && !leaving,
    take: (rootKey) => keysTurn(() => takeKey(rootKey)),
  });
  const terms = makeTermNews({ clock, post, membership, seal });
  const rootKeys = makeRootKeyNews({
    clock,
    post,
    membership,
    seal,
    reload: keys.reload,
    fault: options.fault,
  });

  function look(): void {
    if (!open && !founding && !closing && !leaving && hasKeys() && membership().isInTime()) {
      open = true;
      options.changed?.(true);
    }
    waits.look();
  }

  /** False after `ms`, or once all is sealed. */
  function when(is: () => boolean, ms: number): Promise<boolean> {
    const before = seals;
    return waits.when(is, ms, () => seals !== before);
  }

  // Keys

  async function takeKey(rootKey: Uint8Array): Promise<void> {
    const before = seals;
    const isWanted = (): boolean => seals === before && !staysSealed && membership().view()?.sealed !== true;
    if (hasKeys() || closing || !isWanted()) return;
    await seal.unsealWith(rootKey);
    if (isWanted()) membership().setSealed(false);
    else await seal.seal();
  }

  /** A share that is collected on this node. */
  function giveHere(share: Uint8Array) {
    return keysTurn(async () => {
      await closing;
      const before = seals;
      const status = await seal.unseal(share);
      if (status.sealed) return status;
      if (seals !== before) return seal.status();
      staysSealed = false;
      membership().setSealed(false);
      return status;
    });
  }

  async function status() {
    const own = await seal.status();
    if (open) return own;
    if (!own.sealed) return { ...own, sealed: true, progress: 0, nonce: '' };
    return shares.status(own);
  }

  // Closing

  /** Everything stops in this turn; resolves when no key is left. */
  function close(): Promise<void> {
    seals++;
    const wasOpen = open;
    if (open) options.changed?.(false);
    open = false;
    closing ??= closeParts(wasOpen).finally(() => {
      closing = undefined;
    });
    look();
    return closing;
  }

  async function closeParts(wasOpen: boolean): Promise<void> {
    // What is just opening may hang on the store; it ends sooner without keys.
    if (!wasOpen) await seal.seal();
    try {
      await partsTurn(async () => {
        // Audit devices last: what ends now is still told to them.
        await cluster.stop();
        await options.close();
        catalog.clear();
      });
    } finally {
      await seal.seal();
    }
  }

  /** Leaves the view, in peace if that is possible soon, and has no keys then. */
  async function leave(): Promise<void> {
    leaving = true;
    const before = seals;
    let hasLeft = false;
    void membership()
      .leave()
      .then(() => {
        hasLeft = true;
        waits.look();
      });
    // In a sealed cluster nobody proposes a view without it any more.
    await waits.when(
      () => hasLeft || seals !== before,
      LEAVE_MS,
      () => false,
    );
    if (!hasLeft) {
      // First: whoever seals the cluster waits for this node's keys only as long as it has a record.
      await close();
      await membership().stop();
    }
    membership().setSealed(true);
    await close();
    leaving = false;
  }

  async function sealNode(): Promise<void> {
    if (!open) return;
    staysSealed = true;
    open = false;
    options.changed?.(false);
    await leave();
    membership().start();
  }

  return {
    isSealed: () => !open,
    othersServe,
    status,
    init: (config, more) =>
      keysTurn(async () => {
        await closing;
        if (await seal.initialized()) throw badRequest('Vault is already initialized');
        founding = true;
        let rootToken = '';
        try {
          const made = await seal.init(
            config,
            async (keysMade) => {
              membership().setSealed(false);
              if (!(await when(isAlone, FOUND_WAIT_MS)))
                throw (
                  prepareFault ??
                  unavailable('this node could not become the only member of the cluster; try again')
                );
              rootToken = await options.found();
              await more?.({ keys: keysMade, rootToken });
            },
            founders,
          );
          return { keys: made, rootToken };
        } finally {
          founding = false;
          membership().setSealed(true);
          await close();
        }
      }),
    async unseal(share) {
      if (options.isRemoved?.()) throw badRequest('this node was removed from the cluster for good');
      await closing;
      if (!hasKeys()) {
        const given = await shares.give(share);
        if (given.sealed) return given;
        staysSealed = false;
      }
      const before = seals;
      if (await when(() => open, UNSEAL_WAIT_MS)) {
        await whenOthersOpen(options, () => !open);
        return status();
      }
      // Sealed again, which is no fault of the share.
      if (seals !== before) return status();
      throw (
        prepareFault ??
        unavailable('unsealed, but this node has not entered the cluster yet; it goes on trying')
      );
    },
    reset: shares.reset,
    async seal({ nodeOnly = false, isRequest = false } = {}) {
      // Asked of a sealed node it changes nothing: whoever asks could not be authorized. It must not sound as if it had, though.
      if (!open) {
        if (othersServe() && !(nodeOnly && staysSealed))
          throw unavailable('this node is sealed, but others of the cluster serve; ask one of them');
        return;
      }
      if (isRequest) sealsAsked++;
      try {
        if (nodeOnly) await keysTurn(sealNode);
        else await sealAll();
      } finally {
        if (isRequest) sealsAsked--;
      }
    },
    async rotate() {
      await seal.rotate();
      await terms.tell();
    },
    async rotateIfDue() {
      if (open && membership().isInTime() && (await seal.rotateIfDue())) await terms.tell();
    },
    replaceSeal: rootKeys.install,
    look,
    start() {
      staysSealed = false;
      keys.start();
    },
    async stop() {
      keys.stop();
      await leave();
    },
    hooks: {
      async prepare(signal) {
        try {
          await keys.linked(signal);
          await partsTurn(async () => {
            signal.throwIfAborted();
            cluster.start();
            await catalog.load();
            signal.throwIfAborted();
            await options.open();
          });
          prepareFault = undefined;
        } catch (error) {
          if (!signal.aborted) prepareFault = error;
          throw error;
        }
      },
      async catchUp() {
        // A term, or a root key, that began while this node was joining was not told to it.
        await keys.reload();
        await catalog.catchUp();
      },
      async closeDoor(signal) {
        if (faults?.has(FAULT.leavingAuthorizes)) return;
        // What comes from now on is refused at the door, and need not be waited for.
        let letIn = options.requestsRunning();
        while (letIn.length > sealsAsked && !signal.aborted) {
          await sleep(DOOR_LOOK_MS);
          const running = new Set(options.requestsRunning());
          letIn = letIn.filter((id) => running.has(id));
        }
      },
      onSealed: close,
    },
  };

  async function sealAll(): Promise<void> {
    const known = membership().sealCluster();
    // A view that nobody can write seals nobody: this node does not wait for it.
    if (!(await membership().whenInTime())) {
      membership().setSealed(true);
      await close();
      known.catch((error: unknown) => options.fault('the seal of the cluster', error));
      throw unavailable('this node is sealed; the others will be once the coordinator answers');
    }
    await known;
    // Without a view there is nobody else.
    membership().setSealed(true);
    await close();
  }

  function othersServe(): boolean {
    const { inc, isBeating, view } = membership();
    const known = view();
    return known?.sealed === false && known.members.some((one) => one.inc !== inc() && isBeating(one.inc));
  }

  /** The only member, and entered: nobody else writes. */
  function isAlone(): boolean {
    const view = membership().view();
    return membership().isInTime() && view?.members.length === 1 && !view.next;
  }
}

function unavailable(text: string): CodedError {
  return new CodedError('unavailable', text);
}
