/**
 * All secrets below a folder, one list after the other, depth first.
 *
 * @module
 */
import type { Client } from '../client.ts';
import { messageOf, RequestDescribed } from '../failure.ts';
import { ResponseError } from '../response-error.ts';
import { listedKeys } from '../secret.ts';
import { listSecret } from '../secret-requests.ts';

/** A secret, or a folder that may not be listed. Paths are below where the walk began; a folder's ends in `/`. */
export type Walked = { readonly secret: string } | { readonly refused: string };

/**
 * Holds no more than the names of the folders on its way.
 * @param path - for the API, of where it begins.
 * @throws as `listSecret` for the first list, and where any list fails otherwise than by a refusal.
 * @returns whether there was anything at `path`.
 */
export async function* walkSecrets(client: Client, path: string): AsyncGenerator<Walked, boolean> {
  const first = listedKeys(await listSecret(client, path));
  if (first === undefined) return false;
  const root = path.endsWith('/') ? path : `${path}/`;
  // Each level: names still to be looked at, the next one last.
  const levels: { readonly folder: string; readonly names: string[] }[] = [
    { folder: '', names: queue(first) },
  ];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const name = level.names.pop();
    if (name === undefined) levels.pop();
    else if (!name.endsWith('/')) yield { secret: level.folder + name };
    else {
      const folder = level.folder + name;
      const names = await namesIn(client, root + folder);
      if (names === undefined) yield { refused: folder };
      else levels.push({ folder, names });
    }
  }
  return true;
}

function queue(keys: readonly unknown[]): string[] {
  return keys.filter((key) => typeof key === 'string').reverse();
}

/** Undefined: it may not be listed. A folder that went meanwhile has no names. */
async function namesIn(client: Client, path: string): Promise<string[] | undefined> {
  try {
    return queue(listedKeys(await listSecret(client, path)) ?? []);
  } catch (error) {
    if (error instanceof ResponseError && error.status === 403) return undefined;
    if (error instanceof RequestDescribed) throw error;
    throw new Error(`${path}: ${messageOf(error)}`);
  }
}
