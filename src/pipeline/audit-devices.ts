/**
 * Audit devices of the catalog, opened: the section says which there are, `audit/` writes to them.
 *
 * @module
 */
import type { Audit } from '../audit/audit.ts';
import type { AuditDevice } from '../audit/device.ts';
import { makeFileDevice } from '../audit/file-device.ts';
import { type LiveSearch, makeLiveSearches } from '../audit/live-search.ts';
import { parseBool } from '../audit/options.ts';
import type { SearchFilter } from '../audit/search.ts';
import { makeSentDevice } from '../audit/sent-device.ts';
import type { Catalog, Entries, SectionChange } from '../cluster/catalog.ts';
import type { Claims } from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import { badRequest } from '../model/errors.ts';
import { AUDIT_CLOSE_MS } from '../model/limits.ts';
import type { ReplyStream } from '../model/request.ts';
import type { AuditChains } from './audit-chains.ts';
import { refuseUsedFile, refuseUsedName, refuseUsedPath } from './audit-conflicts.ts';
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
export interface KeptDevice extends DeviceSettings {
  readonly salt: string;
}

export interface AuditDevices {
  /** Sorted by path, as all members have them. */
  devices(): Promise<DeviceSettings[]>;
  enable(device: DeviceSettings, claims: Claims): Promise<void>;
  disable(path: string, claims: Claims): Promise<void>;
  hash(path: string, input: string): string | undefined;
  /** @throws CodedError `bad_request` where there is no such device, or several of which none is named; `overloaded`. */
  search(search: AuditLogSearch): Promise<ReplyStream>;
  /** On unseal: opens all. One that cannot be opened fails each of its entries until it can. */
  openAll(): Promise<void>;
  /** On seal. */
  closeAll(): Promise<void>;
}

/** What is looked for in the own log of a device on this node. */
export interface AuditLogSearch extends Omit<LiveSearch, 'file' | 'filter'> {
  /** '' where there is only one with a file. */
  readonly device: string;
  /** Its accessors: those of a token in the clear, or as the log has it. */
  readonly filter: SearchFilter;
}

export const addDevice: SectionChange<KeptDevice, void> = {
  id: 'audit/add',
  section: 'audit',
  run(entries, device) {
    refuseUsedPath(entries, device.path);
    refuseUsedName(entries, device);
    if (isFallback(device) && ([...entries.values()] as KeptDevice[]).some(isFallback))
      throw badRequest('there is a fallback device already, and there can be one only');
    return { patch: { [device.path]: device }, reply: undefined };
  },
};

function isFallback({ options }: KeptDevice): boolean {
  return parseBool('fallback', options.fallback, false);
}

export const removeDevice: SectionChange<{ path: string }, void> = {
  id: 'audit/remove',
  section: 'audit',
  run: (entries, { path }) => (entries.has(path) ? { patch: { [path]: null }, reply: undefined } : unchanged),
};

