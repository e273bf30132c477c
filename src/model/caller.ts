/**
 * Who asks, as far as a token tells.
 *
 * @module
 */

/** What a token's record says of it. Times are wall-clock ms, durations seconds. The token itself is stored nowhere. */
export interface TokenState {
  /** Accessor of the parent; undefined: an orphan. */
  parent: string | undefined;
  policies: string[];
  meta: Record<string, string> | null;
  displayName: string;
  /** Uses that are left; undefined: not limited. 0: spent, good for nothing more. */
  usesLeft: number | undefined;
  /** num_uses it was made with; 0: not limited. */
  numUses: number;
  type: 'service' | 'batch';
  /** API path it was made at, `auth/token/create`. */
  path: string;
  role?: string;
  createdAtMs: number;
  /** Seconds it was granted at creation; 0: never expires. */
  ttl: number;
  /** Undefined: never. */
  expiresAtMs: number | undefined;
  explicitMaxTtl: number;
  period: number;
  renewable: boolean;
  renewedAtMs?: number;
  /** Seconds the last renewal granted. */
  grantedTtl?: number;
  noDefaultPolicy: boolean;
  /** Networks from which it may be used; absent: any. */
  boundCidrs?: string[];
  /** Who issued it by a login: the mount's uuid, without which it is good for nothing, and the name there of who logged in. */
  issuer?: { mount: string; name: string };
  /**
   * A reply waits, to be opened by its only use. `path`: API path of the request that was answered. `reply`: its bytes as Latin-1, where it is short;
   * else it lies in a record of its own. A short Buffer would keep the whole block that it was cut from. Not in what a caller brings.
   */
  wraps?: { readonly path: string; readonly reply?: string };
  /**
   * On its way out: `tree`: it and all below it are dead and being swept. `self`: it is dead, and whether its children end with it is being found out.
   * `orphaning`: it is dead, its children are orphans, and are being told so.
   */
  dying?: 'tree' | 'self' | 'orphaning';
  dyingSinceMs?: number;
}

/** A token that is asked for. When it began, and so when it ends, is said by its owner, in the operation that makes it: by whose clock its end is judged. */
export type NewToken = Omit<TokenState, 'createdAtMs' | 'expiresAtMs'>;

export interface Caller {
  /** The token as sent. Enters no log; audit hashes it. */
  readonly token: string;
  /** Of a batch token: a name for it within the program, which nobody is shown. */
  readonly accessor: string;
  /** Id of the token's namespace. It is good there and below, its policies are those of there. */
  readonly namespace: string;
  readonly state: TokenState;
  readonly isRoot: boolean;
}
