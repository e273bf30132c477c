/**
 * What a look at audit logs may find, and what it says of each chain.
 *
 * @module
 */

/**
 * `removed`: entries are not there. `changed`: an entry is not the one that was written. `reordered`: entries stand in another order.
 * `cut`: the end is missing. `swapped`: files have changed places. `replayed`: entries stand there again, or an old file is in place of the
 * present one. `inserted`: a line that is no entry. `forged`: a signature does not fit. `unknown`: nobody knows that chain. `empty`: no entries
 * at all.
 */
export type FindingKind =
  | 'removed'
  | 'changed'
  | 'reordered'
  | 'cut'
  | 'swapped'
  | 'replayed'
  | 'inserted'
  | 'forged'
  | 'unknown'
  | 'empty';

export interface Finding {
  readonly kind: FindingKind;
  readonly file: string;
  /** In that file, from 1; absent: it is about the file. */
  readonly line?: number;
  readonly chain?: string;
  /** Numbers of the entries that it is about, both included. */
  readonly entries?: readonly [from: number, to: number];
  readonly text: string;
}

/** What is no sign of anything bad, but no proof of the good either. */
export interface Note {
  readonly kind: 'torn' | 'unchained' | 'crash' | 'earlier' | 'open' | 'keys' | 'disabled' | 'unsigned';
  readonly file: string;
  readonly line?: number;
  readonly chain?: string;
  readonly text: string;
}

/** `5`, or `5–7`. */
export function range(from: number, to: number): string {
  return from === to ? String(from) : `${from}–${to}`;
}

/** `entry 5`, or `entries 5–7`. */
export function entries(from: number, to: number): string {
  return `${from === to ? 'entry' : 'entries'} ${range(from, to)}`;
}
