/**
 * One section of the catalog: an actor whose state is a map. A change is one sealed, append-only record `c/<seq>` under the section's head,
 * with a snapshot every now and then (protocol §10).
 *
 * @module
 */
import assert from 'node:assert';
import {
  type ActorContext,
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type RecordChange,
  RecordGone,
} from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import {
  CATALOG_HISTORY_BYTES_MAX,
  CATALOG_RECENT_BYTES_MAX,
  CATALOG_RECENT_MAX,
  CATALOG_SECTION_BYTES_MAX,
  CATALOG_SNAPSHOT_EVERY,
  HOUR_MS,
} from '../model/limits.ts';

export type SectionName = 'mounts' | 'policies' | 'audit' | 'settings';
/** Their order is what sequence numbers between nodes are told apart by: a new one goes to the end. */
export const SECTIONS: readonly SectionName[] = ['mounts', 'policies', 'audit', 'settings'];

/** Entries of a section: plain JSON values by key. */
export type Entries = ReadonlyMap<string, unknown>;

/** `null` deletes. */
export type Patch = Record<string, unknown>;

/** How a section came to what it is, from its last snapshot on. */
export interface History {
  /** Number of the last change that the snapshot includes; 0: it began empty. */
  readonly base: number;
  readonly entries: Entries;
  /** The changes after it, as they are stored, oldest first. */
  readonly changes: readonly Uint8Array[];
}

/** A section as any member holds it. */
export interface AppliedSection {
  /** Number of its last change; 0: none yet. */
  readonly seq: number;
  readonly entries: Entries;
  /** Undefined: it was too large to be kept, until the next snapshot. */
  readonly history: History | undefined;
}

/** A section as its owner holds it. */
export interface Section extends AppliedSection {
  /** Number of the change that the stored snapshot includes; 0: there is none. */
  readonly snapshot: number;
  /** Bytes of the entries as JSON. */
  readonly size: number;
  /** The last changes as they are stored, oldest first, up to `seq`: those made since it was loaded, and not too many. */
  readonly recent: readonly Uint8Array[];
}

const NO_ENTRIES: Entries = new Map();

export const EMPTY_SECTION: Section = {
  seq: 0,
  snapshot: 0,
  entries: NO_ENTRIES,
  size: 0,
  recent: [],
  history: { base: 0, entries: NO_ENTRIES, changes: [] },
};

export function sectionId(name: SectionName): ActorId {
  return { kind: catalogSection.kind, namespace: 'root', mount: 'catalog', name };
}

/** The section that an id of `sectionId` names. */
export const sectionName = (id: ActorId): SectionName => id.name as SectionName;

/** As it is on its own; `makeCatalog` makes of it one that tells the members. */
export const catalogSection: ActorKind<Section> = {
  kind: 'catalog',
  activeMax: 10_000,
  idleMs: HOUR_MS,
  mailboxMax: 1_024,
  async decode(head, _id, read) {
    if (!head) return EMPTY_SECTION;
    const { seq, snapshot } = decodeSectionHead(head);
    let entries = NO_ENTRIES;
    if (snapshot > 0) entries = new Map(Object.entries(parse(await record(read, `s/${snapshot}`)) as Patch));
    let applied: AppliedSection = {
      seq: snapshot,
      entries,
      history: { base: snapshot, entries, changes: [] },
    };
    for (let n = snapshot + 1; n <= seq; n++) applied = advanced(applied, await record(read, `c/${n}`));
    let size = 0;
    for (const [key, value] of applied.entries) size += sizeOf(key, value);
    return { ...applied, snapshot, size, recent: [] };
  },
  encode: ({ seq, snapshot }) => (seq === 0 ? undefined : bytesOf({ format: 1, seq, snapshot })),
};

/** @param head - what `encode` made. */
export function decodeSectionHead(head: Uint8Array): { readonly seq: number; readonly snapshot: number } {
  const { format, seq, snapshot } = parse(head) as { format: number; seq: number; snapshot: number };
  assert.equal(format, 1, 'catalog: written by a later release');
  return { seq, snapshot };
}

/** @throws RecordGone */
async function record(
  read: (name: string) => Promise<Uint8Array | undefined>,
  name: string,
): Promise<Uint8Array> {
  const value = await read(name);
  if (!value) throw new RecordGone(name);
  return value;
}

const parse = (value: Uint8Array): unknown => JSON.parse(Buffer.from(value).toString());
const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** What an entry adds to a snapshot. */
const sizeOf = (key: string, value: unknown): number =>
  Buffer.byteLength(JSON.stringify(key)) + Buffer.byteLength(JSON.stringify(value)) + 2;

/** By how much a patch changes the size of a section. */
function growth(entries: Entries, patch: Patch): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(patch)) {
    if (entries.has(key)) bytes -= sizeOf(key, entries.get(key));
    if (value !== null) bytes += sizeOf(key, value);
  }
  return bytes;
}

