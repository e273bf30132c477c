/**
 * What engines keep of their mounts in the mount table: read with the mount on every node, changed as the catalog is.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import { CodedError } from '../model/errors.ts';
import type { EngineSettings, Mount, SettingsOfMount } from '../model/mount.ts';
import { unchanged } from './section-change.ts';

interface Change {
  readonly uuid: string;
  readonly patch: EngineSettings;
  /** What they were where the mount has none yet. */
  readonly before: EngineSettings;
}

/** What came in between stays, but for what `patch` names. @throws CodedError where the mount is gone. */
export const changeSettings: SectionChange<Change, void> = {
  id: 'mounts/settings',
  section: 'mounts',
  run(entries, { uuid, patch, before }) {
    const mount = entries.get(uuid) as Mount | undefined;
    if (!mount) throw new CodedError('bad_request', 'no such mount');
    const settings = { ...(mount.settings ?? before), ...patch };
    if (isDeepStrictEqual(settings, mount.settings)) return unchanged;
    return { patch: { [uuid]: { ...mount, settings } }, reply: undefined };
  },
};

export function makeSettingsOfMount(catalog: Pick<Catalog, 'current' | 'change'>): SettingsOfMount {
  return {
    async current({ uuid }) {
      return ((await catalog.current('mounts')).get(uuid) as Mount | undefined)?.settings;
    },
    change: ({ uuid }, patch, before, claims) =>
      catalog.change(changeSettings, { uuid, patch, before }, claims),
  };
}
