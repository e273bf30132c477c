/**
 * Storage on etcd v3. A version is the record's `mod_revision`: etcd's revisions rise with every change of anything, so none comes twice.
 *
 * A group of commits is one transaction, all of it or nothing. Where a condition of one does not hold, nothing was written, and the group is sent
 * once more as a transaction of nested ones, each with its own conditions and its own outcome. One that fails reads the versions that it
 * compared, so that the first wrong one can be named.
 *
 * @module
 */
import { STORAGE_LIST_PAGE } from '../model/limits.ts';
import { StorageFailed } from '../model/storage.ts';
import type { Batch, Driver, DriverOutcome, DriverWrite } from './driver.ts';
import {
  ETCD_OPERATIONS_MAX,
  type EtcdClient,
  type EtcdOperation,
  type EtcdOperationReply,
  type EtcdOptions,
  EtcdRefused,
  makeEtcdClient,
} from './etcd-client.ts';
import { encodeCommits, isFlat } from './etcd-commits.ts';
import { inKnownFormat } from './format.ts';
import { afterPrefix } from './path.ts';
import { makeRemoteStorage, type RemoteStorage } from './remote.ts';
import { storePrefix } from './store-prefix.ts';

/** With 60 longest paths beside it, a commit stays below etcd's 1.5 MiB. */
const INLINE_BYTES = 768 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Of a grouped transaction; a single commit may be larger. */
const GROUP_BYTES = 1024 * 1024;
/**
 * Put beside nested puts, with nothing in it: etcd does not count those against its space quota, and without this a store that is full would
 * grow on and on.
 */
const COUNTED_KEY = 'group';
/** So many commits are rather sent without nesting than together with more. */
const FLAT_COMMITS = 32;
/** gRPC's code for a revision that was compacted. */
const OUT_OF_RANGE = 11;

export interface EtcdStorageOptions extends EtcdOptions {
  /** What all keys begin with: `coffer/`. */
  readonly path: string;
  readonly randomBytes: (bytes: number) => Uint8Array;
  /** How long a store that has just gone away is waited for; STORE_RETRY_MS where absent. */
  readonly retryMs?: number;
}

/** @throws StorageFailed when etcd is not to be had, or the store needs a newer Coffer; CodedError for wrong options. */
export async function openEtcd(options: EtcdStorageOptions): Promise<RemoteStorage> {
  const driver = makeEtcdDriver(makeEtcdClient(options), storePrefix(options.path));
  return inKnownFormat(makeRemoteStorage({ ...options, driver }));
}

