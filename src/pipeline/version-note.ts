/**
 * Notes in the store, once, when a release first served it: what `sys/version-history` shows.
 *
 * @module
 */
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import { OWN_CLAIMS } from '../model/actor.ts';
import { unchanged } from './section-change.ts';

/** Whoever notes it first says when. */
export const noteVersion: SectionChange<{ key: string; atMs: number }, void> = {
  id: 'settings/version',
  section: 'settings',
  run: (entries, { key, atMs }) =>
    entries.has(key) ? unchanged : { patch: { [key]: atMs }, reply: undefined },
};

export interface VersionNoteOptions {
  readonly catalog: Pick<Catalog, 'entries' | 'change'>;
  /** Of the setting, which names the release. */
  readonly key: string;
  now(): number;
  after(run: () => void, ms: number): { clear(): void };
  readonly retryMs: number;
}

export interface VersionNote {
  /** On unseal. Done in the background, sooner or later: nobody waits for it, and what fails is tried again. */
  open(): void;
  /** On seal. */
  close(): void;
}

export function makeVersionNote(options: VersionNoteOptions): VersionNote {
  const { catalog, key } = options;
  let waiting: { clear(): void } | undefined;
  let life = 0;

  async function attempt(atMs: number, mine: number): Promise<void> {
    waiting = undefined;
    if (catalog.entries('settings').has(key)) return;
    try {
      await catalog.change(noteVersion, { key, atMs }, OWN_CLAIMS);
    } catch {
      if (life === mine) waiting = options.after(() => void attempt(atMs, mine), options.retryMs);
    }
  }

  return {
    open() {
      const mine = ++life;
      const atMs = options.now();
      // Not at once: those who open wait for nothing that needs them to be open.
      waiting = options.after(() => void attempt(atMs, mine), 0);
    },
    close() {
      life++;
      waiting?.clear();
      waiting = undefined;
    },
  };
}
