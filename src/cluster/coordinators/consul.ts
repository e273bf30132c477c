/**
 * Consul as coordinator: a step is one transaction on `ModifyIndex`es (0 is absent), reads are `consistent`. No Consul sessions: what has
 * to end is timed by the nodes themselves (protocol §2, §18).
 *
 * @module
 */
import type {
  Coordinator,
  CoordinatorOutcome,
  CoordinatorRecord,
  CoordinatorStep,
} from '../../model/coordinator.ts';
import { checkCoordinatorKey } from '../../model/coordinator.ts';
import { COORDINATOR_STEP_MS, WATCH_LOOK_MS } from '../../model/limits.ts';
import {
  type ConsulOperation,
  type ConsulOptions,
  type ConsulPair,
  makeConsulClient,
} from '../../storage/consul-client.ts';
import { storePrefix } from '../../storage/store-prefix.ts';
import { watchByLooking } from './looks.ts';

export interface ConsulCoordinatorOptions extends ConsulOptions {
  /** What all keys begin with: `coffer/coordinator/`. No other cluster, and nothing else, may use it. */
  readonly path: string;
}

/** Has connections of its own: beats do not queue behind data. @throws CodedError for wrong options. */
export function makeConsulCoordinator(options: ConsulCoordinatorOptions): Coordinator {
  const prefix = storePrefix(options.path);
  const client = makeConsulClient(options);

  function keyOf(key: string): string {
    checkCoordinatorKey(key);
    return prefix + key;
  }

  /** One key is read as the tree that begins with it: a `get` of an absent one would fail the whole transaction. */
  const tree = (key: string): ConsulOperation => ({ Verb: 'get-tree', Key: keyOf(key) });

  /** Conditions that no change carries with it, changes, and then what is read. */
  function operationsOf({ conditions, changes, reads = [], lists = [] }: CoordinatorStep): {
    operations: ConsulOperation[];
    /** Pairs that come before those that were read. */
    before: number;
  } {
    const operations: ConsulOperation[] = [];
    let before = 0;
    const versions = new Map(conditions.map(({ key, version }) => [key, version]));
    const put = new Set(changes.filter(({ value }) => value !== undefined).map(({ key }) => key));
    for (const [key, version] of versions) {
      // A put compares by itself; `delete-cas` would not mind an absent key, so a delete has its condition in front.
      if (put.has(key)) continue;
      if (version === 0) {
        operations.push({ Verb: 'check-not-exists', Key: keyOf(key) });
      } else {
        operations.push({ Verb: 'check-index', Key: keyOf(key), Index: version });
        before++;
      }
    }
    for (const { key, value } of changes) {
      const Key = keyOf(key);
      const Index = versions.get(key);
      if (value === undefined) {
        operations.push({ Verb: 'delete', Key });
      } else {
        const Value = Buffer.from(value).toString('base64');
        operations.push(
          Index === undefined ? { Verb: 'set', Key, Value } : { Verb: 'cas', Key, Value, Index },
        );
        before++;
      }
    }
    operations.push(...[...reads, ...lists].map(tree));
    return { operations, before };
  }

  /** Trees show more than was asked for: a key that another one begins with. */
  function recordsOf(pairs: readonly ConsulPair[], keys: readonly string[], lists: readonly string[]) {
    const records = new Map<string, CoordinatorRecord>();
    for (const { key, value, modifyIndex } of pairs) {
      const name = key.slice(prefix.length);
      if (keys.includes(name) || lists.some((under) => name.startsWith(under))) {
        records.set(name, { value, version: modifyIndex });
      }
    }
    return records;
  }

  async function step(asked: CoordinatorStep): Promise<CoordinatorOutcome> {
    const { conditions, changes, reads = [], lists = [] } = asked;
    // All that changes something has conditions, which it fails if it has been done before.
    const repeatable = conditions.length > 0 || changes.length === 0;
    const call = { deadlineMs: COORDINATOR_STEP_MS, repeatable };
    const { operations, before } = operationsOf(asked);
    const reply = await client.txn(operations, call);
    if (reply.done) {
      const version = reply.pairs.slice(0, before).reduce((max, pair) => Math.max(max, pair.modifyIndex), 0);
      return { outcome: 'ok', version, records: recordsOf(reply.pairs.slice(before), reads, lists) };
    }
    // A transaction that fails shows nothing.
    const keys = [...new Set([...reads, ...conditions.map(({ key }) => key)])];
    const seen = await client.txn([...keys, ...lists].map(tree), { ...call, repeatable: true });
    if (!seen.done) throw new Error(`Consul could not read: ${seen.errors[0]?.what}`);
    return { outcome: 'refused', records: recordsOf(seen.pairs, keys, lists) };
  }

  const coordinator: Coordinator = {
    type: 'consul',
    sharesClock: false,
    step: (asked) => step(asked).catch((cause: unknown) => ({ outcome: 'unknown', cause })),
    watch: (key, onHint) => watchByLooking(coordinator, options.clock, key, WATCH_LOOK_MS, onHint),
    close() {
      client.close();
      return Promise.resolve();
    },
  };
  return coordinator;
}