function patched(entries: Entries, patch: Patch): Entries {
  const next = new Map(entries);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  return next;
}

/** The section with one change more, which is as it is stored. */
export function advanced({ seq, entries, history }: AppliedSection, change: Uint8Array): AppliedSection {
  const next = { seq: seq + 1, entries: patched(entries, parse(change) as Patch) };
  return { ...next, history: grown(history, next, change) };
}

/** Every node begins anew at the same change, the one that is stored with a snapshot: their histories are the same, byte for byte. */
function grown(
  history: History | undefined,
  { seq, entries }: Pick<AppliedSection, 'seq' | 'entries'>,
  change: Uint8Array,
): History | undefined {
  if (seq % CATALOG_SNAPSHOT_EVERY === 0) return { base: seq, entries, changes: [] };
  if (!history) return undefined;
  const changes = [...history.changes, change];
  let bytes = 0;
  for (const { length } of changes) bytes += length;
  return bytes > CATALOG_HISTORY_BYTES_MAX ? undefined : { ...history, changes };
}

/** What changes a section: runs at its owner on the entries as they are then. No `patch`: nothing changes. */
export interface SectionChange<P, R> {
  /** Unique in the program. */
  readonly id: string;
  readonly section: SectionName;
  /** The reply is short: it is remembered with the section's head (protocol §9). */
  run(entries: Entries, params: P, ctx: ActorContext): { patch?: Patch; reply: R };
}

export interface Changed<R> {
  readonly reply: R;
  /** Of the section, with this change. */
  readonly seq: number;
}

type ChangeOperation<P, R> = ActorOperation<Section, P, Changed<R>>;

const operations = new WeakMap<SectionChange<never, unknown>, ChangeOperation<never, unknown>>();

/** The one operation of a change: nodes name it to each other by its id. */
export function operationOf<P, R>(change: SectionChange<P, R>): ChangeOperation<P, R> {
  let operation = operations.get(change);
  if (!operation) {
    operation = newOperation(change) as ChangeOperation<never, unknown>;
    operations.set(change, operation);
  }
  return operation as ChangeOperation<P, R>;
}

function newOperation<P, R>(change: SectionChange<P, R>): ChangeOperation<P, R> {
  return {
    id: `catalog/${change.id}`,
    actor: catalogSection,
    mode: 'change',
    run(section, params, ctx) {
      const { patch, reply } = change.run(section.entries, params, ctx);
      if (!patch) return { reply: { reply, seq: section.seq } };
      const next = changed(change.section, section, patch);
      return { reply: { reply, seq: next.state.seq }, next };
    },
  };
}

/** The section with one change more, and what of it is to be stored. @throws CodedError `too_large` */
function changed(
  name: SectionName,
  section: Section,
  patch: Patch,
): { state: Section; records: RecordChange[] } {
  const grown = growth(section.entries, patch);
  const size = section.size + grown;
  if (grown > 0 && size > CATALOG_SECTION_BYTES_MAX)
    throw new CodedError('too_large', `all ${name} together may have ${CATALOG_SECTION_BYTES_MAX} bytes`);
  const change = bytesOf(patch);
  // From the bytes: what the owner holds is what others read, and `undefined` within a value is nowhere.
  const applied = advanced(section, change);
  const { seq, entries } = applied;
  const records: RecordChange[] = [{ name: `c/${seq}`, value: change }];
  let { snapshot } = section;
  if (seq % CATALOG_SNAPSHOT_EVERY === 0) {
    records.push({ name: `s/${seq}`, value: bytesOf(Object.fromEntries(entries)) });
    if (snapshot > 0) records.push({ name: `s/${snapshot}`, value: undefined });
    // The change just made stays until the next one: a member that is one behind catches up from it.
    for (let n = Math.max(snapshot, 1); n < seq; n++) records.push({ name: `c/${n}`, value: undefined });
    snapshot = seq;
  }
  return { state: { ...applied, snapshot, size, recent: recentWith(section, change) }, records };
}

function recentWith({ recent }: Section, change: Uint8Array): readonly Uint8Array[] {
  const kept = [...recent, change];
  let bytes = 0;
  for (const { length } of kept) bytes += length;
  while (kept.length > CATALOG_RECENT_MAX || bytes > CATALOG_RECENT_BYTES_MAX) bytes -= kept.shift()!.length;
  return kept;
}

/** What the owner knows of the section, for who knows `have`. */
export interface SectionRead {
  readonly seq: number;
  /** All entries as JSON, a list of key and value; absent where the asker has this state. */
  readonly entries?: Uint8Array;
}

export const readSection: ActorOperation<Section, { readonly have: number }, SectionRead> = {
  id: 'catalog/read',
  actor: catalogSection,
  mode: 'read',
  run({ seq, entries }, { have }) {
    return { reply: seq === have ? { seq } : { seq, entries: bytesOf([...entries]) } };
  },
};

export function entriesOf(read: Uint8Array): Entries {
  return new Map(parse(read) as [string, unknown][]);
}
