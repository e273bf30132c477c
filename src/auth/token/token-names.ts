/**
 * What tokens are called here: the text that only who was given it has, and the accessor by which everybody else speaks of it, its HMAC. Of batch
 * tokens, which are stored nowhere, what their text said is kept by the same name.
 *
 * @module
 */
import { lowBase62, makeBase62Texts } from '../../crypto/base62.ts';
import { hmacHex } from '../../crypto/hmac.ts';
import type { TokenState } from '../../model/caller.ts';
import { BATCH_TOKENS_KNOWN_MAX, TOKENS_KNOWN_MAX } from '../../model/limits.ts';
import { namespaceIdOfToken, namespaceSuffix } from '../../model/namespace.ts';
import { BATCH_PREFIX, type BatchTokens } from './batch-tokens.ts';

const SERVICE_PREFIX = 'hvs.';
/** Characters of a token's random part and of an accessor: 142 bits. */
const RANDOM_CHARS = 24;

export interface TokenNamesOptions {
  /** Absent: there are none. */
  readonly batch?: BatchTokens;
  /** 32 fresh bytes, which are wiped after use. */
  accessorKey(): Uint8Array;
  randomBytes(bytes: number): Buffer;
}

export interface TokenNames {
  accessorOf(token: string): string;
  /** As `accessorOf`, of a token that is remembered; undefined otherwise. */
  known(token: string): string | undefined;
  /** Only of tokens that were good: guesses must not push out what is in use. */
  remember(token: string, accessor: string): void;
  forget(token: string): void;
  /** What a batch token met lately said of itself, good or not: it was written by this cluster. */
  batchState(accessor: string): TokenState | undefined;
  /** A new token's text and its accessor, for who makes it otherwise than by `Tokens.create`. */
  draw(namespaceId: string): { token: string; accessor: string };
  /** Forgets them all. */
  clear(): void;
}

export function makeTokenNames({ batch, accessorKey, randomBytes }: TokenNamesOptions): TokenNames {
  const base62 = makeBase62Texts(randomBytes);
  /** Tokens met lately and their accessors, so that a request costs no HMAC. */
  const known = new Map<string, string>();
  const batches = new Map<string, TokenState>();

  function nameOf(token: string): string {
    const key = accessorKey();
    const number = hmacHex(key, token);
    key.fill(0);
    return lowBase62(number, RANDOM_CHARS) + namespaceSuffix(namespaceIdOfToken(token));
  }

  return {
    accessorOf(token) {
      const found = known.get(token);
      if (found !== undefined) return found;
      const accessor = nameOf(token);
      const state = batch?.open(token);
      if (state) {
        if (batches.size >= BATCH_TOKENS_KNOWN_MAX) batches.delete(batches.keys().next().value!);
        batches.set(accessor, state);
      } else if (token.startsWith(BATCH_PREFIX)) batches.delete(accessor);
      return accessor;
    },
    known: (token) => known.get(token),
    remember(token, accessor) {
      // Batch tokens may be long, and are as quickly opened as looked for.
      if (known.has(token) || token.startsWith(BATCH_PREFIX)) return;
      if (known.size >= TOKENS_KNOWN_MAX) known.delete(known.keys().next().value!);
      known.set(token, accessor);
    },
    forget: (token) => void known.delete(token),
    batchState: (accessor) => batches.get(accessor),
    draw(namespaceId) {
      const token = SERVICE_PREFIX + base62.text(RANDOM_CHARS) + namespaceSuffix(namespaceId);
      // Nobody has met it.
      return { token, accessor: nameOf(token) };
    },
    clear() {
      known.clear();
      batches.clear();
      base62.clear();
    },
  };
}
