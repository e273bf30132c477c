/**
 * Audit devices of the catalog, opened: the section says which there are, `audit/` writes to them.
 *
 * @module
 */
import type { Audit } from '../audit/audit.ts';
import type { AuditDevice } from '../audit/device.ts';
import { makeFileDevice } from '../audit/file-device.ts';
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import type { Claims } from '../model/actor.ts';
import { badRequest } from '../model/errors.ts';
import { unchanged } from './section-change.ts';

/** As configured through the API. */
export interface DeviceSettings {
  /** Ends in `/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
}

/** As kept: the salt is what its hashes are made with, for the life of the device. */
interface KeptDevice extends DeviceSettings {
  readonly salt: string;
}

export interface AuditDevices {
  /** Sorted by path. */
  devices(): DeviceSettings[];
  enable(device: DeviceSettings, claims: Claims): Promise<void>;
  disable(path: string, claims: Claims): Promise<void>;
  hash(path: string, input: string): string | undefined;
  /** On unseal: opens all. One that cannot be opened fails each of its entries until it can. */
  openAll(): Promise<void>;
  /** On seal. */
  closeAll(): Promise<void>;
}

const addDevice: SectionChange<KeptDevice, void> = {
  id: 'audit/add',
  section: 'audit',
  run(entries, device) {
    if (entries.has(device.path)) throw badRequest('path already in use');
    return { patch: { [device.path]: device }, reply: undefined };
  },
};

const removeDevice: SectionChange<{ path: string }, void> = {
  id: 'audit/remove',
  section: 'audit',
  run: (entries, { path }) => (entries.has(path) ? { patch: { [path]: null }, reply: undefined } : unchanged),
};

export function makeAuditDevices(
  catalog: Catalog,
  audit: Audit,
  newId: () => string,
  forbiddenFolders: readonly string[],
): AuditDevices {
  const kept = () => [...catalog.entries('audit').values()] as KeptDevice[];
  const make = ({ options, salt }: KeptDevice): AuditDevice =>
    makeFileDevice({ options, salt, forbiddenFolders });

  return {
    devices: () =>
      kept()
        .map(({ salt: _salt, ...settings }) => settings)
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
    async enable(settings, claims) {
      if (settings.type !== 'file') throw badRequest('unknown backend type: only "file" is served');
      const device: KeptDevice = { ...settings, salt: newId() };
      if (catalog.entries('audit').has(settings.path)) throw badRequest('path already in use');
      const opened = make(device);
      await audit.probe(opened, newId());
      try {
        await catalog.change(addDevice, device, claims);
      } catch (error) {
        await opened.close();
        throw error;
      }
      audit.add(device.path, opened);
    },
    async disable(path, claims) {
      await catalog.change(removeDevice, { path }, claims);
      await audit.remove(path);
    },
    hash: (path, input) => (audit.devices.has(path) ? audit.hash(path, input) : undefined),
    async openAll() {
      for (const device of kept()) audit.add(device.path, make(device));
    },
    async closeAll() {
      for (const path of [...audit.devices.keys()]) await audit.remove(path);
    },
  };
}
