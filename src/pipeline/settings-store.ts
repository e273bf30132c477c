/**
 * Settings of the whole cluster by key, in the catalog: every member has them in memory, any of them changes them.
 *
 * @module
 */
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import type { Claims } from '../model/actor.ts';
import { CodedError } from '../model/errors.ts';
import { SETTING_BYTES_MAX, SETTING_KEY_BYTES_MAX } from '../model/limits.ts';
import { putSetting } from './lifecycle.ts';
import { unchanged } from './section-change.ts';

/** Keys are `kind` or `kind/name`, or `kind/<namespace id>/name` of what each namespace has; values plain JSON. */
export interface SettingsStore {
  /** As it is in force here. */
  now(key: string): unknown;
  /** As all members have it. */
  current(key: string): Promise<unknown>;
  /** Of all keys that begin with `prefix`, what follows it, sorted, as all members have them. */
  names(prefix: string): Promise<string[]>;
  /** As `names`, with what they say. */
  all(prefix: string): Promise<ReadonlyMap<string, unknown>>;
  /** @throws CodedError `bad_request` where key or value is too long. */
  put(key: string, value: unknown, claims: Claims): Promise<void>;
  /** Takes away what a namespace had that is gone: all `kind/<its id>/name`. */
  forget(namespaceId: string): Promise<void>;
  /** Nothing there is no mistake. */
  remove(key: string, claims: Claims): Promise<void>;
}

export const removeSetting: SectionChange<{ key: string }, void> = {
  id: 'settings/remove',
  section: 'settings',
  run: (entries, { key }) => (entries.has(key) ? { patch: { [key]: null }, reply: undefined } : unchanged),
};

export const forgetSettings: SectionChange<{ namespace: string }, void> = {
  id: 'settings/forget',
  section: 'settings',
  run(entries, { namespace }) {
    const keys = [...entries.keys()].filter((key) => {
      const [, id, name] = key.split('/');
      return id === namespace && name !== undefined;
    });
    if (keys.length === 0) return unchanged;
    return { patch: Object.fromEntries(keys.map((key) => [key, null])), reply: undefined };
  },
};

export function makeSettingsStore(catalog: Pick<Catalog, 'entries' | 'current' | 'change'>): SettingsStore {
  async function all(prefix: string): Promise<ReadonlyMap<string, unknown>> {
    const entries = [...(await catalog.current('settings'))].filter(([key]) => key.startsWith(prefix));
    const named = entries.map(([key, value]): [string, unknown] => [key.slice(prefix.length), value]);
    return new Map(named.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  return {
    now: (key) => catalog.entries('settings').get(key),
    current: async (key) => (await catalog.current('settings')).get(key),
    names: async (prefix) => [...(await all(prefix)).keys()],
    all,
    async put(key, value, claims) {
      if (Buffer.byteLength(key) > SETTING_KEY_BYTES_MAX)
        throw new CodedError('bad_request', 'the name is too long');
      if (Buffer.byteLength(JSON.stringify(value)) > SETTING_BYTES_MAX)
        throw new CodedError('bad_request', `a setting must not exceed ${SETTING_BYTES_MAX} bytes`);
      await catalog.change(putSetting, { key, value }, claims);
    },
    async forget(namespace) {
      await catalog.change(forgetSettings, { namespace });
    },
    async remove(key, claims) {
      await catalog.change(removeSetting, { key }, claims);
    },
  };
}
