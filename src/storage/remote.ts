/**
 * `Storage` over a store behind the network: groups commits, puts large values in chunks, waits a moment for a store that is away, and tells
 * what failed with whether it may have happened. What etcd and Consul do differently is in their drivers.
 *
 * Under the configured prefix, `records/<path>` are the records; `markers/` and `chunks/` belong to large values.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import {
  STORE_GROUPS_AT_ONCE,
  STORE_RETRY_MS,
  STORE_TRANSACTIONS_AT_ONCE,
  STORE_UPLOADS_AT_ONCE,
} from '../model/limits.ts';
import { Conflict, type Storage, StorageFailed } from '../model/storage.ts';
import {
  type Draft,
  draftOf,
  encodeDraft,
  pathOfRecord,
  type RemoteWrite,
  recordKey,
  tooLarge,
} from './draft.ts';
import type { Driver, DriverOutcome } from './driver.ts';
import { makeGroupCommit, type Outcome } from './group-commit.ts';
import { makeLargeValues, type Upload } from './large-values.ts';
import { pathBytes, prefixBytes } from './path.ts';
import { makePatience } from './patience.ts';
import { makeStamps, readRecord } from './record-form.ts';
import { makeSlots } from './slots.ts';
import { CallFailed } from './store-calls.ts';
import { makeTouchedKeys } from './touched-keys.ts';
import { planWaves } from './waves.ts';

export type RemoteStorage = Storage & Required<Pick<Storage, 'sweepOrphans'>>;

export interface RemoteParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly randomBytes: (bytes: number) => Uint8Array;
  /** How long a store that has just gone away is waited for; STORE_RETRY_MS where absent. */
  readonly retryMs?: number;
}

/** The marker of an upload was swept before the commit came. */
class Swept extends Error {}

/** A reader that always finds the chunks gone looks at a damaged store. */
const READS_MAX = 5;
const UPLOADS_MAX = 3;

