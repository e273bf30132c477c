/**
 * Looking for secrets by their names and by what is in them.
 *
 * @module
 */
import type { Claims, Cluster } from './actor.ts';
import type { Caller } from './caller.ts';
import type { Mount } from './mount.ts';
import type { Request } from './request.ts';

export interface KvSearch {
  readonly mount: Mount;
  /** Within the mount: '' or ending in `/`. */
  readonly folder: string;
  /** May stand anywhere in a path, a name or a value; `*` is any text. */
  readonly term: string;
  readonly ignoreCase: boolean;
  /** In names of fields, and in values, besides paths. */
  readonly fields: boolean;
  readonly values: boolean;
  /** Secrets found at most. */
  readonly limit: number;
  /** Where the search before ended; '' at first. */
  readonly after: string;
}

/** On whose behalf, and how long. */
export interface KvSearchContext {
  readonly request: Request;
  readonly caller: Caller;
  readonly cluster: Cluster;
  /** Of the search itself. */
  readonly claims: Claims;
  /** Would a request of the caller be let pass? @param path - API path within the mount; of a list with a slash at its end. */
  may(verb: 'read' | 'list', path: string): boolean;
  /** Monotonic, ms. */
  elapsedMs(): number;
}

export interface KvMatch {
  /** Within the mount. */
  readonly path: string;
  /** JSON pointers to fields whose names or values fit. */
  readonly fields: readonly string[];
}

export interface KvFound {
  readonly matches: readonly KvMatch[];
  /** Where to go on; undefined: all was looked at. */
  readonly next: string | undefined;
  readonly folders: number;
  readonly secrets: number;
  /** Folders that may not be listed. The first so many. */
  readonly notListed: readonly string[];
  /** Secrets that may not be read, so that nothing in them was looked for. */
  readonly notRead: number;
}
