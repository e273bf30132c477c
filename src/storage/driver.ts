/**
 * What a store behind the network must do for `remote.ts` to make a `Storage` of it: the differences between etcd and Consul, and nothing else.
 *
 * @module
 */
import type { Stored } from '../model/storage.ts';
import type { Write } from './group-commit.ts';

/** One commit. A key is changed at most once in it. */
export interface DriverWrite extends Write {
  /** undefined: delete. */
  readonly changes: readonly { readonly key: string; readonly value: Buffer | undefined }[];
  readonly conditions: readonly { readonly key: string; readonly version: number }[];
}

export type DriverOutcome =
  | { readonly version: number }
  /** Place of the first condition that did not hold. */
  | { readonly failed: number }
  /** The store took this commit for wrong: the reason. */
  | { readonly refused: string };

/** Counts what goes into one transaction. */
export interface Batch {
  /** Whether `write` fits too; then it counts. */
  take(write: DriverWrite): boolean;
}

/** Keys are text, any but the empty one. All throw CallFailed; reads are repeated at other endpoints. */
export interface Driver {
  readonly type: string;
  /** Values of one commit, together; what is more goes in chunks. */
  readonly inlineBytes: number;
  readonly chunkBytes: number;
  /** Linearizable. */
  get(key: string, signal?: AbortSignal): Promise<Stored | undefined>;
  /** The next `limit` keys under `prefix` behind `after`, in byte order, as they stand at one moment. */
  list(prefix: string, after: string, limit: number, signal?: AbortSignal): Promise<string[]>;
  batch(): Batch;
  /** One transaction, durable once it resolves. No two of the writes touch one key, but for conditions on the same one. */
  send(writes: readonly DriverWrite[]): Promise<readonly DriverOutcome[]>;
  /** For keys that are written once: doing it twice is doing it once. */
  put(key: string, value: Uint8Array, signal?: AbortSignal): Promise<void>;
  removeAll(prefix: string, signal?: AbortSignal): Promise<void>;
  close(): void;
}
