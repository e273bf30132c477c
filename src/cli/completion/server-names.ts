/**
 * Names on the server that a path can go on with. Asked once or twice, quickly; whatever goes wrong, there are none.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import { COMPLETION_NAMES_MAX } from '../../model/limits.ts';
import type { Client } from '../client.ts';
import { asMap, asText, listedKeys } from '../secret.ts';
import { listSecret, readSecret } from '../secret-requests.ts';

interface Mount {
  /** Ends in `/`. */
  readonly path: string;
  readonly type: string;
  readonly isVersioned: boolean;
}

/** Paths of the API that begin with `start`: mounts, then names one level at a time. */
export async function apiPaths(client: Client, start: string): Promise<string[]> {
  const mounts = await mountsOf(client);
  const mount = mounts.find(({ path }) => start.startsWith(path));
  if (!mount) return mounts.map(({ path }) => path);
  const [folder, rest] = [folderOf(start), start.slice(mount.path.length)];
  if (!mount.isVersioned) return (await listed(client, folder)).map((name) => folder + name);
  if (!rest.includes('/')) return SECTIONS.map((section) => mount.path + section);
  // All sections have the same names, and one of them lists them.
  const below = mount.path + folderOf(rest).replace(/^[^/]*\//, 'metadata/');
  return (await listed(client, below)).map((name) => folder + name);
}

const SECTIONS = ['data/', 'delete/', 'destroy/', 'metadata/', 'subkeys/', 'undelete/'];

/** Paths as `kv` commands have them. @param mount - of `-mount`; ''. */
export async function kvPaths(client: Client, mount: string, start: string): Promise<string[]> {
  const mounts = (await mountsOf(client)).filter(({ type }) => type === 'kv' || type === 'generic');
  const whole = mount === '' ? start : `${mount.replace(/^\/+|\/+$/g, '')}/${start}`;
  const found = mounts.find(({ path }) => whole.startsWith(path));
  if (!found) return mount === '' ? mounts.map(({ path }) => path) : [];
  const folder = folderOf(whole).slice(found.path.length);
  const names = await listed(client, `${found.path}${found.isVersioned ? 'metadata/' : ''}${folder}`);
  return names.map((name) => folderOf(start) + name);
}

/** Mounts of secrets engines (`kv` only), or of auth methods. */
export async function mountPaths(client: Client, kind: 'secret' | 'auth' | 'kv'): Promise<string[]> {
  const prefix = kind === 'auth' ? 'auth/' : '';
  return (await mountsOf(client))
    .filter(
      ({ path, type }) => path.startsWith('auth/') === (kind === 'auth') && (kind !== 'kv' || type === 'kv'),
    )
    .map(({ path }) => path.slice(prefix.length));
}

/** Keys of a list. */
export async function listed(client: Client, path: string): Promise<string[]> {
  const limit = new Map([['limit', [String(COMPLETION_NAMES_MAX)]]]);
  const keys = listedKeys(await listSecret(client, path, limit)) ?? [];
  return keys.filter((key) => typeof key === 'string').slice(0, COMPLETION_NAMES_MAX);
}

async function mountsOf(client: Client): Promise<Mount[]> {
  const data = (await readSecret(client, 'sys/internal/ui/mounts'))?.data;
  const of = (kind: string, prefix: string) =>
    [...(asMap(data?.get(kind)) ?? [])].map(([path, mount]): Mount => {
      const options: JsonMap | null = asMap(asMap(mount)?.get('options'));
      return {
        path: prefix + path,
        type: asText(asMap(mount)?.get('type')),
        isVersioned: asText(options?.get('version')) === '2',
      };
    });
  return [...of('secret', ''), ...of('auth', 'auth/')];
}

/** Up to its last slash. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