/** Exported for the bench. */
export function makeEtcdDriver(client: EtcdClient, prefix: string): Driver {
  const keyOf = (key: string) => Buffer.from(prefix + key);
  const prefixed = Buffer.from(prefix);
  const prefixBytes = prefixed.length;

  function request({ changes, conditions }: DriverWrite): EtcdOperation {
    return {
      request_txn: {
        compare: conditions.map(({ key, version }) => ({
          key: keyOf(key),
          result: 'EQUAL',
          target: 'MOD',
          mod_revision: String(version),
        })),
        success: changes.map(({ key, value }) =>
          value === undefined
            ? { request_delete_range: { key: keyOf(key) } }
            : { request_put: { key: keyOf(key), value } },
        ),
        failure: conditions.map(({ key }) => ({ request_range: { key: keyOf(key), keys_only: true } })),
      },
    };
  }

  async function sendNested(writes: readonly DriverWrite[]): Promise<DriverOutcome[]> {
    const puts = writes.some(({ changes }) => changes.some(({ value }) => value !== undefined));
    // Deletes alone go through when the quota is used up, as they must.
    const counted: EtcdOperation[] = puts ? [{ request_put: { key: keyOf(COUNTED_KEY), value: '' } }] : [];
    const reply = await client.txn({ success: [...counted, ...writes.map(request)] });
    const version = Number(reply.header.revision);
    const answers = reply.responses?.slice(counted.length);
    return writes.map((write, index) => outcome(write, answers?.[index], version));
  }

  async function page(start: Buffer, end: Buffer, limit: number, revision?: string, signal?: AbortSignal) {
    const range = { key: start, range_end: end, limit, keys_only: true, revision };
    const { header, kvs = [], more = false } = await client.range(range, { signal });
    return { keys: kvs.map(({ key }) => Buffer.from(key, 'base64')), revision: header.revision, more };
  }

  return {
    type: 'etcd',
    inlineBytes: INLINE_BYTES,
    chunkBytes: CHUNK_BYTES,
    async get(key, signal) {
      const { kvs } = await client.range({ key: keyOf(key) }, { signal });
      const found = kvs?.[0];
      if (found === undefined) return undefined;
      return { value: Buffer.from(found.value ?? '', 'base64'), version: Number(found.mod_revision) };
    },
    async list(under, after, limit, signal) {
      const from = Buffer.from(prefix + under);
      const behind = after === '' ? from : Buffer.from(`${prefix}${after}\0`);
      let start = Buffer.compare(behind, from) > 0 ? behind : from;
      const end = afterPrefix(from)!;
      if (Buffer.compare(start, end) >= 0) return [];
      const found: string[] = [];
      let revision: string | undefined;
      for (;;) {
        const size = Math.min(limit - found.length, STORAGE_LIST_PAGE);
        try {
          const { keys, ...reply } = await page(start, end, size, revision, signal);
          for (const key of keys) found.push(key.toString('utf8', prefixBytes));
          if (!reply.more || keys.length === 0 || found.length >= limit) return found;
          revision = reply.revision;
          start = Buffer.concat([keys.at(-1)!, Buffer.alloc(1)]);
        } catch (error) {
          // Its first page's revision was compacted meanwhile: the rest as it stands now.
          if (revision === undefined || !(error instanceof EtcdRefused) || error.code !== OUT_OF_RANGE)
            throw error;
          revision = undefined;
        }
      }
    },
    batch: makeBatch,
    async send(writes) {
      if (isFlat(writes)) {
        const { revision, succeeded } = await client.commit(encodeCommits(prefixed, writes));
        if (succeeded) return writes.map(() => ({ version: revision }));
      }
      return sendNested(writes);
    },
    async put(key, value, signal) {
      await client.put({ key: keyOf(key), value }, { signal, repeatable: true });
    },
    async removeAll(under, signal) {
      const from = Buffer.from(prefix + under);
      await client.deleteRange({ key: from, range_end: afterPrefix(from)! }, { signal, repeatable: true });
    },
    close: client.close,
  };
}

/**
 * What goes in one transaction. Of nested ones etcd counts the longest list of each level: the commits of the group and what is counted
 * beside them, and the longest of one commit's three. A group of many commits stays small enough to go without.
 */
function makeBatch(): Batch {
  let commits = 0;
  let changes = 0;
  let conditions = 0;
  let longest = 0;
  let bytes = 0;
  return {
    take(write) {
      const next = Math.max(longest, write.changes.length, write.conditions.length);
      if (1 + commits + 1 + next > ETCD_OPERATIONS_MAX) return false;
      if (commits > 0 && bytes + write.bytes > GROUP_BYTES) return false;
      const allChanges = changes + write.changes.length;
      const allConditions = conditions + write.conditions.length;
      if (commits >= FLAT_COMMITS && Math.max(allChanges, allConditions) > ETCD_OPERATIONS_MAX) return false;
      commits++;
      changes = allChanges;
      conditions = allConditions;
      longest = next;
      bytes += write.bytes;
      return true;
    },
  };
}

function outcome(write: DriverWrite, reply: EtcdOperationReply | undefined, version: number): DriverOutcome {
  const nested = reply?.response_txn;
  if (nested === undefined) throw new StorageFailed('etcd answered a transaction with something else', false);
  if (nested.succeeded) return { version };
  const failed = write.conditions.findIndex(({ version: wanted }, index) => {
    const found = nested.responses?.[index]?.response_range?.kvs?.[0];
    return Number(found?.mod_revision ?? 0) !== wanted;
  });
  return { failed: Math.max(failed, 0) };
}
