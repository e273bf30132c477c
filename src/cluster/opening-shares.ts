/**
 * Shares count for the cluster, whichever node is given them: sealed nodes hand them on to the lowest `inc` among them, which keeps them in
 * memory only. If it dies they are given again (protocol §15).
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { SEAL_AGREE_MS, SEAL_STATUS_MS, SHARE_ANSWER_MS } from '../model/limits.ts';
import type { SealStatus } from '../model/seal.ts';
import type { PeerId } from '../model/transport.ts';
import type { Seal } from '../seal/seal.ts';
import type { Membership } from './membership.ts';
import { within } from './opening-waits.ts';
import type { Post } from './post.ts';

export interface ShareDeskOptions {
  readonly clock: Clock;
  readonly post: Pick<Post, 'transport' | 'request' | 'onRequest'>;
  readonly seal: Pick<Seal, 'status' | 'resetUnseal'>;
  membership(): Membership;
  /** Takes a share into this node's own count. */
  give(share: Uint8Array): Promise<SealStatus>;
}

export interface ShareDesk {
  /** @returns the collector's status: `sealed` false says that it has the keys. @throws CodedError where the share does not fit. */
  give(share: Uint8Array): Promise<SealStatus>;
  reset(): Promise<void>;
  /** @param own - as this node sees it. @returns it, with the collector's progress. */
  status(own: SealStatus): Promise<SealStatus>;
}

const GIVE = 'seal/share';
const RESET = 'seal/reset';
const STATUS = 'seal/status';

export function makeShareDesk({ clock, post, seal, membership, give }: ShareDeskOptions): ShareDesk {
  post.onRequest(GIVE, async (share) => {
    if (!(share instanceof Uint8Array)) throw new CodedError('unsupported');
    try {
      return await give(share);
    } finally {
      share.fill(0);
    }
  });
  post.onRequest(RESET, () => seal.resetUnseal());
  post.onRequest(STATUS, () => seal.status());

  /**
   * All must agree on who collects, also where a record has just changed, or a link is about to stand. Where they do not, because the
   * coordinator or a link is away, the shares are given again.
   */
  async function agree(): Promise<void> {
    const endMs = clock.monotonicMs() + SEAL_AGREE_MS;
    for (;;) {
      const leftMs = endMs - clock.monotonicMs();
      let looked = false;
      const look = membership()
        .lookNow()
        .then((answered) => {
          looked = answered;
        });
      if (leftMs <= 0 || !(await within(clock, leftMs, look))) return;
      const linked = post.transport.peers();
      const isSeen = membership().members().has(membership().inc());
      if (looked && isSeen && sealedPeers().every(({ peer }) => linked.includes(peer))) return;
      await sleep(SEAL_AGREE_MS / 20);
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void clock.after(resolve, ms));
  }

  /** The other sealed nodes, lowest first. */
  function sealedPeers(): { inc: string; peer: PeerId }[] {
    const { inc: self, isBeating, members } = membership();
    return [...members()]
      .filter(([inc, { state }]) => inc !== self() && state === 'sealed' && isBeating(inc))
      .map(([inc, { peerId }]) => ({ inc, peer: peerId }))
      .filter(({ peer }) => peer !== post.transport.peer)
      .toSorted((a, b) => (a.inc < b.inc ? -1 : 1));
  }

  /** Undefined: this node itself. Nobody collects whom it cannot reach. */
  function collector(): PeerId | undefined {
    const linked = post.transport.peers();
    const lowest = sealedPeers().find(({ peer }) => linked.includes(peer));
    return lowest && lowest.inc < membership().inc() ? lowest.peer : undefined;
  }

  /** The members of a sealed view must have dropped their keys before there are new ones. */
  function refuseWhileSealing(): void {
    const { isAlive, members, view } = membership();
    if (!view()?.sealed) return;
    const isWaitedFor = ({ inc }: { inc: string }): boolean =>
      members().get(inc)?.sealed === false && isAlive(inc);
    if (view()!.members.some(isWaitedFor))
      throw new CodedError('unavailable', 'the cluster is being sealed; try again');
  }

  return {
    async give(share) {
      await agree();
      refuseWhileSealing();
      const peer = collector();
      if (peer === undefined) return give(share);
      return (await post.request(peer, GIVE, share, { timeoutMs: SHARE_ANSWER_MS })) as SealStatus;
    },
    async reset() {
      seal.resetUnseal();
      await agree();
      const peer = collector();
      if (peer !== undefined) await post.request(peer, RESET, undefined, { timeoutMs: SHARE_ANSWER_MS });
    },
    async status(own) {
      await agree();
      const peer = collector();
      if (peer === undefined) return own;
      try {
        const theirs = (await post.request(peer, STATUS, undefined, {
          timeoutMs: SEAL_STATUS_MS,
        })) as SealStatus;
        return { ...own, progress: theirs.progress, nonce: theirs.nonce };
      } catch {
        return own;
      }
    },
  };
}
