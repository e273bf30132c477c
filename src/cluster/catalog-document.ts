/**
 * A section of the catalog as an Automerge document: its last snapshot, and one change for each change since.
 *
 * Whoever makes it from the same history makes the same changes, byte for byte: so two nodes compare a section by its heads, and one that is
 * behind gets from a peer what it lacks by Automerge's sync protocol. Automerge is loaded where nodes sync; requests never touch it.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type * as Automerge from '@automerge/automerge';
import { CATALOG_DOCUMENT_BYTES_MAX, CATALOG_DOCUMENT_ENTRIES_MAX } from '../model/limits.ts';
import {
  type AppliedSection,
  advanced,
  type History,
  type Patch,
  type SectionName,
} from './catalog-section.ts';

export type AutomergeLibrary = typeof Automerge;

interface Content {
  base: number;
  seq: number;
  /** JSON by key. A mark stands before each key, so that none is a name that JavaScript knows. */
  entries: Record<string, Automerge.ImmutableString>;
}

export type SectionDocument = Automerge.Doc<Content>;

const MARK = '=';
/** Entries of a snapshot that are put at once: a few ms. */
const ENTRIES_AT_ONCE = 50;

/** Does it fit into a document? */
export function mayBeDocument(history: History | undefined): history is History {
  if (!history || history.entries.size > CATALOG_DOCUMENT_ENTRIES_MAX) return false;
  let bytes = 0;
  for (const [key, value] of history.entries) bytes += key.length + JSON.stringify(value).length;
  for (const { length } of history.changes) bytes += length;
  return bytes <= CATALOG_DOCUMENT_BYTES_MAX;
}

/** @param breathe - asked now and then: others may have their turn. */
export async function documentOf(
  automerge: AutomergeLibrary,
  name: SectionName,
  { base, entries, changes }: History,
  breathe: () => Promise<void> | undefined,
): Promise<SectionDocument> {
  const { ImmutableString } = automerge;
  const text = (value: unknown) => new ImmutableString(JSON.stringify(value));
  const step = (document: SectionDocument, seq: number, change: (content: Content) => void) =>
    // No clock and no chance in it, or two nodes would not make the same.
    automerge.change(document, { time: 0, message: String(seq) }, change);

  let document = automerge.init<Content>({ actor: actorOf(name) });
  document = step(document, base, (content) => {
    content.base = base;
    content.seq = base;
    content.entries = {};
  });
  const sorted = [...entries].sort(byKey);
  for (let from = 0; from < sorted.length; from += ENTRIES_AT_ONCE) {
    document = step(document, base, (content) => {
      for (const [key, value] of sorted.slice(from, from + ENTRIES_AT_ONCE))
        content.entries[MARK + key] = text(value);
    });
    await breathe();
  }
  for (const [n, change] of changes.entries()) {
    const patch = Object.entries(JSON.parse(Buffer.from(change).toString()) as Patch).sort(byKey);
    document = step(document, base + n + 1, (content) => {
      content.seq = base + n + 1;
      for (const [key, value] of patch) {
        if (value === null) delete content.entries[MARK + key];
        else content.entries[MARK + key] = text(value);
      }
    });
    await breathe();
  }
  return document;
}

/** The section that a document shows. @throws Error where it is none of ours. */
export function sectionOf(automerge: AutomergeLibrary, document: SectionDocument): AppliedSection {
  const entries = new Map<string, unknown>();
  const steps: { readonly seq: number; readonly patch: Patch }[] = [];
  for (const bytes of automerge.getAllChanges(document)) {
    const { message, ops } = automerge.decodeChange(bytes);
    steps.push({
      seq: message === null ? Number.NaN : Number(message),
      patch: patchOf(ops as readonly Operation[]),
    });
  }
  const base = steps[0]?.seq ?? Number.NaN;
  for (const { seq, patch } of steps) {
    if (seq === base) for (const [key, value] of Object.entries(patch)) entries.set(key, value);
  }
  const changes = steps.filter(({ seq }) => seq !== base);
  const isWhole = changes.every(({ seq }, n) => seq === base + n + 1);
  if (!Number.isSafeInteger(base) || base < 0 || !isWhole)
    throw new Error('the document is not of a section');
  const began: AppliedSection = { seq: base, entries, history: { base, entries, changes: [] } };
  return changes.reduce((section, { patch }) => advanced(section, Buffer.from(JSON.stringify(patch))), began);
}

interface Operation {
  readonly action: string;
  readonly key?: string;
  readonly value?: unknown;
}

/** What a change puts and deletes among the entries. */
function patchOf(ops: readonly Operation[]): Patch {
  const patch: [string, unknown][] = [];
  for (const { action, key, value } of ops) {
    if (!key?.startsWith(MARK)) continue;
    if (action === 'del') patch.push([key.slice(MARK.length), null]);
    else patch.push([key.slice(MARK.length), JSON.parse(String(value))]);
  }
  return Object.fromEntries(patch);
}

/** One for each section: its owner alone makes changes, in one order. */
export function actorOf(name: SectionName): string {
  return hash('sha256', `coffer catalog ${name}`, 'hex').slice(0, 32);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}

/** Equal where two nodes have the same section by the same history. */
export function fingerprintOf(automerge: AutomergeLibrary, document: SectionDocument): string {
  return automerge.getHeads(document).join();
}
