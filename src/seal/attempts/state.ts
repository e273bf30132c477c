/**
 * What is being attempted with shares: a root token, another seal. The attempt rests in the store; the shares given to it never do
 * (`given-shares.ts`).
 *
 * @module
 */

export type AttemptName = 'generate-root' | 'rekey';

/** What all attempts have in common. Times are wall clock, ms. */
interface Begun {
  readonly nonce: string;
  /** Id of the seal in force when it began. Another seal has other shares, and ends it. */
  readonly seal: string;
  /** Then it was never there, unless a share has kept it. */
  readonly lapsesAtMs: number;
}

export interface RootWanted {
  /** '' where it is to be encrypted to a PGP key. */
  readonly otp: string;
  /** Public, in base64; '' where there is an OTP. */
  readonly pgpKey: string;
  readonly fingerprint: string;
}

export interface RekeyWanted {
  readonly shares: number;
  readonly threshold: number;
  /** Public, in base64, one for each share; none: shares are shown as they are. */
  readonly pgpKeys: readonly string[];
  readonly fingerprints: readonly string[];
  /** What is encrypted is kept in the store, too. */
  readonly backup: boolean;
  /** The new shares must be given once before they are in force. */
  readonly verify: boolean;
}

export type RootAttempt = Begun & RootWanted;

export interface RekeyAttempt extends Begun, RekeyWanted {
  /** Enough old shares were given: there are new ones, or will be at once. */
  readonly authorized?: true;
  /** The new seal waits for its own shares. `record`: as it will be stored, base64. */
  readonly verification?: { readonly nonce: string; readonly record: string };
}

export interface Attempts {
  readonly 'generate-root'?: RootAttempt;
  readonly rekey?: RekeyAttempt;
  /** PGP messages that a rekey kept: what they hold, nobody here can read. It stays until it is deleted, or another takes its place. */
  readonly backup?: Backup;
}

export interface Backup {
  readonly nonce: string;
  /** Hex, by the fingerprint of who can read it. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

export type Attempt = RootAttempt | RekeyAttempt;

/** `attempts` with another one of that name, or without. */
export function withAttempt<N extends AttemptName>(
  attempts: Attempts,
  name: N,
  attempt: Attempts[N] | undefined,
): Attempts {
  const { [name]: _, ...others } = attempts;
  return attempt ? { ...others, [name]: attempt } : others;
}

export function isEmpty(attempts: Attempts): boolean {
  return Object.keys(attempts).length === 0;
}
