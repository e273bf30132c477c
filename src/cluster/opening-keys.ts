/**
 * A node that starts asks a member for the root key (protocol §15). It is given to a peer that was admitted, whose record beats and says that
 * keys may be on their way to it, while the view is not sealed: so whoever seals the cluster afterwards waits for that node, too.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { KEY_ANSWER_MS, KEY_ASK_MS, KEY_SENT_MS, LINK_WAIT_MS } from '../model/limits.ts';
import type { PeerId } from '../model/transport.ts';
import type { Seal } from '../seal/seal.ts';
import type { Membership } from './membership.ts';
import type { Post } from './post.ts';

export interface KeyExchangeOptions {
  readonly clock: Clock;
  readonly post: Pick<Post, 'transport' | 'request' | 'onRequest'>;
  readonly seal: Pick<Seal, 'rootKey' | 'barrier' | 'rekeying'>;
  membership(): Membership;
  /** This node has no keys, and would take them from a member. */
  isWanted(): boolean;
  /** This node has keys, and serves. */
  mayGive(): boolean;
  /** @param rootKey - wiped when it has resolved. */
  take(rootKey: Uint8Array): Promise<void>;
  fault(what: string, error: unknown): void;
}

export interface KeyExchange {
  start(): void;
  stop(): void;
  /** Resolves when there is a link to every member that beats. @throws CodedError `unavailable` after a while; the signal's reason. */
  linked(signal: AbortSignal): Promise<void>;
  /**
   * Reads the keyring again. Where it does not open any more, a member has the root key that opens it.
   * @throws CodedError where nobody gives one.
   */
  reload(): Promise<void>;
}

const ASK = 'key/ask';

export function makeKeyExchange(options: KeyExchangeOptions): KeyExchange {
  const { clock, post, seal, membership } = options;
  let timer: { clear(): void } | undefined;
  let started = false;
  /** Whom to ask next: one that does not answer must not be asked for ever. */
  let turn = 0;

  post.onRequest(ASK, (_value, { peer }) => {
    if (!options.mayGive() || !isEntitled(peer)) throw new CodedError('unavailable');
    const rootKey = seal.rootKey();
    // The post copies it, in this turn or the next.
    clock.after(() => rootKey.fill(0), KEY_SENT_MS);
    return rootKey;
  });

  /** In time, so that the cluster is not sealed as far as anybody was told; what is written since finds the asker's record. */
  function isEntitled(peer: PeerId): boolean {
    const { isInTime, isBeating, members, view } = membership();
    if (!isInTime() || view()?.sealed !== false) return false;
    return [...members()].some(([inc, record]) => record.peerId === peer && !record.sealed && isBeating(inc));
  }

  function givers(): PeerId[] {
    const { isBeating, members, view } = membership();
    if (view()?.sealed !== false) return [];
    const linked = post.transport.peers();
    return [...members()]
      .filter(([inc, { state, peerId }]) => state === 'member' && isBeating(inc) && linked.includes(peerId))
      .map(([, { peerId }]) => peerId);
  }

  async function ask(): Promise<void> {
    const peers = options.isWanted() ? givers() : [];
    const peer = peers[turn++ % peers.length];
    if (options.isWanted()) membership().expectKeys(peer !== undefined);
    if (peer === undefined) return;
    let rootKey: unknown;
    try {
      rootKey = await post.request(peer, ASK, undefined, { timeoutMs: KEY_ANSWER_MS });
      if (!(rootKey instanceof Uint8Array)) throw new CodedError('unsupported');
      if (options.isWanted()) await options.take(rootKey);
    } catch (error) {
      const passes = error instanceof CodedError && error.status === 503;
      if (!passes) options.fault('the keys from another node', error);
    } finally {
      if (rootKey instanceof Uint8Array) rootKey.fill(0);
    }
  }

  function round(): void {
    void ask().then(() => {
      if (started) timer = clock.after(round, KEY_ASK_MS);
    });
  }

  function missing(): PeerId[] {
    const { inc, isBeating, members, view } = membership();
    const linked = post.transport.peers();
    return (view()?.members ?? [])
      .filter((member) => member.inc !== inc() && isBeating(member.inc))
      .map((member) => members().get(member.inc)!.peerId)
      .filter((peer) => !linked.includes(peer));
  }

  async function reload(): Promise<void> {
    try {
      await seal.barrier.reload();
    } catch (error) {
      for (const peer of givers()) {
        if (await expectFrom(peer)) return seal.barrier.reload();
      }
      throw error;
    }
  }

  async function expectFrom(peer: PeerId): Promise<boolean> {
    let rootKey: unknown;
    try {
      rootKey = await post.request(peer, ASK, undefined, { timeoutMs: KEY_ANSWER_MS });
      if (!(rootKey instanceof Uint8Array)) return false;
      seal.rekeying.expect(rootKey);
      return true;
    } catch {
      return false;
    } finally {
      if (rootKey instanceof Uint8Array) rootKey.fill(0);
    }
  }

  return {
    reload,
    start() {
      if (started) return;
      started = true;
      round();
    },
    stop() {
      started = false;
      timer?.clear();
    },
    async linked(signal) {
      const endMs = clock.monotonicMs() + LINK_WAIT_MS;
      while (missing().length > 0) {
        if (clock.monotonicMs() > endMs)
          throw new CodedError('unavailable', `not linked with ${missing().join(', ')}`);
        await new Promise<void>((resolve) => void clock.after(resolve, KEY_ASK_MS / 10));
        signal.throwIfAborted();
      }
    },
  };
}
