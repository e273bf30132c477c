/**
 * An actor's state as it rests in the store.
 *
 * @module
 */
import type { ActorId, ActorKind } from '../model/actor.ts';
import type { Storage, Stored } from '../model/storage.ts';
import { decodeHead, headOf, type Memory, NO_MEMORY } from './memory.ts';
import { headPath, type Names, recordPath } from './places.ts';

export interface StoredState<S> {
  readonly state: S;
  /** The head as it is stored; undefined: nothing is. */
  readonly record: Stored | undefined;
  readonly memory: Memory;
}

/**
 * Reads head and records of one state, however they are changed meanwhile. As new as any commit that was acknowledged before the call.
 * @param head - its path.
 * @throws what `decode` throws, where a record that the head names is missing and stays so.
 */
export async function readState<S>(
  storage: Storage,
  kind: ActorKind<S>,
  id: ActorId,
  head: string,
): Promise<StoredState<S>> {
  const read = async (name: string) => (await storage.get(recordPath(head, name)))?.value;
  let tried: number | undefined;
  for (;;) {
    const record = await storage.get(head);
    const { memory, head: bytes } = record
      ? decodeHead(record.value)
      : { memory: NO_MEMORY, head: undefined };
    try {
      return { state: await kind.decode(bytes, id, read), record, memory };
    } catch (error) {
      // A change took the record away after the head was read: there is another head by now.
      const version = record?.version ?? 0;
      if (tried === version) throw error;
      tried = version;
    }
  }
}

/** As `readState`, for who does not own it. @param storage - sealed: what it gives is open. @returns version - of the head; 0: none. */
export async function readStored<S>(
  storage: Storage,
  names: Names,
  kind: ActorKind<S>,
  id: ActorId,
): Promise<{ readonly state: S; readonly version: number }> {
  const { state, record } = await readState(storage, kind, id, headPath(names, id));
  return { state, version: record?.version ?? 0 };
}

/** What its kind encoded of the actor; undefined: nothing is stored. As new as `readStored`. */
export async function readHead(storage: Storage, names: Names, id: ActorId): Promise<Uint8Array | undefined> {
  const head = await storage.get(headPath(names, id));
  return head && headOf(head.value);
}
