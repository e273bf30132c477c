/**
 * What a new audit device must not share with one that is there: its path, and its file. Two devices in one file would mix their chains.
 *
 * @module
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, normalize, resolve } from 'node:path';
import type { Entries } from '../cluster/catalog.ts';
import { badRequest } from '../model/errors.ts';
import type { KeptDevice } from './audit-devices.ts';

const kept = (entries: Entries): KeptDevice[] => [...entries.values()] as KeptDevice[];

/** As in Vault, one path must not begin with another: `a/` and `a/b/`. @throws CodedError `bad_request` */
export function refuseUsedPath(entries: Entries, path: string): void {
  if (kept(entries).some((other) => other.path.startsWith(path) || path.startsWith(other.path)))
    throw badRequest('path already in use');
}

/** By its name. @throws CodedError `bad_request` */
export function refuseUsedName(entries: Entries, device: KeptDevice): void {
  const file = fileOf(device);
  // Such as /dev/null, which many may write to.
  if (file === undefined || file.startsWith('/dev/')) return;
  if (kept(entries).some((other) => fileOf(other) === file)) throw used();
}

/** On this node, whatever names it has. @throws CodedError `bad_request` */
export async function refuseUsedFile(entries: Entries, device: KeptDevice): Promise<void> {
  refuseUsedName(entries, device);
  const identity = await identityOf(fileOf(device));
  if (identity === undefined) return;
  const others = await Promise.all(kept(entries).map((other) => identityOf(fileOf(other))));
  if (others.includes(identity)) throw used();
}

const used = () => badRequest('another audit device writes that file');

/** Undefined: it writes none. */
function fileOf({ type, options }: KeptDevice): string | undefined {
  if (type !== 'file') return undefined;
  // Not parsed: what another version has kept may be refused by this one.
  const path = options.file_path ?? options.path ?? '';
  return ['', 'stdout', 'discard'].includes(path.toLowerCase()) ? undefined : normalize(path);
}

/** The same for one file, also where it is not there yet. Undefined: none, or something that is no file, such as a terminal. */
async function identityOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const found = await stat(path).catch(() => undefined);
  if (found) return found.isFile() ? `${found.dev}:${found.ino}` : undefined;
  const folder = await realpath(dirname(resolve(path))).catch(() => undefined);
  return folder && join(folder, basename(path));
}
