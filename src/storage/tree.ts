/**
 * One level of the path tree, as Vault's LIST shows it, over a store that knows only sorted paths.
 *
 * @module
 */
import { STORAGE_LIST_PAGE } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';

/** Pages begin small, since a folder's records after the first are of no use, and grow while names keep coming. */
const PAGE_MIN = 8;
/** The last character of all: what comes after `folder/` and this is behind nearly all of the folder. */
const LAST = '\u{10FFFF}';

export interface ChildrenOptions {
  /** Show names behind this one only, in byte order; as shown, so a folder's ends with '/'. */
  readonly after?: string;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/**
 * The next `limit` names directly under `prefix` (which is '' or ends with '/'): records by their name, folders by name and '/'. In byte order,
 * each once. The cost is by the names shown: a folder is passed by in one step, however much is below it.
 */
export async function children(
  storage: Pick<Storage, 'list'>,
  prefix: string,
  options: ChildrenOptions,
): Promise<string[]> {
  const names: string[] = [];
  let last = childOf(options.after ?? '');
  let cursor = last === '' ? '' : behind(prefix, last);
  let pageSize = PAGE_MIN;
  while (names.length < options.limit) {
    const page = await storage.list(prefix, cursor, pageSize, options.signal);
    let fresh = 0;
    for (const path of page) {
      const name = childOf(path.slice(prefix.length));
      if (name === last || name === '') continue;
      last = name;
      fresh++;
      names.push(name);
      if (names.length === options.limit) return names;
    }
    if (page.length < pageSize) return names;
    const end = page.at(-1)!;
    // Behind a page of one folder's records only, not even the step past the folder helped: go record by record, in larger pages.
    cursor = fresh > 0 ? behind(prefix, childOf(end.slice(prefix.length)), end) : end;
    pageSize = fresh * 2 > page.length || fresh === 0 ? Math.min(pageSize * 4, STORAGE_LIST_PAGE) : PAGE_MIN;
  }
  return names;
}

/** The name that `rest`, a path below the prefix, is shown under. */
function childOf(rest: string): string {
  const slash = rest.indexOf('/');
  return slash < 0 ? rest : rest.slice(0, slash + 1);
}

/** Where to go on after `name`; never before `end`, the last path seen. */
function behind(prefix: string, name: string, end = ''): string {
  if (!name.endsWith('/')) return prefix + name;
  const step = prefix + name + LAST;
  return Buffer.compare(Buffer.from(step), Buffer.from(end)) > 0 ? step : end;
}
