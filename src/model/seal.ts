/**
 * What the seal tells of itself, and what is given to it: as `seal/` and `cluster/` have it, and the system engine shows and takes it.
 *
 * @module
 */

export interface SealStatus {
  readonly type: 'shamir';
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** 0 where not initialised, as is `shares`. */
  readonly threshold: number;
  readonly shares: number;
  /** Shares given so far to an unseal that is not through. */
  readonly progress: number;
  /** A uuid that names this unseal; '' where none is under way. */
  readonly nonce: string;
}

export interface KeyStatus {
  readonly term: number;
  readonly installedAtMs: number;
  /** At least as many as were made; after a restart the unused rest of a slice counts too. */
  readonly encryptions: number;
}

/** When a new term of the data key begins by itself. */
export interface RotationConfig {
  readonly enabled: boolean;
  /** Encryptions of one term; at most TERM_OPERATIONS_MAX. */
  readonly operationsMax: number;
  /** Age of a term, ms; 0: any. */
  readonly intervalMs: number;
}

/** A share, and who gives it. */
export interface Giving {
  readonly nonce: string;
  /** 16 to 33 bytes, or it is refused. Wiped by the caller. */
  readonly share: Uint8Array;
  /** Has a token with sudo: how many wrong shares strangers gave is not held against it. */
  readonly isTrusted: boolean;
}

/** Who may end an attempt: has its nonce, or a token with sudo. */
export interface Ending {
  readonly nonce: string;
  readonly isTrusted: boolean;
}

export interface RootGiven {
  readonly progress: number;
  readonly required: number;
  readonly complete: boolean;
  readonly fingerprint: string;
  /** '' until it is complete. */
  readonly encodedToken: string;
}

export interface RekeyDone {
  /** As they are, or PGP messages where there are fingerprints. */
  readonly keys: readonly Uint8Array[];
  readonly fingerprints: readonly string[];
  readonly backup: boolean;
  /** Undefined: they are in force. */
  readonly verificationNonce: string | undefined;
  readonly warning?: string;
}
