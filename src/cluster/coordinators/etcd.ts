/**
 * etcd as coordinator: a step is one transaction on `mod_revision`s (0 is absent), reads are linearizable. No leases: what has to end is
 * timed by the nodes themselves (protocol §2, §18).
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
import { type EtcdOperation, type EtcdOptions, makeEtcdClient } from '../../storage/etcd-client.ts';
import { afterPrefix } from '../../storage/path.ts';
import { storePrefix } from '../../storage/store-prefix.ts';
import { watchByLooking } from './looks.ts';

export interface EtcdCoordinatorOptions extends EtcdOptions {
  /** What all keys begin with: `coffer/coordinator/`. No other cluster, and nothing else, may use it. */
  readonly path: string;
}

/** Has connections of its own: beats do not queue behind data. @throws CodedError for wrong options. */
export function makeEtcdCoordinator(options: EtcdCoordinatorOptions): Coordinator {
  const prefix = storePrefix(options.path);
  const client = makeEtcdClient(options);

  function keyOf(key: string): Buffer {
    checkCoordinatorKey(key);
    return Buffer.from(prefix + key);
  }

  function rangeOf(key: string): EtcdOperation {
    return { request_range: { key: keyOf(key) } };
  }

  function listOf(under: string): EtcdOperation {
    const key = keyOf(under);
    return { request_range: { key, range_end: afterPrefix(key) } };
  }

  async function step({ conditions, changes, reads, lists }: CoordinatorStep): Promise<CoordinatorOutcome> {
    const looks = [...(reads ?? []).map(rangeOf), ...(lists ?? []).map(listOf)];
    const reply = await client.txn(
      {
        compare: conditions.map(({ key, version }) => ({
          key: keyOf(key),
          result: 'EQUAL',
          target: 'MOD',
          mod_revision: String(version),
        })),
        success: [
          ...changes.map(({ key, value }) =>
            value === undefined
              ? { request_delete_range: { key: keyOf(key) } }
              : { request_put: { key: keyOf(key), value } },
          ),
          ...looks,
        ],
        failure: [...looks, ...conditions.map(({ key }) => rangeOf(key))],
      },
      // All that changes something has conditions, which it fails if it has been done before.
      { deadlineMs: COORDINATOR_STEP_MS, repeatable: conditions.length > 0 || changes.length === 0 },
    );
    const records = new Map<string, CoordinatorRecord>();
    for (const { response_range: range } of reply.responses ?? []) {
      for (const { key, value = '', mod_revision } of range?.kvs ?? []) {
        const name = Buffer.from(key, 'base64').toString('utf8').slice(prefix.length);
        records.set(name, { value: Buffer.from(value, 'base64'), version: Number(mod_revision) });
      }
    }
    if (!reply.succeeded) return { outcome: 'refused', records };
    return { outcome: 'ok', version: Number(reply.header.revision), records };
  }

  const coordinator: Coordinator = {
    type: 'etcd',
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
