/**
 * Shares given to one node open all: who gave the last one is answered when the other nodes serve too, so that the next request may go to any of
 * them. It is a courtesy with a bound, not a promise: a node that cannot come keeps nobody from the first one's answer.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { OTHERS_KEYS_MS, OTHERS_LOOK_MS, OTHERS_OPEN_MS } from '../model/limits.ts';
import type { MemberRecord } from './member-record.ts';
import type { Membership } from './membership.ts';
import { within } from './opening-waits.ts';

export interface OthersOptions {
  readonly clock: Clock;
  membership(): Membership;
}

/**
 * Resolves when every node that lives serves; or after a while. Sooner where those that are left do not even ask for keys: they were sealed
 * by themselves alone, or nobody has let them in.
 * @param isOver - true once nobody waits for this any more.
 */
export async function whenOthersOpen(options: OthersOptions, isOver: () => boolean): Promise<void> {
  const { clock, membership } = options;
  const startMs = clock.monotonicMs();

  function notOpen(): MemberRecord[] {
    const { inc: self, isAlive, members } = membership();
    return [...members()]
      .filter(([inc]) => inc !== self() && isAlive(inc))
      .map(([, record]) => record)
      .filter(({ state }) => state === 'sealed' || state === 'joining');
  }

  for (;;) {
    const leftMs = startMs + OTHERS_OPEN_MS - clock.monotonicMs();
    if (leftMs <= 0 || !(await within(clock, leftMs, membership().lookNow())) || isOver()) return;
    const behind = notOpen();
    if (behind.length === 0) return;
    const wantKeys = behind.some(({ sealed }) => !sealed);
    if (!wantKeys && clock.monotonicMs() - startMs > OTHERS_KEYS_MS) return;
    await new Promise<void>((resolve) => void clock.after(resolve, OTHERS_LOOK_MS));
  }
}
