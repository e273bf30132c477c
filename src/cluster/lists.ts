/**
 * Lists and index groups, read from the store as they are written there: linearizable, whoever owns what is listed (protocol §13).
 *
 * @module
 */
import {
  indexPrefix,
  isListed,
  listPrefix,
  type Names,
  openChild,
  openIndexEntry,
} from '../actors/places.ts';
import type { ActorId, Cluster } from '../model/actor.ts';
import type { Storage } from '../model/storage.ts';
import { byBytes } from '../storage/path.ts';
import { children } from '../storage/tree.ts';

export interface ListsOptions {
  /** Sealed: names come out plain. */
  readonly storage: Storage;
  readonly names: Names;
}

/** Names that are opened in one piece. */
const NAMES_AT_ONCE = 1_000;

export function makeLists({ storage, names }: ListsOptions): Pick<Cluster, 'list' | 'index'> {
  return {
    async list(kind, namespace, mount, prefix, { after = '', limit = 0 } = {}) {
      const id: ActorId = { kind, namespace, mount, name: prefix };
      const sealed = await children(storage, listPrefix(names, id), { limit: Number.POSITIVE_INFINITY });
      // Sealed names sort otherwise than plain ones, so a page can only be cut after all were opened.
      const plain: string[] = [];
      for (const name of sealed) {
        if (!isListed(name)) continue;
        plain.push(openChild(names, id, name));
        if (plain.length % NAMES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      plain.sort(byBytes);
      const from = after === '' ? plain : plain.filter((name) => byBytes(name, after) > 0);
      return limit > 0 ? from.slice(0, limit) : from;
    },
    async index(index, group, limit) {
      const paths = await storage.list(indexPrefix(names, index, group), '', limit);
      return paths.map((path) => openIndexEntry(names, index, group, path));
    },
  };
}
