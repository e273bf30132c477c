/**
 * How commits of actors fail, and what is told of it.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { Conflict, StorageFailed } from '../model/storage.ts';

/** The commit may have been made, or was; what it left is not known here. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('it is not known what became of a commit', { cause });
    this.name = 'OutcomeUnknown';
  }
}

/** Somebody, or this node itself, has claimed the shard since. */
export class FenceConflict extends Conflict {
  /** Of the fence, as it was compared. */
  readonly version: number;
  constructor(path: string, version: number) {
    super(path);
    this.version = version;
  }
}

/** What the sender of a change is told. */
export function storageError(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  if (error instanceof OutcomeUnknown) return storageError(error.cause);
  // Why the store failed is the operator's to know, in the log: it names folders.
  const text = error instanceof StorageFailed ? undefined : 'the record changed meanwhile';
  return new CodedError('storage_failed', text, { cause: error });
}
