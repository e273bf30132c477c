/**
 * The catalog: what every request needs of the whole cluster (mounts, policies, audit devices, settings), as plain immutable maps.
 *
 * Each section is an actor. A change is one sealed, append-only record `c/<seq>` under the section's head, with a snapshot every now and then
 * (protocol §10); requests read the maps built from them and never wait. A change is answered once every member has applied it; a node
 * that is alone has done so when its own maps are switched.
 *
 * @module
 */
import assert from 'node:assert';
import type {
  ActorContext,
  ActorId,
  ActorKind,
  ActorOperation,
  Cluster,
  RecordChange,
} from '../model/actor.ts';
import { type Claims, OWN_CLAIMS } from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import { CATALOG_SECTION_BYTES_MAX, CATALOG_SNAPSHOT_EVERY, HOUR_MS } from '../model/limits.ts';

export type SectionName = 'mounts' | 'policies' | 'audit' | 'settings';
const SECTIONS: readonly SectionName[] = ['mounts', 'policies', 'audit', 'settings'];

/** Entries of a section: plain JSON values by key. */
export type Entries = ReadonlyMap<string, unknown>;

/** `null` deletes. */
type Patch = Record<string, unknown>;

interface Section {
  readonly seq: number;
  readonly snapshot: number;
  readonly entries: Entries;
  /** Bytes of the entries as JSON. */
  readonly size: number;
}

const EMPTY: Section = { seq: 0, snapshot: 0, entries: new Map(), size: 0 };

export const catalogSection: ActorKind<Section> = {
  kind: 'catalog',
  activeMax: 10_000,
  idleMs: HOUR_MS,
  mailboxMax: 1_024,
  async decode(head, _id, read) {
    if (!head) return EMPTY;
    const { format, seq, snapshot } = parse(head) as { format: number; seq: number; snapshot: number };
    assert.equal(format, 1, 'catalog: written by a later release');
    let entries: Entries = new Map();
    if (snapshot > 0) entries = new Map(Object.entries(parse(await record(read, `s/${snapshot}`)) as Patch));
    for (let n = snapshot + 1; n <= seq; n++)
      entries = patched(entries, parse(await record(read, `c/${n}`)) as Patch);
    let size = 0;
    for (const [key, value] of entries) size += sizeOf(key, value);
    return { seq, snapshot, entries, size };
  },
  encode: ({ seq, snapshot }) => (seq === 0 ? undefined : bytes({ format: 1, seq, snapshot })),
};

async function record(
  read: (name: string) => Promise<Uint8Array | undefined>,
  name: string,
): Promise<Uint8Array> {
  const value = await read(name);
  assert(value, `catalog: record ${name} is missing`);
  return value;
}

const parse = (value: Uint8Array): unknown => JSON.parse(Buffer.from(value).toString());
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

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

/** What changes a section: runs at its owner on the entries as they are then. No `patch`: nothing changes. */
export interface SectionChange<P, R> {
  /** Unique in the program. */
  readonly id: string;
  readonly section: SectionName;
  run(entries: Entries, params: P, ctx: ActorContext): { patch?: Patch; reply: R };
}

interface Changed<R> {
  readonly reply: R;
  readonly section: Section;
}

export interface Catalog {
  /** Rises with every change that is applied here: what was decided under an older one may have to be decided again. */
  readonly version: number;
  entries(section: SectionName): Entries;
  /** Durable and applied on every member when it resolves. */
  change<P, R>(change: SectionChange<P, R>, params: P, claims?: Claims): Promise<R>;
  /** Called at once with what is there, then in the turn in which a change is applied. */
  watch(section: SectionName, listener: (entries: Entries) => void): void;
  /** Reads all sections from storage; on unseal. */
  load(): Promise<void>;
  /** Forgets all; on seal. */
  clear(): void;
}

export function makeCatalog(cluster: Pick<Cluster, 'send'>): Catalog {
  const sections = new Map<SectionName, Section>();
  const watchers = new Map<SectionName, ((entries: Entries) => void)[]>();
  let version = 0;

  const entriesOf = (name: SectionName): Entries => sections.get(name)?.entries ?? EMPTY.entries;

  function apply(name: SectionName, section: Section): void {
    if (section.seq <= (sections.get(name)?.seq ?? -1)) return;
    sections.set(name, section);
    version++;
    for (const watcher of watchers.get(name) ?? []) watcher(section.entries);
  }

  return {
    get version() {
      return version;
    },
    entries: entriesOf,
    async change(change, params, claims = OWN_CLAIMS) {
      const id = sectionId(change.section);
      try {
        const { reply, section } = await cluster.send(operationOf(change), id, params, { claims });
        apply(change.section, section);
        return reply;
      } catch (error) {
        // It may have been written all the same: what is enforced is what the log says.
        const isUnknown = error instanceof CodedError && error.code === 'storage_failed';
        if (isUnknown)
          apply(change.section, await cluster.send(readSection, id, undefined, { claims: OWN_CLAIMS }));
        throw error;
      }
    },
    watch(name, watcher) {
      watchers.set(name, [...(watchers.get(name) ?? []), watcher]);
      watcher(entriesOf(name));
    },
    async load() {
      for (const name of SECTIONS) {
        apply(name, await cluster.send(readSection, sectionId(name), undefined, { claims: OWN_CLAIMS }));
      }
    },
    clear() {
      for (const name of SECTIONS) sections.delete(name);
      for (const name of SECTIONS) for (const watcher of watchers.get(name) ?? []) watcher(EMPTY.entries);
      version++;
    },
  };
}

function sectionId(name: SectionName): ActorId {
  return { kind: catalogSection.kind, namespace: 'root', mount: 'catalog', name };
}

const readSection: ActorOperation<Section, undefined, Section> = {
  id: 'catalog/read',
  actor: catalogSection,
  mode: 'read',
  run: (section) => ({ reply: section }),
};

function operationOf<P, R>(change: SectionChange<P, R>): ActorOperation<Section, P, Changed<R>> {
  return {
    id: `catalog/${change.id}`,
    actor: catalogSection,
    mode: 'change',
    run(section, params, ctx) {
      const { patch, reply } = change.run(section.entries, params, ctx);
      if (!patch) return { reply: { reply, section } };
      const grown = growth(section.entries, patch);
      const size = section.size + grown;
      if (grown > 0 && size > CATALOG_SECTION_BYTES_MAX)
        throw new CodedError(
          'too_large',
          `all ${change.section} together may have ${CATALOG_SECTION_BYTES_MAX} bytes`,
        );
      const seq = section.seq + 1;
      const entries = patched(section.entries, patch);
      const records: RecordChange[] = [{ name: `c/${seq}`, value: bytes(patch) }];
      let { snapshot } = section;
      if (seq - snapshot >= CATALOG_SNAPSHOT_EVERY) {
        records.push({ name: `s/${seq}`, value: bytes(Object.fromEntries(entries)) });
        if (snapshot > 0) records.push({ name: `s/${snapshot}`, value: undefined });
        // The change just made stays until the next one: a member that is one behind catches up from it.
        for (let n = Math.max(snapshot, 1); n < seq; n++) records.push({ name: `c/${n}`, value: undefined });
        snapshot = seq;
      }
      const next: Section = { seq, snapshot, entries, size };
      return { reply: { reply, section: next }, next: { state: next, records } };
    },
  };
}
