/**
 * Values larger than a store takes in one transaction: in chunks under fresh names, which one small commit makes the value.
 *
 * A marker comes first: it names the paths that are to point to the chunks, and the commit compares it. The sweep takes the marker away before
 * the chunks, and compares what it saw at those paths. So it and a commit that is under way cannot both succeed, whichever comes first.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { STORAGE_LIST_PAGE, STORE_ORPHAN_MS } from '../model/limits.ts';
import type { Driver } from './driver.ts';
import { type Chunked, readRecord } from './record-form.ts';

const MARKERS = 'markers/';
const CHUNKS = 'chunks/';
const ID_BYTES = 16;

/** What a commit compares. `version`: 0: there is none. */
interface KeyVersion {
  readonly key: string;
  readonly version: number;
}

/** Chunks of one commit that no record names yet. */
export interface Upload {
  readonly id: string;
  /** What the commit must compare. */
  readonly marker: KeyVersion;
  /** In the order of the values. */
  readonly places: readonly Chunked[];
}

export interface LargeValuesParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly randomBytes: (bytes: number) => Uint8Array;
  /** The key of the record at a path. */
  readonly recordKey: (path: string) => string;
}

export interface LargeValues {
  /** @throws CallFailed: nothing names what may have been written. */
  write(
    values: readonly { readonly path: string; readonly value: Uint8Array }[],
    signal?: AbortSignal,
  ): Promise<Upload>;
  /** undefined: a chunk is gone, so the record that named them must have been replaced. */
  read(place: Chunked, signal?: AbortSignal): Promise<Buffer | undefined>;
  /** For an upload whose commit is known not to have happened. */
  remove(upload: Upload): Promise<void>;
  /** Removes what no record has named for STORE_ORPHAN_MS, by the clock of this process. @returns how many uploads that were. */
  sweep(signal?: AbortSignal): Promise<number>;
}

const markerKey = (id: string) => MARKERS + id;
const chunksOf = (id: string) => `${CHUNKS}${id}/`;
const chunkKey = (id: string, number: number) => chunksOf(id) + number.toString().padStart(6, '0');

export function makeLargeValues({ driver, clock, randomBytes, recordKey }: LargeValuesParts): LargeValues {
  /** Uploads that were without a record at the last sweep, and since when. */
  let lone = new Map<string, number>();

  async function mark(id: string, paths: readonly string[]): Promise<number> {
    const value = Buffer.from(JSON.stringify(paths));
    const key = markerKey(id);
    const write = {
      changes: [{ key, value }],
      conditions: [{ key, version: 0 }],
      count: 1,
      bytes: value.length,
    };
    const [outcome] = await driver.send([write]);
    if (outcome === undefined || !('version' in outcome)) throw new Error('a fresh name was taken');
    return outcome.version;
  }

  /** False: somebody was faster, or it is another one now. @param conditions - on which else it is taken away. */
  async function unmark(
    { key, version }: Upload['marker'],
    conditions: readonly KeyVersion[] = [],
  ): Promise<boolean> {
    const write = {
      changes: [{ key, value: undefined }],
      conditions: [{ key, version }, ...conditions],
      count: 1,
      bytes: 0,
    };
    const [outcome] = await driver.send([write]);
    return outcome !== undefined && 'version' in outcome;
  }

  /** The records at `paths` as they are, none of which names the upload; undefined: one does. */
  async function unnaming(
    id: string,
    paths: readonly string[],
    signal?: AbortSignal,
  ): Promise<KeyVersion[] | undefined> {
    const found: KeyVersion[] = [];
    for (const path of paths) {
      const key = recordKey(path);
      const stored = await driver.get(key, signal);
      if (stored && mayName(stored.value, id)) return undefined;
      found.push({ key, version: stored?.version ?? 0 });
    }
    return found;
  }

  async function* keysUnder(prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
    for (let after = ''; ; ) {
      const page = await driver.list(prefix, after, STORAGE_LIST_PAGE, signal);
      yield* page;
      if (page.length < STORAGE_LIST_PAGE) return;
      after = page.at(-1)!;
    }
  }

  async function sweepMarked(signal?: AbortSignal): Promise<number> {
    const stillLone = new Map<string, number>();
    let removed = 0;
    for await (const key of keysUnder(MARKERS, signal)) {
      const id = key.slice(MARKERS.length);
      const marker = await driver.get(key, signal);
      if (marker === undefined) continue;
      const paths = pathsOf(marker.value);
      const records = paths && (await unnaming(id, paths, signal));
      if (!records) continue;
      const now = clock.monotonicMs();
      const since = lone.get(id) ?? now;
      stillLone.set(id, since);
      if (now - since < STORE_ORPHAN_MS) continue;
      // A commit that was on its way for as long, by a process that was stopped, may have come since the look.
      if (!(await unmark({ key, version: marker.version }, records))) continue;
      await driver.removeAll(chunksOf(id), signal);
      removed++;
    }
    lone = stillLone;
    return removed;
  }

  /** No commit can name chunks whose marker is gone: what is left of a removal, or came late. */
  async function sweepUnmarked(signal?: AbortSignal): Promise<number> {
    let removed = 0;
    let last = '';
    for await (const key of keysUnder(CHUNKS, signal)) {
      const id = key.slice(CHUNKS.length, key.lastIndexOf('/'));
      if (id === last) continue;
      last = id;
      if ((await driver.get(markerKey(id), signal)) !== undefined) continue;
      await driver.removeAll(chunksOf(id), signal);
      removed++;
    }
    return removed;
  }

  return {
    async write(values, signal) {
      const id = Buffer.from(randomBytes(ID_BYTES)).toString('hex');
      const version = await mark(
        id,
        values.map(({ path }) => path),
      );
      let next = 0;
      const places: Chunked[] = [];
      for (const { value } of values) {
        places.push({ id, first: next, bytes: value.length });
        for (let from = 0; from < value.length; from += driver.chunkBytes) {
          await driver.put(chunkKey(id, next++), value.subarray(from, from + driver.chunkBytes), signal);
        }
      }
      return { id, marker: { key: markerKey(id), version }, places };
    },
    async read({ id, first, bytes }, signal) {
      const parts: Uint8Array[] = [];
      let found = 0;
      for (let number = first; found < bytes; number++) {
        const chunk = await driver.get(chunkKey(id, number), signal);
        if (chunk === undefined) return undefined;
        parts.push(chunk.value);
        found += chunk.value.length;
      }
      return Buffer.concat(parts, bytes);
    },
    async remove({ id, marker }) {
      if (await unmark(marker)) await driver.removeAll(chunksOf(id));
    },
    async sweep(signal) {
      return (await sweepMarked(signal)) + (await sweepUnmarked(signal));
    },
  };
}

/** Undefined: it is none of ours, and what it marks is kept. */
function pathsOf(marker: Uint8Array): string[] | undefined {
  try {
    return JSON.parse(Buffer.from(marker).toString('utf8')) as string[];
  } catch {
    return undefined;
  }
}

/** Also a record that we cannot read. */
function mayName(stored: Uint8Array, id: string): boolean {
  try {
    const record = readRecord(stored);
    return 'id' in record && record.id === id;
  } catch {
    return true;
  }
}
