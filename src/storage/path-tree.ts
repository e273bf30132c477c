/**
 * Paths in the order of their bytes, by folder: a list looks at what is in its folder, and at nothing else.
 *
 * @module
 */
import { isAscii } from './path.ts';

interface Folder {
  /** Names in it: of a path as it is (maybe ''), of a folder with its slash; in the order of their bytes once `isSorted`. */
  readonly names: string[];
  isSorted: boolean;
}

export class PathTree {
  /** By their paths, which end with a slash; the root's is ''. */
  readonly #folders = new Map<string, Folder>();

  /** @param path - one that is not in it yet. */
  add(path: string): void {
    const bytes = asBytes(path);
    this.#put(bytes, bytes.lastIndexOf('/') + 1);
  }

  /** @param nameAt - where the name begins in `path`, behind its folder's. */
  #put(path: string, nameAt: number): void {
    const at = path.slice(0, nameAt);
    const name = path.slice(nameAt);
    const folder = this.#folders.get(at);
    if (folder) {
      folder.names.push(name);
      folder.isSorted = false;
      return;
    }
    this.#folders.set(at, { names: [name], isSorted: true });
    if (at !== '') this.#put(at, at.slice(0, -1).lastIndexOf('/') + 1);
  }

  clear(): void {
    this.#folders.clear();
  }

  /** May there be paths that begin with `prefix`? */
  hasUnder(prefix: string): boolean {
    return this.#folders.has(folderOf(asBytes(prefix)));
  }

  /** The paths that begin with `prefix`, and are behind `after`, in the order of their bytes. What is added meanwhile may be missing. */
  *under(prefix: string, after: string): Generator<string> {
    const start = asBytes(prefix);
    for (const path of this.#walk(folderOf(start), asBytes(after), start)) yield asText(path);
  }

  *#walk(at: string, after: string, start: string): Generator<string> {
    const folder = this.#folders.get(at);
    if (!folder) return;
    if (!folder.isSorted) folder.names.sort(compare);
    folder.isSorted = true;
    const { names } = folder;
    for (let index = firstFrom(names, at, after > start ? after : start); index < names.length; index++) {
      const path = at + names[index]!;
      if (!path.startsWith(start) && !start.startsWith(path)) return;
      if (names[index] !== '' && path.endsWith('/')) yield* this.#walk(path, after, start);
      else if (path > after && path.startsWith(start)) yield path;
    }
  }
}

/** Index of the first of `names`, which are in the folder `at`, that is `path`, behind it, or a folder above it. */
function firstFrom(names: readonly string[], at: string, path: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = at + names[middle]!;
    if (found < path && !(found.endsWith('/') && path.startsWith(found))) low = middle + 1;
    else high = middle;
  }
  return low;
}

const folderOf = (prefix: string): string => prefix.slice(0, prefix.lastIndexOf('/') + 1);

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** UTF-8 with a character for each byte, so that strings compare as bytes do. Nearly all paths are ASCII, and their own. */
const asBytes = (text: string): string =>
  isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');

const asText = (bytes: string): string =>
  isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
