/**
 * The hop to an actor's owner: a letter with the authority the request was given, the replicas it rests on pinned while the letter is under
 * way (protocol §8).
 *
 * @module
 */
import type { Entry } from '../actors/memory.ts';
import { type ActorId, type AnyActorOperation, actorKey, type SendOptions } from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { ROUTE_TRY_MS } from '../model/limits.ts';
import type { PeerId } from '../model/transport.ts';
import type { Grants } from './grants/grants-interface.ts';
import { type LetterAuthority, RUN, writeLetter } from './letters.ts';
import type { Membership } from './membership-interface.ts';
import { Moved } from './moved.ts';
import { type Post, wasAnswered } from './post.ts';
import { isMember } from './view.ts';

export interface SendingOptions {
  readonly clock: Clock;
  readonly post: Post;
  readonly sigma: number;
  membership(): Pick<Membership, 'view' | 'members' | 'deadlineMs'>;
  grants(): Pick<Grants, 'pin' | 'goodUntilMs' | 'whenReleased' | 'clockOf'>;
}

export interface Outgoing {
  readonly op: AnyActorOperation;
  readonly id: ActorId;
  readonly key: string;
  readonly params: unknown;
  readonly sent: SendOptions;
  readonly entry: Entry | undefined;
  readonly shard: number;
  /** The owner's `inc`, by the view as it is in this turn. */
  readonly owner: string;
}

export interface Sending {
  /**
   * @throws Moved where it was not sent, or the owner is none; CodedError `connection_lost` where nobody knows what became of it; what the
   * owner's operation throws.
   */
  send(message: Outgoing): Promise<unknown>;
  /** Letters to who is no member any more are given up. */
  onView(): void;
}

interface Underway {
  readonly owner: string;
  lose(error: unknown): void;
}

export function makeSending(options: SendingOptions): Sending {
  const { clock, post, membership, grants } = options;
  const underWay = new Set<Underway>();

  /** What the request rests on, and until when on our own clock. Undefined: it is the program's own. */
  function authorityOf({ sent, owner, key }: Outgoing, peer: PeerId): Authority | undefined {
    const { claims } = sent;
    if (!claims.basis) return undefined;
    const receiver = grants().clockOf(peer);
    // Not heard yet in this life of its: its clock is not known.
    if (receiver?.inc !== owner) throw new Moved(0);
    if (!claims.good()) throw new CodedError('stale_claims');
    const { actors, sections } = claims.basis();
    const keys = actors.map(actorKey);
    const untilMs = Math.min(membership().deadlineMs(), grants().goodUntilMs(keys));
    if (clock.monotonicMs() >= untilMs) throw new CodedError('stale_claims');
    return {
      untilMs,
      // A change of the receiver itself would wait for its own letter.
      keys: keys.filter((one) => one !== key),
      letter: {
        sections,
        byMs: receiver.stampMs + (untilMs - receiver.heardMs) / options.sigma,
        mayCreate: claims.mayCreate,
        mayUpdate: claims.mayUpdate,
      },
    };
  }

  /** Holds what authorized the letter until it is answered, or nothing can start by it any more. */
  function pin({ keys, untilMs }: Authority): () => void {
    if (keys.length === 0) return () => {};
    const unpin = grants().pin(keys);
    let isPinned = true;
    const release = (): void => {
      if (isPinned) unpin();
      isPinned = false;
      timer.clear();
    };
    const timer = clock.after(release, untilMs - clock.monotonicMs());
    return release;
  }

  async function send(message: Outgoing): Promise<unknown> {
    const { op, id, params, sent, entry, owner } = message;
    const view = membership().view();
    const peer = membership().members().get(owner)?.peerId;
    if (!view || peer === undefined || !post.transport.peers().includes(peer)) throw new Moved(0);
    const { basis } = sent.claims;
    const changing = basis && grants().whenReleased(basis().actors.map(actorKey));
    if (changing) {
      // What rested on an own token now, the change of it under way would not wait for.
      await changing;
      return send(message);
    }
    const authority = authorityOf(message, peer);
    const letter = writeLetter({
      epoch: view.epoch,
      to: owner,
      op: op.id,
      id,
      params,
      entry,
      caller: sent.caller,
      mount: sent.mount,
      auth: authority?.letter,
    });
    const unpin = authority && pin(authority);
    const lost = Promise.withResolvers<never>();
    const under: Underway = { owner, lose: lost.reject };
    underWay.add(under);
    try {
      const asked = post.request(peer, RUN, letter, { timeoutMs: ROUTE_TRY_MS }).then(
        (reply) => {
          unpin?.();
          return reply;
        },
        (error: unknown) => {
          // What was not answered may still be on its way.
          if (wasAnswered(error)) unpin?.();
          throw isLate(error) ? new CodedError('connection_lost') : error;
        },
      );
      return await Promise.race([asked, lost.promise]);
    } finally {
      underWay.delete(under);
    }
  }

  return {
    send,
    onView() {
      const view = membership().view();
      for (const { owner, lose } of [...underWay]) {
        if (!view || !isMember(view, owner)) lose(new CodedError('connection_lost'));
      }
    },
  };
}

interface Authority {
  readonly untilMs: number;
  readonly keys: readonly string[];
  readonly letter: LetterAuthority;
}

/** It did not come back in time; the request itself may have more of it. Or too much waits on this side. */
function isLate(error: unknown): boolean {
  if (wasAnswered(error) || !(error instanceof CodedError)) return false;
  return error.code === 'deadline' || error.code === 'overloaded';
}
