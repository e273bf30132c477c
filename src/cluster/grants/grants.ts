/**
 * Links and grants of one node (protocol §7): what it holds of others' actors, what others hold of its own.
 *
 * @module
 */
import { makeGiving } from './giving.ts';
import type { Grants, GrantsOptions } from './grants-interface.ts';
import { makeHeartbeats } from './heartbeats.ts';
import { makeHolding } from './holding.ts';
import { makePins } from './pins.ts';
import { makeWire } from './wire.ts';

export type { Grants, GrantsOptions, Replica, Snapshot } from './grants-interface.ts';

export function makeGrants(options: GrantsOptions): Grants {
  const pins = makePins(options.faults);
  const wire = makeWire(options);
  const holding = makeHolding({ ...options, wire, pins, isChanging: (key) => giving.isBlocked(key) });
  const giving = makeGiving({ ...options, wire, pins });
  const heartbeats = makeHeartbeats({
    ...options,
    wire,
    renewed: holding.renewed,
    jumped: holding.endLinks,
    round() {
      holding.round();
      giving.round();
    },
  });

  return {
    peek: holding.peek,
    held: holding.held,
    peekStale: holding.peekStale,
    dropReplicas: holding.dropAll,
    ask: holding.ask,
    pin: pins.pin,
    goodUntilMs: holding.goodUntilMs,
    whenReleased: giving.whenReleased,
    end: giving.end,
    block: giving.block,
    release: giving.release,
    endShards: giving.endShards,
    clockOf: heartbeats.clockOf,
    unreachable: heartbeats.unreachable,
    onView(view) {
      holding.onView(view);
      heartbeats.onView(view);
    },
    dropAll() {
      holding.dropAll();
      giving.dropAll();
    },
    quiet: giving.quiet,
    counts: () => ({ held: holding.count(), given: giving.count() }),
    stop() {
      heartbeats.stop();
      giving.stop();
    },
  };
}