export function makeAuditDevices(
  catalog: Catalog,
  audit: Audit,
  newId: () => string,
  forbiddenFolders: readonly string[],
  /** Absent: lines stand alone. */
  chains?: AuditChains,
  after: Clock['after'] = inTime,
): AuditDevices {
  /** Salts of the devices that are open, by path. */
  const open = new Map<string, string>();
  /** Devices that were tried here, by salt: they are the ones to open once the catalog has them. */
  const tried = new Map<string, AuditDevice>();
  /** Paths of devices that are being closed. */
  const closing = new Map<string, Promise<void>>();
  let isOpen = false;
  const liveSearch = makeLiveSearches({ after });

  const make = (device: KeptDevice): AuditDevice => {
    const { type, options, salt } = device;
    const chain = chains?.chainOf(device);
    switch (type) {
      case 'file':
        return makeFileDevice({ options, salt, forbiddenFolders, chain });
      case 'socket':
      case 'syslog':
      case 'http':
        return makeSentDevice({ type, options, salt, chain });
      default:
        throw badRequest('unknown backend type: only "file", "socket", "syslog" and "http" are served');
    }
  };

  function close(path: string): void {
    open.delete(path);
    const done = soon(audit.remove(path)).finally(() => {
      if (closing.get(path) === done) closing.delete(path);
    });
    closing.set(path, done);
  }

  /** A device that hangs is closed whenever it may be: nobody waits longer for it, least of all who wants the keys wiped. */
  function soon(done: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const late = after(resolve, AUDIT_CLOSE_MS);
      void done.finally(() => {
        late.clear();
        resolve();
      });
    });
  }

  /** In the turn in which the catalog's change is applied: from then on each request is told to these devices, on every member. */
  function settle(entries: Entries): void {
    if (!isOpen) return;
    for (const [path, salt] of open) if ((entries.get(path) as KeptDevice)?.salt !== salt) close(path);
    for (const device of entries.values() as Iterable<KeptDevice>) {
      if (open.has(device.path)) continue;
      open.set(device.path, device.salt);
      audit.add(device.path, tried.get(device.salt) ?? orBroken(make, device));
    }
  }
  catalog.watch('audit', settle);

  return {
    async devices() {
      const kept = [...(await catalog.current('audit')).values()] as KeptDevice[];
      return kept.map(({ salt: _salt, ...settings }) => settings).sort((a, b) => (a.path < b.path ? -1 : 1));
    },
    async enable(settings, claims) {
      const device: KeptDevice = { ...settings, salt: newId() };
      const there = catalog.entries('audit');
      refuseUsedPath(there, device.path);
      await refuseUsedFile(there, device);
      const probed = make(device);
      try {
        await audit.probe(probed, newId());
      } catch (error) {
        await probed.close().catch(() => {});
        await chains?.forget(device).catch(() => {});
        throw error;
      }
      tried.set(device.salt, probed);
      try {
        await catalog.change(addDevice, device, claims);
      } finally {
        tried.delete(device.salt);
        // Refused, or sealed meanwhile.
        if (audit.devices.get(device.path) !== probed) {
          await probed.close();
          await chains?.forget(device).catch(() => {});
        }
      }
    },
    async disable(path, claims) {
      await catalog.change(removeDevice, { path }, claims);
      await closing.get(path);
    },
    hash: (path, input) => (audit.devices.has(path) ? audit.hash(path, input) : undefined),
    async search({ device, filter, ...more }) {
      const found = deviceFor(audit.devices, device);
      const { accessors } = filter;
      const hashed = accessors?.flatMap((one) =>
        one.startsWith('hmac-sha256:') ? [one] : [one, found.hash(one)],
      );
      return liveSearch({ ...more, filter: { ...filter, accessors: hashed }, file: await found.ownFile!() });
    },
    async openAll() {
      isOpen = true;
      settle(catalog.entries('audit'));
    },
    async closeAll() {
      isOpen = false;
      for (const path of [...open.keys()]) close(path);
      await Promise.all(closing.values());
      chains?.clear();
    },
  };
}

/** @param path - '' where there is only one with a file. */
function deviceFor(devices: ReadonlyMap<string, AuditDevice>, path: string): AuditDevice {
  const withFiles = [...devices].filter(([, { ownFile }]) => ownFile);
  const found =
    path === ''
      ? withFiles.length === 1
        ? withFiles[0]
        : undefined
      : withFiles.find(([name]) => name === path);
  if (found) return found[1];
  if (path !== '') throw badRequest('there is no audit device of that name that writes a file');
  throw badRequest(
    withFiles.length === 0
      ? 'there is no audit device that writes a file'
      : 'several audit devices write files: name one of them',
  );
}

function inTime(run: () => void, ms: number): { clear(): void } {
  const timer = setTimeout(run, ms);
  return { clear: () => clearTimeout(timer) };
}

/** What cannot even be made takes no line: requests are refused while no other device does. */
function orBroken(make: (device: KeptDevice) => AuditDevice, device: KeptDevice): AuditDevice {
  try {
    return make(device);
  } catch (error) {
    const nowhere = make({ ...device, type: 'file', options: { file_path: 'discard' } });
    return { ...nowhere, open: () => Promise.reject(error), write: () => Promise.reject(error) };
  }
}
