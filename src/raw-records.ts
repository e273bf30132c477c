/**
 * The store's records as `sys/raw` shows them: opened, under plain names. Reading only, and never what the seal rests on.
 *
 * The names of actors are sealed in the store, segment by segment (`actors/places.ts`); here they are opened on the way out and sealed on
 * the way in. All else has the names that it has there.
 *
 * @module
 */
import { isListed, listPrefix, type Names, openChild, recordPath } from './actors/places.ts';
import { badRequest, CodedError } from './model/errors.ts';
import type { Storage } from './model/storage.ts';
import { KEYRING_PATH } from './seal/keyring.ts';
import { FOUNDING_PATH, isOfTheStore, SEAL_PATH } from './seal/seal-config.ts';
import { children } from './storage/tree.ts';

export interface RawRecords {
  /** The record at a plain path; undefined: there is none. @throws CodedError `bad_request` for a protected one, or one that does not open. */
  get(path: string): Promise<Uint8Array | undefined>;
  /** At most `limit` names under a prefix, which is '' or ends in `/`; folders end in `/`. Sorted. @throws as `get`. */
  list(prefix: string, limit: number): Promise<string[]>;
}

/** Parts of an actor's path before its name: `data/<namespace>/<mount>/<kind>/`. */
const SHELF_PARTS = 4;
/** Between an actor's name and that of a record beside it. */
const RECORD_MARK = '!';
/** What is attempted with shares: a one-time password there makes a root token out of what was shown to its owner. */
const PROTECTED_KINDS: ReadonlySet<string> = new Set(['seal-attempts']);
const UNSEALED: ReadonlySet<string> = new Set([KEYRING_PATH, SEAL_PATH, FOUNDING_PATH]);

/** @param storage - as it is above the barrier: all it gives is open. */
export function makeRawRecords(storage: Storage, names: Names): RawRecords {
  async function open(path: string): Promise<Uint8Array | undefined> {
    try {
      return (await storage.get(path))?.value;
    } catch (error) {
      // Damaged, or sealed otherwise: whoever looks into the store wants to know which.
      if (error instanceof CodedError && error.code === 'internal') throw badRequest(error.message);
      throw error;
    }
  }

  async function get(path: string): Promise<Uint8Array | undefined> {
    refuseProtected(path);
    const actor = actorOf(path);
    if (actor === undefined) return open(path);
    if (actor.name === '' || actor.name.endsWith('/')) return undefined;
    const head = await open(listPrefix(names, actor));
    const mark = path.lastIndexOf(RECORD_MARK);
    if (head !== undefined || mark < 0) return head;
    const beside = actorOf(path.slice(0, mark));
    if (!beside || beside.name === '' || beside.name.endsWith('/')) return undefined;
    return open(recordPath(listPrefix(names, beside), path.slice(mark + 1)));
  }

  async function list(prefix: string, limit: number): Promise<string[]> {
    refuseProtected(prefix);
    const actor = actorOf(prefix);
    const found = await children(storage, actor ? listPrefix(names, actor) : prefix, { limit });
    const plain = actor ? found.map((child) => openName(actor, child)) : found;
    if (actor === undefined || found.length > 0) return plain.sort();
    return besideOf(prefix, limit);
  }

  /** Records beside an actor have folders of their own: those of `a!v/` lie beside `a`. */
  async function besideOf(prefix: string, limit: number): Promise<string[]> {
    const mark = prefix.lastIndexOf(RECORD_MARK);
    const actor = mark < 0 ? undefined : actorOf(prefix.slice(0, mark));
    if (!actor || actor.name === '' || actor.name.endsWith('/')) return [];
    return children(storage, recordPath(listPrefix(names, actor), prefix.slice(mark + 1)), { limit });
  }

  function openName(actor: ActorPath, child: string): string {
    if (isListed(child)) return openChild(names, actor, child);
    const mark = child.indexOf(RECORD_MARK);
    return openChild(names, actor, child.slice(0, mark)) + child.slice(mark);
  }

  return { get, list };
}

interface ActorPath {
  readonly kind: string;
  readonly namespace: string;
  readonly mount: string;
  readonly name: string;
}

/** Undefined: it is above all names of actors, or elsewhere. */
function actorOf(path: string): ActorPath | undefined {
  const [top, namespace, mount, kind, ...name] = path.split('/');
  if (top !== 'data' || name.length === 0 || !namespace || !mount || !kind) return undefined;
  return { namespace, mount, kind, name: name.join('/') };
}

function refuseProtected(path: string): void {
  const [top, , , kind] = path.split('/', SHELF_PARTS);
  const isProtected =
    UNSEALED.has(path) ||
    isOfTheStore(path) ||
    (top === 'data' && kind !== undefined && PROTECTED_KINDS.has(kind));
  if (isProtected) throw badRequest(`cannot access ${JSON.stringify(path)}`);
}
