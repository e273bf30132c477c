/**
 * The write-ahead log of an embedded store that one process has for itself: a group of commits is durable after one write to the end of a file
 * and one sync. LMDB needs two syncs and dozens of scattered pages for it. What the log holds is moved into LMDB later, many groups at once
 * and of each record only its newest state.
 *
 * There are two files. One is written; when it is full or a few seconds old, the other one takes over, and what the first holds is moved, after
 * which it is written again from its front. LMDB's counter record says up to which version everything has been moved, and the log's
 * id: only groups with this id belong to it. A start moves what it finds, and a clean stop leaves neither log nor id.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { LOG_FILE_BYTES, LOG_MOVE_MS, LOG_MOVED_AT_ONCE } from '../model/limits.ts';
import { StorageFailed } from '../model/storage.ts';
import { FORMAT_PATH } from './format.ts';
import { hasLog, type LeftLog, LOG_FILE_NAMES, removeLog } from './left-log.ts';
import { counterRecord, versionOf } from './lmdb-records.ts';
import { groupBytes, LOG_ID_BYTES, LogFile, type LogRecord } from './log-file.ts';
import { type Half, type Held, hold, type LoggedRecord, newHalf } from './log-half.ts';
import { pathBytes } from './path.ts';
import { SortedPaths } from './sorted-paths.ts';
import { syncFolder } from './sync-folder.ts';

/** The store behind the log. */
export interface BehindLog {
  /**
   * All of it in one durable transaction.
   * @param counter - the counter record's new value; undefined: it stays.
   * @throws StorageFailed
   */
  write(records: readonly LogRecord[], counter: Buffer | undefined): Promise<void>;
}

/** The log of a store that is open, and what it holds. One call of `append` at a time. */
export class WriteAheadLog {
  readonly #folder: string;
  readonly #store: BehindLog;
  /** Up to here everything is durable. */
  #version: number;
  #id = Buffer.alloc(0);
  /** The one that is written comes first; none before the first append. */
  #halves: [Half, Half] | undefined;
  /** Version with which the second half ends, which has yet to be moved; undefined: it holds nothing. */
  #fullTo: number | undefined;
  #moving: Promise<void> | undefined;
  #isAppending = false;
  /** The first half has become as old as it may. */
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** What a log of before held, until it has been moved. */
  readonly #left: LeftLog['records'];
  readonly #leftPaths = new SortedPaths();
  #isLeft: boolean;
  /** Nobody knows whether a group that failed is in the file, or in the store: the version it would have brought. */
  #failedTo: number | undefined;

  /** Begins with what `left` holds, and moves it. */
  constructor(folder: string, left: LeftLog, store: BehindLog) {
    this.#folder = folder;
    this.#version = left.version;
    this.#left = left.records;
    for (const path of left.records.keys()) this.#leftPaths.add(path);
    this.#store = store;
    this.#isLeft = hasLog(folder);
    this.#moveLeft().catch(() => this.#arm());
  }

  get version(): number {
    return this.#version;
  }

  get isEmpty(): boolean {
    return this.#left.size === 0 && (this.#halves?.every(({ held }) => held.size === 0) ?? true);
  }

  /** Of files, that have yet to be moved. */
  get heldBytes(): number {
    return this.#halves?.reduce((bytes, { file }) => bytes + file.usedBytes, 0) ?? 0;
  }

