/**
 * When a node that starts opens its door. Where others serve already it soon will too: until then its clients are better off with them than
 * with "sealed" from a node that is about to be open. Where nobody serves, somebody has to reach it with init or shares.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { JOIN_LOOK_MS, JOIN_NOBODY_MS, JOIN_WAIT_MS } from '../model/limits.ts';
import type { Membership } from './membership-interface.ts';

export interface JoiningOptions {
  readonly clock: Clock;
  readonly membership: Pick<Membership, 'inc' | 'view' | 'isBeating' | 'deadlineMs'>;
  /** This node does not serve yet. */
  isSealed(): boolean;
}

/** Resolves when it serves, when there is nobody who would let it, or after JOIN_WAIT_MS. */
export async function untilJoined({ clock, membership, isSealed }: JoiningOptions): Promise<void> {
  const beganMs = clock.monotonicMs();
  const passedMs = () => clock.monotonicMs() - beganMs;
  /** Since when it has had an answer from the coordinator: before it nobody can be seen. */
  let lookingSinceMs: number | undefined;
  const mayBeLetIn = (): boolean => {
    if (membership.deadlineMs() > Number.NEGATIVE_INFINITY) lookingSinceMs ??= clock.monotonicMs();
    const view = membership.view();
    if (view?.sealed) return false;
    const isServed = view?.members.some(({ inc }) => inc !== membership.inc() && membership.isBeating(inc));
    return (
      isServed === true ||
      lookingSinceMs === undefined ||
      clock.monotonicMs() - lookingSinceMs < JOIN_NOBODY_MS
    );
  };
  while (isSealed() && passedMs() < JOIN_WAIT_MS && mayBeLetIn())
    await new Promise<void>((resolve) => void clock.after(resolve, JOIN_LOOK_MS));
}
