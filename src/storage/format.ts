/**
 * The `format` record: which layout a store holds. In the clear, so that an old build refuses a newer store before it touches anything.
 *
 * 1: as it began.
 * 2: the heads of KV secrets hold payloads too. Heads of format 1 are read as they are, and written anew with their next change; so an
 *    older store is only marked.
 * 3: before an embedded store there may be a write-ahead log, whose records older builds would miss. Nothing else changed.
 * 4: timers and index entries are their names alone; tokens rest as lists. What is of before is read as it is.
 *
 * @module
 */
import { Conflict, type Storage, StorageFailed } from '../model/storage.ts';

export const FORMAT_PATH = 'format';
/** Raised when a store written by this build cannot be read by an older one. */
export const FORMAT_VERSION = 4;

/** The store, once its format is found good, which `ensureFormat` says; closed where it is not. */
export async function inKnownFormat<S extends Storage>(storage: S): Promise<S> {
  try {
    await ensureFormat(storage);
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/**
 * Writes the record into an empty store, checks it in any other, and raises that of an older format: from then on older builds refuse the
 * store, which they could read in part only.
 * @throws StorageFailed when the store is not ours or needs a newer build.
 */
export async function ensureFormat(storage: Storage): Promise<void> {
  const stored = await storage.get(FORMAT_PATH);
  if (stored === undefined) {
    const [other] = await storage.list('', '', 1);
    // Another node may have been first, between the two looks.
    if (other !== undefined && (await storage.get(FORMAT_PATH)) !== undefined) return ensureFormat(storage);
    if (other !== undefined)
      throw new StorageFailed('the store has records but no format: it is not a store of Coffer', true);
  } else if (formatOf(Buffer.from(stored.value).toString('utf8')) === FORMAT_VERSION) {
    return;
  }
  const record = Buffer.from(JSON.stringify({ product: 'coffer', format: FORMAT_VERSION }));
  try {
    await storage.commit(
      [{ path: FORMAT_PATH, value: record }],
      [{ path: FORMAT_PATH, version: stored?.version ?? 0 }],
    );
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    // Another node was first.
    await ensureFormat(storage);
  }
}

/** @throws StorageFailed when the record is damaged, or says more than this build knows. */
function formatOf(text: string): number {
  let format: unknown;
  try {
    format = (JSON.parse(text) as { format?: unknown } | null)?.format;
  } catch {
    format = undefined;
  }
  if (typeof format !== 'number' || !Number.isSafeInteger(format) || format < 1) {
    throw new StorageFailed('the format record of the store is damaged; restore it from a backup', true);
  }
  if (format > FORMAT_VERSION) {
    throw new StorageFailed(
      `the store has format ${format}, and this version of Coffer reads formats up to ${FORMAT_VERSION}; start a newer one`,
      true,
    );
  }
  return format;
}