  /** Version of the record at `path`; 0: it is gone; undefined: the log holds nothing of it, and what the store says is true. */
  versionOf(path: string): number | undefined {
    const held = this.#held(path)?.held;
    if (held !== undefined) return held.version;
    if (this.#left.size === 0 || !this.#left.has(path)) return undefined;
    const record = this.#left.get(path);
    return record === undefined ? 0 : versionOf(record);
  }

  /** The record at `path`, a copy; null: it is gone; undefined: the log holds nothing of it. */
  read(path: string): Buffer | null | undefined {
    const found = this.#held(path);
    if (found === undefined) {
      if (!this.#left.has(path)) return undefined;
      const record = this.#left.get(path);
      return record === undefined ? null : Buffer.from(record);
    }
    return found.held.version === 0 ? null : Buffer.from(found.file.view(found.held));
  }

  /** May it know anything of paths that begin with `prefix`? */
  knowsUnder(prefix: string): boolean {
    return this.#trees().some((paths) => paths.hasUnder(prefix));
  }

  /** At most `limit` of the paths that are there by what the log holds, begin with `prefix` and are behind `after`; in the order of their bytes. */
  under(prefix: string, after: string, limit: number): string[] {
    const found = new Set<string>();
    for (const paths of this.#trees()) {
      let count = 0;
      for (const path of paths.under(prefix, after)) {
        if (count === limit) break;
        if (this.versionOf(path) === 0) continue;
        found.add(path);
        count++;
      }
    }
    return [...found];
  }

  #trees(): SortedPaths[] {
    const trees = this.#halves?.map(({ paths }) => paths) ?? [];
    return this.#left.size > 0 ? [...trees, this.#leftPaths] : trees;
  }

  #held(path: string): { readonly file: LogFile; readonly held: Held } | undefined {
    for (const { file, held: all } of this.#halves ?? []) {
      const held = all.size === 0 ? undefined : all.get(path);
      if (held) return { file, held };
    }
    return undefined;
  }

