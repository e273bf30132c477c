/**
 * Acting as keeper: whenever something new is seen, the next step is decided and sent, one at a time. Between, a timer waits for the moment
 * at which somebody has been silent for long enough.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { Coordinator, CoordinatorRecords } from '../model/coordinator.ts';
import type { Log } from '../model/log.ts';
import { type KeeperSees, type KeeperStep, nextStep } from './keeper.ts';
import { MEMBERS_PREFIX } from './member-record.ts';
import { VIEW_KEY } from './view.ts';

export interface KeepingOptions {
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  readonly log: Log;
  /** Undefined: this node is not in time, so it decides nothing. */
  sees(fenceEpoch: number | undefined): KeeperSees | undefined;
  highestFence(): Promise<number>;
  nextLook(): number;
  /** As Session's. */
  observed(records: CoordinatorRecords, look: number): boolean;
  fault(what: string, error: unknown): void;
}

export interface Keeping {
  /** Something new was seen. */
  consider(): void;
  stop(): void;
}

export function makeKeeping(options: KeepingOptions): Keeping {
  const { clock, coordinator, log } = options;
  let busy = false;
  let stopped = false;
  let fenceEpoch: number | undefined;
  let timer: { clear(): void } | undefined;

  function consider(): void {
    if (busy || stopped) return;
    timer?.clear();
    const sees = options.sees(fenceEpoch);
    if (!sees) return;
    const next = nextStep(sees);
    if (next === undefined) waitForSilence(sees);
    else act(next === 'read fences' ? readFences() : take(next));
  }

  function act(work: Promise<boolean>): void {
    busy = true;
    work.then(
      (goOn) => {
        busy = false;
        if (goOn) consider();
      },
      (error: unknown) => {
        busy = false;
        options.fault('a step of the keeper failed', error);
      },
    );
  }

  async function readFences(): Promise<boolean> {
    fenceEpoch = await options.highestFence();
    return true;
  }

  /** True: it was done, and there may be more to do. What was refused waits for the next look: somebody else is at it. */
  async function take(next: KeeperStep): Promise<boolean> {
    fenceEpoch = undefined;
    const look = options.nextLook();
    const question = { reads: [VIEW_KEY], lists: [MEMBERS_PREFIX] };
    const outcome = await coordinator.step({ ...next.step, ...question });
    const { kind, about } = next;
    log.info('keeper', { step: kind, about, outcome: outcome.outcome });
    if (outcome.outcome === 'unknown' || stopped) return false;
    if (outcome.outcome === 'ok' && (kind === 'evict' || kind === 'sweep')) coordinator.locks?.forget(about);
    options.observed(outcome.records, look);
    return outcome.outcome === 'ok';
  }

  function waitForSilence(sees: KeeperSees): void {
    const { seen, self, times } = sees;
    const left = (seen.held()?.view.members ?? [])
      .filter(({ inc }) => inc !== self)
      .map(({ inc }) => times.silenceMs - seen.silenceMs(inc))
      .filter((ms) => ms > 0);
    if (left.length > 0) timer = clock.after(consider, Math.min(...left) + 1);
  }

  return {
    consider,
    stop() {
      stopped = true;
      timer?.clear();
    },
  };
}
