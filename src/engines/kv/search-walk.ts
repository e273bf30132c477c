/**
 * The order in which a search goes through a mount, and how it goes on where it ended: depth first, each folder's names in byte order.
 *
 * @module
 */

/** What a search comes by: a secret, or a folder, whose path ends in `/`. */
export interface WalkOptions {
  /** '' or ending in `/`. */
  readonly folder: string;
  /** Everything up to this path, and all below it where it is a folder, was gone through; '' at first. */
  readonly after: string;
  /** The next names of a folder after `name`, at most `limit`. */
  list(folder: string, name: string, limit: number): Promise<string[]>;
  /** May it be listed? Asked before each page. */
  mayList(folder: string): boolean;
  readonly pageMax: number;
}

export type Step =
  | { readonly kind: 'secrets'; readonly paths: readonly string[] }
  | { readonly kind: 'folder'; readonly path: string; readonly isRefused: boolean };

interface Level {
  readonly folder: string;
  /** The last name of the page before. */
  last: string;
  names: string[];
  isAll: boolean;
  /** Names on the way to where the search before ended; the first is in this folder. */
  way: readonly string[];
}

/** Secrets come in runs, one after the other in a page, so that they can be looked into together. */
export async function* walk({ folder, after, list, mayList, pageMax }: WalkOptions): AsyncGenerator<Step> {
  const levels: Level[] = [];

  function* enter(path: string, way: readonly string[]): Generator<Step> {
    const isRefused = !mayList(path);
    yield { kind: 'folder', path, isRefused };
    if (isRefused) return;
    // A folder comes after names that begin as it does and go on with a lesser sign than the slash.
    const last = (way[0] ?? '').replace(/\/$/, '');
    levels.push({ folder: path, last, names: [], isAll: false, way });
  }

  yield* enter(
    folder,
    after.startsWith(folder) ? (after.slice(folder.length).match(/[^/]*\/|[^/]+$/g) ?? []) : [],
  );
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    if (level.names.length === 0) {
      if (level.isAll) {
        levels.pop();
        continue;
      }
      if (!mayList(level.folder)) {
        yield { kind: 'folder', path: level.folder, isRefused: true };
        levels.pop();
        continue;
      }
      const page = await list(level.folder, level.last, pageMax);
      level.isAll = page.length < pageMax;
      level.last = page.at(-1) ?? level.last;
      level.names = page.reverse();
      continue;
    }
    const secrets: string[] = [];
    for (let name = level.names.at(-1); name !== undefined; name = level.names.at(-1)) {
      const [start, ...rest] = level.way;
      const order = start === undefined ? 1 : Buffer.compare(Buffer.from(name), Buffer.from(start));
      if (order < 0 || (order === 0 && rest.length === 0)) {
        level.names.pop();
        continue;
      }
      if (name.endsWith('/')) {
        if (secrets.length > 0) break;
        level.names.pop();
        level.way = [];
        yield* enter(level.folder + name, order === 0 ? rest : []);
        break;
      }
      level.names.pop();
      secrets.push(level.folder + name);
    }
    if (secrets.length > 0) yield { kind: 'secrets', paths: secrets };
  }
}