  /** To be awaited before versions are given out: a group of which nobody knows the outcome has taken some. @throws StorageFailed */
  async ready(): Promise<void> {
    if (this.#failedTo !== undefined) await this.#startOver(this.#failedTo);
  }

  /**
   * Makes a group durable, then visible.
   * @param to - the store's version with the group.
   * @throws StorageFailed
   */
  async append(records: readonly LoggedRecord[], to: number): Promise<void> {
    const bytes = groupBytes(records);
    // Older builds look for the format in LMDB alone: it is there before a log is.
    if (bytes > LOG_FILE_BYTES || records.some(({ path }) => path === FORMAT_PATH))
      return this.#passBy(records, to);
    this.#halves ??= await this.#begin();
    if (!this.#halves[0].file.hasRoom(bytes)) {
      await this.#moveFull();
      this.#turn();
    }
    const [half] = this.#halves;
    this.#isAppending = true;
    try {
      const extents = await half.file.append({ id: this.#id, from: this.#version, to, records });
      hold(half, records, extents);
    } catch (error) {
      this.#failedTo = to;
      throw await this.#failure(error as Error, to);
    } finally {
      this.#isAppending = false;
    }
    this.#version = to;
    if (this.#isDue) this.#turn();
    this.#arm();
  }

  /** Moves all, and leaves neither files nor id. Where it cannot, the log stays, and the next start goes on with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#startOver(this.#failedTo ?? this.#version).catch(() => this.#closeFiles());
  }

  /** What is too large for the log goes into the store at once, behind all that the log holds. */
  async #passBy(records: readonly LoggedRecord[], to: number): Promise<void> {
    await this.#moveAll();
    this.#failedTo = to;
    await this.#store.write(records, counterRecord(to, this.#halves && this.#id));
    this.#failedTo = undefined;
    this.#version = to;
  }

  async #begin(): Promise<[Half, Half]> {
    await this.#moveLeft();
    const files: LogFile[] = [];
    try {
      for (const name of LOG_FILE_NAMES) files.push(new LogFile(join(this.#folder, name)));
      syncFolder(this.#folder);
      const id = randomBytes(LOG_ID_BYTES);
      await this.#store.write([], counterRecord(this.#version, id));
      this.#id = id;
    } catch (error) {
      for (const file of files) file.close();
      throw error;
    }
    const [a, b] = files;
    return [newHalf(a!), newHalf(b!)];
  }

  /** Moves what a log of before holds, and removes that log. */
  async #moveLeft(): Promise<void> {
    if (!this.#isLeft) return;
    this.#moving ??= this.#write(
      this.#leftPaths,
      (path) => this.#left.get(path),
      counterRecord(this.#version),
    ).finally(() => {
      this.#moving = undefined;
    });
    await this.#moving;
    if (!this.#isLeft) return;
    removeLog(this.#folder);
    this.#left.clear();
    this.#leftPaths.clear();
    this.#isLeft = false;
  }

  /** Whether the group that failed reached the disk does not matter any more once there is a new log. */
  async #failure(error: Error, to: number): Promise<StorageFailed> {
    const message = `the store in ${this.#folder} could not write: ${error.message}`;
    try {
      await this.#startOver(to);
      return new StorageFailed(message, true, error);
    } catch {
      return new StorageFailed(message, false, error);
    }
  }

  /** Ends this log; the next append begins another one, with version `to`. */
  async #startOver(to: number): Promise<void> {
    await this.#moveAll();
    if (this.#halves === undefined && this.#failedTo === undefined) return;
    // Until the id is gone for certain nothing may be appended under it.
    this.#failedTo = to;
    await this.#store.write([], counterRecord(to));
    this.#version = to;
    this.#failedTo = undefined;
    this.#closeFiles();
    removeLog(this.#folder);
  }

  #closeFiles(): void {
    const halves = this.#halves ?? [];
    // First: a file descriptor is never used, nor closed, again, even where closing fails.
    this.#halves = undefined;
    for (const { file } of halves) file.close();
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#isLeft) void this.#moveLeft().catch(() => {});
    if (this.#fullTo === undefined && this.#isAppending) this.#isDue = true;
    else if (this.#fullTo === undefined) this.#turn();
    else void this.#moveFull().catch(() => {});
    if (this.#isLeft || !this.isEmpty) this.#arm();
  }

  #arm(): void {
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#tick(), LOG_MOVE_MS).unref();
  }

  /** The half that was written is to be moved, and the other one, which holds nothing, is written. */
  #turn(): void {
    this.#isDue = false;
    if (this.#halves === undefined || this.#fullTo !== undefined || this.#halves[0].held.size === 0) return;
    this.#halves.reverse();
    this.#fullTo = this.#version;
    void this.#moveFull().catch(() => {});
  }

  async #moveAll(): Promise<void> {
    await this.#moveLeft();
    await this.#moveFull();
    this.#turn();
    await this.#moveFull();
  }

  /** Moves the second half, if it holds anything. @throws StorageFailed: it is as it was, and may be moved later. */
  #moveFull(): Promise<void> {
    if (this.#fullTo === undefined) return Promise.resolve();
    this.#moving ??= this.#move(this.#halves![1], this.#fullTo).finally(() => {
      this.#moving = undefined;
    });
    return this.#moving;
  }

  async #move({ file, held, paths }: Half, to: number): Promise<void> {
    const recordAt = (path: string) => {
      const where = held.get(path)!;
      return where.version === 0 ? undefined : file.view(where);
    };
    await this.#write(paths, recordAt, counterRecord(to, this.#id));
    held.clear();
    paths.clear();
    file.empty();
    this.#fullTo = undefined;
  }

  /**
   * Some at a time; the counter comes with the last ones. In the store's order, so that those which lie in one page are moved in one
   * transaction: most of what a move costs is pages, and names come sealed, in no order.
   */
  async #write(
    paths: SortedPaths,
    recordAt: (path: string) => Buffer | undefined,
    counter: Buffer,
  ): Promise<void> {
    let some: LogRecord[] = [];
    for (const path of paths.under('', '')) {
      if (some.length === LOG_MOVED_AT_ONCE) {
        await this.#store.write(some, undefined);
        some = [];
      }
      some.push({ key: pathBytes(path), record: recordAt(path) });
    }
    await this.#store.write(some, counter);
  }
}