export function makeRemoteStorage(parts: RemoteParts): RemoteStorage {
  const { driver, clock, randomBytes, retryMs = STORE_RETRY_MS } = parts;
  const nextStamp = makeStamps(randomBytes);
  const large = makeLargeValues({ driver, clock, randomBytes, recordKey });
  const patiently = makePatience(clock, retryMs);
  const uploads = makeSlots(STORE_UPLOADS_AT_ONCE);
  const transactions = makeSlots(STORE_TRANSACTIONS_AT_ONCE);
  const underWay = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;

  const commits = makeGroupCommit<RemoteWrite>({
    sideBySide: { groups: STORE_GROUPS_AT_ONCE, newTouched: makeTouchedKeys },
    write: writeGroup,
    explain: async (error) => failure(error, false),
  });

  /** Waves one after the other. Once one did not reach the store, the rest is not sent either. */
  async function writeGroup(group: readonly RemoteWrite[]): Promise<Outcome[]> {
    const outcomes = new Map<RemoteWrite, Outcome>();
    let lost: Error | undefined;

    async function send(batch: readonly RemoteWrite[]): Promise<void> {
      if (lost !== undefined) return;
      try {
        const answers = await transactions(() => patiently(() => driver.send(batch), false));
        for (const [index, write] of batch.entries()) outcomes.set(write, outcomeOf(write, answers[index]));
      } catch (error) {
        const isRefused = error instanceof CallFailed && !error.passing;
        if (isRefused && batch.length > 1) {
          // Nothing of it was done. What is wrong may be one commit's doing, or that they are so many.
          for (const write of batch) await send([write]);
          return;
        }
        const reason = failure(error, false);
        for (const write of batch) outcomes.set(write, reason);
        if (!isRefused) lost = reason;
      }
    }

    for (const wave of planWaves(group, driver.batch)) await Promise.all(wave.map(send));
    return group.map(
      (write) =>
        outcomes.get(write) ?? new StorageFailed(lost?.message ?? 'a write was not sent', true, lost),
    );
  }

  /** For whatever leaves all records as they are. */
  async function read<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await patiently(act, true, signal);
    } catch (error) {
      throw failure(error, true);
    }
  }

  /** Again from the record when its chunks are gone: then it was replaced meanwhile. */
  async function readValue(path: string, signal?: AbortSignal) {
    for (let tries = 1; ; tries++) {
      const stored = await driver.get(recordKey(path), signal);
      if (stored === undefined) return undefined;
      const found = readRecord(stored.value);
      if (!('id' in found)) return { value: found, version: stored.version };
      const value = await large.read(found, signal);
      if (value !== undefined) return { value, version: stored.version };
      if (tries === READS_MAX) throw new StorageFailed('chunks of a record are missing from the store', true);
    }
  }

  /** @throws CodedError `too_large`, where nothing is submitted */
  function submit(draft: Draft, upload: Upload | undefined, signal?: AbortSignal): Promise<number> {
    const write = encodeDraft(draft, nextStamp(), upload);
    if (!driver.batch().take(write)) throw tooLarge(draft);
    return commits.submit(write, signal);
  }

  async function commitLarge(draft: Draft, signal?: AbortSignal): Promise<number> {
    const values = draft.changes.flatMap(({ path, value, isLarge }) =>
      isLarge ? [{ path, value: value! }] : [],
    );
    for (let tries = 1; ; tries++) {
      const upload = await read(() => large.write(values, signal), signal);
      try {
        return await submit(draft, upload, signal);
      } catch (error) {
        // What may have happened may name the chunks. All else leaves them to nobody, and so to the sweep if this fails too.
        const known = !(error instanceof StorageFailed) || error.outcomeKnown;
        if (known) void track(large.remove(upload).catch(() => {}));
        if (!(error instanceof Swept)) throw error;
        if (tries === UPLOADS_MAX) throw failure(error, true);
      }
    }
  }

  function refuseClosed(): void {
    if (closed !== undefined) throw new StorageFailed('the store is closed', true);
  }

  function track<T>(work: Promise<T>): Promise<T> {
    underWay.add(work);
    const done = () => underWay.delete(work);
    work.then(done, done);
    return work;
  }

  async function shutDown(): Promise<void> {
    while (underWay.size > 0) await Promise.allSettled(underWay);
    await commits.idle();
    driver.close();
  }

  return {
    type: driver.type,
    async get(path, signal) {
      refuseClosed();
      pathBytes(path);
      return track(read(() => readValue(path, signal), signal));
    },
    // Not async: it is on the way of every write. What is submitted in this turn is waited for with the groups.
    commit(changes, conditions, signal) {
      try {
        refuseClosed();
        const draft = draftOf(changes, conditions, driver.inlineBytes);
        const isLarge = draft.changes.some((change) => change.isLarge);
        if (isLarge) return track(uploads(() => commitLarge(draft, signal)));
        return submit(draft, undefined, signal);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async list(prefix, after, limit, signal) {
      refuseClosed();
      for (const text of [prefix, after]) prefixBytes(text);
      signal?.throwIfAborted();
      if (limit <= 0) return [];
      const behind = after === '' ? '' : recordKey(after);
      const keys = await track(read(() => driver.list(recordKey(prefix), behind, limit, signal), signal));
      return keys.map(pathOfRecord);
    },
    async sweepOrphans(signal) {
      refuseClosed();
      return track(read(() => large.sweep(signal), signal));
    },
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function outcomeOf(write: RemoteWrite, outcome: DriverOutcome | undefined): Outcome {
  if (outcome === undefined) return new StorageFailed('the store gave a commit no answer', false);
  if ('version' in outcome) return outcome.version;
  if ('refused' in outcome) return new StorageFailed(`the store refused a commit: ${outcome.refused}`, true);
  const path = write.paths[outcome.failed];
  return path === undefined
    ? new Swept('the chunks of a value were swept before its commit')
    : new Conflict(path);
}

/** What callers of `Storage` get. `harmless`: whatever became of the call, nothing of a commit was written. */
function failure(error: unknown, harmless: boolean): Error {
  if (error instanceof Swept) return new StorageFailed(error.message, true);
  if (!(error instanceof CallFailed)) return error as Error;
  return new StorageFailed(error.message, harmless || error.kind !== 'unknown', error);
}
