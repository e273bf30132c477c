/**
 * The catalog: what every request needs of the whole cluster (mounts, policies, audit devices, settings), as plain immutable maps.
 *
 * Each section is an actor, `catalog-section.ts`. Requests read the maps built from its changes and never wait. A change is answered once
 * every member has applied it, `catalog-announcer.ts`; a node that is alone has done so when its own maps are switched.
 *
 * @module
 */

import type { Names } from '../actors/places.ts';
import { readHead, readStored } from '../actors/stored.ts';
import { type ActorKind, type Claims, type Cluster, OWN_CLAIMS } from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import type { Storage } from '../model/storage.ts';
import {
  type AppliedSection,
  advanced,
  catalogSection,
  decodeSectionHead,
  EMPTY_SECTION,
  type Entries,
  entriesOf,
  operationOf,
  readSection,
  SECTIONS,
  type Section,
  type SectionChange,
  type SectionName,
  sectionId,
  sectionName,
} from './catalog-section.ts';
import { CATALOG_FAULT, type Faults } from './faults.ts';

export type { AppliedSection, Entries, SectionChange, SectionName } from './catalog-section.ts';

export interface CatalogOptions {
  /** How its changes reach their owners. */
  cluster(): Pick<Cluster, 'send'>;
  /** Sealed: what it gives is open. */
  readonly storage: Storage;
  readonly names: Names;
  /** Resolves when every other member has applied it. Absent: there are none. */
  readonly tell?: (notice: CatalogNotice) => Promise<void>;
  /** The section as a peer has it, `own` and what is missing there put together; undefined: none could say. */
  readonly sync?: (section: SectionName, own: AppliedSection) => Promise<AppliedSection | undefined>;
  readonly faults?: Faults;
}

/** What a section's owner tells the others. */
export interface CatalogNotice {
  readonly section: SectionName;
  /** Of the last change. */
  readonly seq: number;
  /** The changes that end with `seq`, as they are stored, oldest first. Who lacks one before them reads the store. */
  readonly changes: readonly Uint8Array[];
}

export interface Catalog {
  /** The actor kind of its sections, for this node's actors. */
  readonly kind: ActorKind<Section>;
  /** Rises with every change that is applied here: what was decided under an older one may have to be decided again. */
  readonly version: number;
  /** In the order of the sections: how far each is applied here. */
  sequences(): readonly number[];
  entries(section: SectionName): Entries;
  applied(section: SectionName): AppliedSection;
  /** As its owner has it: without what some members may not have applied yet. For who shows the catalog, not for who enforces it. */
  current(section: SectionName): Promise<Entries>;
  /** Durable and applied on every member when it resolves. */
  change<P, R>(change: SectionChange<P, R>, params: P, claims?: Claims): Promise<R>;
  /** Called at once with what is there, then in the turn in which a change is applied. */
  watch(section: SectionName, listener: (entries: Entries) => void): void;
  /** Reads all sections from storage; on unseal. */
  load(): Promise<void>;
  /** Reads them once more: every change that was acknowledged before the call is applied when it resolves. */
  catchUp(): Promise<void>;
  /** Another member's owner tells a change. @throws CodedError where it cannot be applied yet: to be told again. */
  receive(notice: CatalogNotice): Promise<void>;
  /** Forgets all; on seal. */
  clear(): void;
}

