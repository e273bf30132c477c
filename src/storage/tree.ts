/**
 * One level of the tree of paths, as Vault's lists show it. What lies below a folder is passed over by seeking, so the cost is by the names shown,
 * not by the records below them.
 *
 * @module
 */
import { STORAGE_LIST_PAGE } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';

/** Sorts after every path that continues a folder's: no UTF-8 text holds it. */
const LAST = '\u{10ffff}';

/**
 * Names right below `prefix` ('' or ending in `/`), in byte order; `name/` stands for all there is below it.
 * @param options.after - exclusive. @param options.limit - 0: all.
 */
export async function children(
  storage: Storage,
  prefix: string,
  options: { after?: string; limit?: number } = {},
): Promise<string[]> {
  const { after = '', limit = 0 } = options;
  const names: string[] = [];
  let from = after === '' ? '' : prefix + after + (after.endsWith('/') ? LAST : '');
  for (;;) {
    const paths = await storage.list(prefix, from, STORAGE_LIST_PAGE);
    let folder = '';
    for (const path of paths) {
      if (folder !== '' && path.startsWith(folder)) continue;
      const rest = path.slice(prefix.length);
      const slash = rest.indexOf('/');
      const name = slash < 0 ? rest : rest.slice(0, slash + 1);
      folder = slash < 0 ? '' : prefix + name;
      names.push(name);
      if (limit > 0 && names.length === limit) return names;
    }
    if (paths.length < STORAGE_LIST_PAGE) return names;
    from = folder === '' ? paths.at(-1)! : folder + LAST;
  }
}
