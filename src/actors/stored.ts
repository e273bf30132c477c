/**
 * An actor's state as it rests in the store, for who does not own it.
 *
 * @module
 */
import { type ActorId, type ActorKind, RecordGone } from '../model/actor.ts';
import type { Storage } from '../model/storage.ts';
import { headOf } from './memory.ts';
import { headPath, type Names, recordPath } from './places.ts';

export interface StoredState<S> {
  readonly state: S;
  /** Of the head; 0: nothing is stored. */
  readonly version: number;
}

/**
 * Reads head and records of one state, however its owner changes them meanwhile. As new as any commit that was acknowledged before the
 * call.
 * @param storage - sealed: what it gives is open.
 * @throws RecordGone where a record that the head names is missing and stays so.
 */
export async function readStored<S>(
  storage: Storage,
  names: Names,
  kind: ActorKind<S>,
  id: ActorId,
): Promise<StoredState<S>> {
  const path = headPath(names, id);
  let tried: number | undefined;
  for (;;) {
    const head = await storage.get(path);
    const version = head?.version ?? 0;
    try {
      const read = async (name: string) => (await storage.get(recordPath(path, name)))?.value;
      return { state: await kind.decode(head && headOf(head.value), id, read), version };
    } catch (error) {
      // A change took the record away after the head was read: there is another head by now.
      if (!(error instanceof RecordGone) || tried === version) throw error;
      tried = version;
    }
  }
}

/** What its kind encoded of the actor; undefined: nothing is stored. As new as `readStored`. */
export async function readHead(storage: Storage, names: Names, id: ActorId): Promise<Uint8Array | undefined> {
  const head = await storage.get(headPath(names, id));
  return head && headOf(head.value);
}