export function makeCatalog(options: CatalogOptions): Catalog {
  const { storage, names, faults } = options;
  const sections = new Map<SectionName, AppliedSection>();
  const watchers = new Map<SectionName, ((entries: Entries) => void)[]>();
  const refreshing = new Map<SectionName, Promise<void>>();
  let version = 0;
  let sequences: readonly number[] | undefined;
  let isLoaded = false;
  /** Rises when all is forgotten: what was read before must not come back. */
  let life = 0;

  const applied = (name: SectionName): AppliedSection => sections.get(name) ?? EMPTY_SECTION;

  function apply(name: SectionName, { seq, entries, history }: AppliedSection): void {
    if (seq <= (sections.get(name)?.seq ?? -1)) return;
    sections.set(name, { seq, entries, history });
    version++;
    sequences = undefined;
    for (const watcher of watchers.get(name) ?? []) watcher(entries);
  }

  async function refresh(name: SectionName): Promise<void> {
    const mine = life;
    const isOld = (): boolean => life !== mine;
    if (options.sync && applied(name).seq > 0 && (await caughtUpFromPeer(name, isOld))) return;
    const { state } = await readStored(storage, names, catalogSection, sectionId(name));
    if (isOld()) throw new CodedError('sealed');
    apply(name, state);
  }

  /** Only the head is read from the store: what is missing here somebody else has in memory. */
  async function caughtUpFromPeer(name: SectionName, isOld: () => boolean): Promise<boolean> {
    const head = await readHead(storage, names, sectionId(name));
    const { seq } = head ? decodeSectionHead(head) : EMPTY_SECTION;
    if (applied(name).seq >= seq) return true;
    // Whatever it is, the store has all of it.
    const synced = await options.sync?.(name, applied(name)).catch(() => undefined);
    if (isOld()) throw new CodedError('sealed');
    if (synced) apply(name, synced);
    return applied(name).seq >= seq;
  }

  /** One at a time, for who asks again where it does not show enough. */
  function refreshShared(name: SectionName): Promise<void> {
    let running = refreshing.get(name);
    if (!running) {
      running = refresh(name).finally(() => refreshing.delete(name));
      refreshing.set(name, running);
    }
    return running;
  }

  async function refreshAll(): Promise<void> {
    await Promise.all(SECTIONS.map(refresh));
  }

  const kind: ActorKind<Section> = {
    ...catalogSection,
    async announce(section, id) {
      const name = sectionName(id);
      apply(name, section);
      const { seq, recent } = section;
      // Nothing is known of what the others have: it was just loaded.
      if (recent.length === 0 && faults?.has(CATALOG_FAULT.headNotResent)) return;
      const told = options.tell?.({ section: name, seq, changes: recent });
      if (faults?.has(CATALOG_FAULT.acknowledgedEarly)) told?.catch(() => {});
      else await told;
    },
  };

  return {
    kind,
    get version() {
      return version;
    },
    sequences() {
      sequences ??= SECTIONS.map((name) => applied(name).seq);
      return sequences;
    },
    entries: (name) => applied(name).entries,
    applied,
    async current(name) {
      const own = applied(name);
      const read = await options
        .cluster()
        .send(readSection, sectionId(name), { have: own.seq }, { claims: OWN_CLAIMS });
      return read.entries ? entriesOf(read.entries) : own.entries;
    },
    async change(change, params, claims = OWN_CLAIMS) {
      const name = change.section;
      try {
        const { reply, seq } = await options
          .cluster()
          .send(operationOf(change), sectionId(name), params, { claims });
        if (applied(name).seq < seq) await refresh(name);
        return reply;
      } catch (error) {
        // It may have been written all the same: what is enforced is what the log says.
        if (error instanceof CodedError && error.code === 'storage_failed') await refresh(name);
        throw error;
      }
    },
    watch(name, watcher) {
      watchers.set(name, [...(watchers.get(name) ?? []), watcher]);
      watcher(applied(name).entries);
    },
    async load() {
      const mine = life;
      await refreshAll();
      isLoaded = life === mine;
    },
    async catchUp() {
      if (!faults?.has(CATALOG_FAULT.notCaughtUp)) await refreshAll();
    },
    async receive({ section: name, seq, changes }) {
      if (!isLoaded) throw new CodedError('sealed');
      if (!SECTIONS.includes(name)) throw new CodedError('unsupported');
      const own = applied(name);
      if (own.seq >= seq) return;
      const from = seq - changes.length;
      if (own.seq >= from) return apply(name, changes.slice(own.seq - from).reduce(advanced, own));
      await refreshShared(name);
      if (applied(name).seq < seq) throw new CodedError('storage_failed');
    },
    clear() {
      life++;
      isLoaded = false;
      sections.clear();
      sequences = undefined;
      for (const name of SECTIONS) for (const watcher of watchers.get(name) ?? []) watcher(new Map());
      version++;
    },
  };
}
