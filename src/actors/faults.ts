/**
 * Planted faults of the actors (protocol §21): each drops one rule, so that the simulator can show that it would find out.
 *
 * @module
 */

export const ACTOR_FAULT = {
  commitWithoutFence: 'commit-without-fence',
  commitWithoutVersion: 'commit-without-version',
  createWithoutGone: 'create-without-gone',
  /** A change is answered when it is committed, whoever still reads an older snapshot. */
  answeredBeforeGrantsEnd: 'answered-before-grants-end',
  /** What is loaded anew is shown while others hold older snapshots. */
  reloadKeepsGrants: 'reload-keeps-grants',
  /** Outcomes are in memory only: the next owner knows none. */
  outcomesForgotten: 'outcomes-forgotten',
  /** Outcomes of the last few changes alone, whoever's they were. */
  outcomesOfLastFew: 'outcomes-of-last-few',
  /** What runs again after a commit of unknown outcome, and is refused, is told so though that commit may still land. */
  refusedInDoubt: 'refused-in-doubt',
  timerFiresWithoutDue: 'timer-fires-without-due',
  timersNotScanned: 'timers-not-scanned',
  goneSweptWithoutClaim: 'gone-swept-without-claim',
} as const;
