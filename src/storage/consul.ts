/**
 * Storage on Consul's key-value store. A version is the record's ModifyIndex: Raft's index of the transaction that wrote it, so none comes twice.
 *
 * A transaction is all or nothing. When it is refused for some of a group's commits, those have their outcome, and the rest goes again
 * without them.
 *
 * Consul lists all keys of a prefix at once; each page of ours costs the whole.
 *
 * @module
 */
import { StorageFailed } from '../model/storage.ts';
import {
  CONSUL_OPERATIONS_MAX,
  CONSUL_TXN_BYTES_MAX,
  CONSUL_VALUE_BYTES_MAX,
  type ConsulClient,
  type ConsulOperation,
  type ConsulOptions,
  makeConsulClient,
} from './consul-client.ts';
import { consulKey, keyOfConsul } from './consul-keys.ts';
import type { Batch, Driver, DriverOutcome, DriverWrite } from './driver.ts';
import { inKnownFormat } from './format.ts';
import { makeRemoteStorage, type RemoteStorage } from './remote.ts';
import { storePrefix } from './store-prefix.ts';

/** In base64, with 60 longest paths escaped beside it, this stays below CONSUL_TXN_BYTES_MAX. */
const INLINE_BYTES = 96 * 1024;
/** What one operation takes in JSON besides its key and value, about. */
const OPERATION_BYTES = 80;

export interface ConsulStorageOptions extends ConsulOptions {
  /** What all keys begin with: `coffer/`. */
  readonly path: string;
  readonly randomBytes: (bytes: number) => Uint8Array;
  /** How long a store that has just gone away is waited for; STORE_RETRY_MS where absent. */
  readonly retryMs?: number;
}

/** @throws StorageFailed when Consul is not to be had, or the store needs a newer Coffer; CodedError for wrong options. */
export async function openConsul(options: ConsulStorageOptions): Promise<RemoteStorage> {
  const driver = makeConsulDriver(makeConsulClient(options), storePrefix(options.path));
  return inKnownFormat(makeRemoteStorage({ ...options, driver }));
}

interface Operation {
  readonly operation: ConsulOperation;
  /** Of the condition that it checks. */
  readonly condition: number | undefined;
}

export function makeConsulDriver(client: ConsulClient, prefix: string): Driver {
  const keyOf = (key: string) => prefix + consulKey(key);
  /** The highest that a transaction was given: what one that puts nothing returns. */
  let lastIndex = 0;

  function operationsOf({ changes, conditions }: DriverWrite): Operation[] {
    /** A put with a condition on its key is one operation. */
    const folded = new Map<string, number>();
    const put = new Set(changes.flatMap(({ key, value }) => (value === undefined ? [] : [key])));
    const checks: Operation[] = [];
    for (const [condition, { key, version }] of conditions.entries()) {
      if (put.has(key) && !folded.has(key)) folded.set(key, condition);
      else checks.push({ operation: check(keyOf(key), version), condition });
    }
    const writes = changes.map(({ key, value }): Operation => {
      if (value === undefined)
        return { operation: { Verb: 'delete', Key: keyOf(key) }, condition: undefined };
      const condition = folded.get(key);
      const what = { Key: keyOf(key), Value: value.toString('base64') };
      if (condition === undefined) return { operation: { Verb: 'set', ...what }, condition };
      const Index = conditions[condition]!.version;
      return { operation: { Verb: 'cas', ...what, Index }, condition };
    });
    return [...checks, ...writes];
  }

  /** The outcomes of a transaction that went through, or of those commits alone that kept it from that. */
  async function attempt(writes: readonly DriverWrite[]): Promise<Map<DriverWrite, DriverOutcome>> {
    const parts = writes.flatMap((write) => operationsOf(write).map((part) => ({ ...part, write })));
    const reply = await client.txn(parts.map(({ operation }) => operation));
    const outcomes = new Map<DriverWrite, DriverOutcome>();
    if (reply.done) {
      // All that it put has one index: its own, above those of the records that it only compared.
      const version =
        reply.pairs.reduce((highest, { modifyIndex }) => Math.max(highest, modifyIndex), 0) || lastIndex;
      lastIndex = Math.max(lastIndex, version);
      for (const write of writes) outcomes.set(write, { version });
      return outcomes;
    }
    for (const { index, what } of reply.errors) {
      const part = parts[index];
      if (part === undefined) continue;
      const { write, condition } = part;
      const before = outcomes.get(write);
      if (condition === undefined) {
        outcomes.set(write, { refused: what });
      } else if (before === undefined || ('failed' in before && before.failed > condition)) {
        outcomes.set(write, { failed: condition });
      }
    }
    if (outcomes.size === 0) throw new StorageFailed('Consul refused a transaction without a reason', true);
    return outcomes;
  }

  return {
    type: 'consul',
    inlineBytes: INLINE_BYTES,
    chunkBytes: CONSUL_VALUE_BYTES_MAX,
    async get(key, signal) {
      const found = await client.get(keyOf(key), { signal });
      return found === undefined ? undefined : { value: found.value, version: found.modifyIndex };
    },
    async list(under, after, limit, signal) {
      const behind = Buffer.from(after);
      const found: Buffer[] = [];
      for (const text of await client.keys(keyOf(under), { signal })) {
        const key = Buffer.from(keyOfConsul(text.slice(prefix.length)));
        if (Buffer.compare(key, behind) > 0) found.push(key);
      }
      // Theirs is the order of the escaped keys.
      found.sort(Buffer.compare);
      return found.slice(0, limit).map((key) => key.toString('utf8'));
    },
    batch: () => makeBatch(keyOf),
    async send(writes) {
      const outcomes = new Map<DriverWrite, DriverOutcome>();
      while (outcomes.size < writes.length) {
        const left = writes.filter((write) => !outcomes.has(write));
        for (const [write, outcome] of await attempt(left)) outcomes.set(write, outcome);
      }
      return writes.map((write) => outcomes.get(write)!);
    },
    put: (key, value, signal) => client.put(keyOf(key), value, { signal, repeatable: true }),
    async removeAll(under) {
      await client.txn([{ Verb: 'delete-tree', Key: keyOf(under) }], { repeatable: true });
    },
    close: client.close,
  };
}

function check(Key: string, version: number): ConsulOperation {
  return version === 0 ? { Verb: 'check-not-exists', Key } : { Verb: 'check-index', Key, Index: version };
}

function makeBatch(keyOf: (key: string) => string): Batch {
  let operations = 0;
  let bytes = 0;
  return {
    take({ changes, conditions }) {
      let more = 0;
      for (const { key } of conditions) more += OPERATION_BYTES + keyOf(key).length;
      for (const { key, value } of changes) {
        more += OPERATION_BYTES + keyOf(key).length + Math.ceil((value?.length ?? 0) / 3) * 4;
      }
      const put = new Set(changes.flatMap(({ key, value }) => (value === undefined ? [] : [key])));
      const folded = new Set(conditions.flatMap(({ key }) => (put.has(key) ? [key] : []))).size;
      const count = changes.length + conditions.length - folded;
      if (operations + count > CONSUL_OPERATIONS_MAX || bytes + more > CONSUL_TXN_BYTES_MAX) return false;
      operations += count;
      bytes += more;
      return true;
    },
  };
}
