/**
 * Tokens as the rest of the program sees them: who is this, is it still good, make one, end one.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { type Cluster, OWN_CLAIMS, type Peeked, type SendOptions } from '../../model/actor.ts';
import type { Caller, TokenState } from '../../model/caller.ts';
import { TOKEN_BYTES_MAX, TOKENS_KNOWN_MAX } from '../../model/limits.ts';
import { bearsChildren, isAlive, type TokenActor, tokenId } from './token-actor.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SERVICE_PREFIX = 'hvs.';
/** Characters of a token's random part and of an accessor: 142 bits. */
const RANDOM_CHARS = 24;

export interface TokensOptions {
  readonly actor: TokenActor;
  readonly cluster: Cluster;
  /** 32 bytes of the barrier; read anew after each unseal. */
  accessorKey(): Uint8Array;
  now(): number;
  randomBytes(bytes: number): Buffer;
}

export interface Tokens {
  accessorOf(token: string): string;
  /** Who `token` is, one use taken where uses are limited; undefined: not a good token. */
  authenticate(token: string, options?: { takeUse: boolean }): Promise<Caller | undefined>;
  /** Is it good still, in this turn? False also where it cannot be told without waiting. */
  isGood(caller: Caller): boolean;
  /** The state of a token that is good; undefined otherwise. Takes no use. */
  stateOf(accessor: string): Promise<TokenState | undefined>;
  /** Makes a token. @param id - its text; drawn where absent. */
  create(
    state: TokenState,
    id: string | undefined,
    options: SendOptions,
  ): Promise<{ token: string; accessor: string }>;
  renew(accessor: string, ttl: number, options: SendOptions): Promise<TokenState>;
  revoke(accessor: string, how: 'tree' | 'self', options?: SendOptions): Promise<boolean>;
  /** Sweeps a revoked token now, rather than soon. */
  sweep(accessor: string): Promise<void>;
  accessors(): Promise<string[]>;
  /** Forgets which token has which accessor; on seal. */
  clear(): void;
}

/** Uniform base62 text: bytes of 248 and above are drawn again, so that no character is likelier than another. */
export function randomBase62(chars: number, randomBytes: (bytes: number) => Buffer): string {
  let text = '';
  while (text.length < chars) {
    for (const byte of randomBytes(chars)) {
      if (byte < 248 && text.length < chars) text += BASE62[byte % 62];
    }
  }
  return text;
}

export function makeTokens({ actor, cluster, accessorKey, now, randomBytes }: TokensOptions): Tokens {
  /** Tokens met lately and their accessors, so that a request costs no HMAC. */
  const known = new Map<string, string>();

  function accessorOf(token: string): string {
    const found = known.get(token);
    if (found !== undefined) return found;
    let number = BigInt(`0x${createHmac('sha256', accessorKey()).update(token).digest('hex')}`);
    let accessor = '';
    for (let i = 0; i < RANDOM_CHARS; i++) {
      accessor += BASE62[Number(number % 62n)];
      number /= 62n;
    }
    return accessor;
  }

  /** Only of tokens that were good: guesses must not push out what is in use. */
  function remember(token: string, accessor: string): void {
    if (known.has(token)) return;
    if (known.size >= TOKENS_KNOWN_MAX) known.delete(known.keys().next().value!);
    known.set(token, accessor);
  }

  /** Token actors met lately, by accessor: each request looks at its token three times. */
  const held = new Map<string, Peeked>();

  /** The state, if it can be told in this turn. */
  function peek(accessor: string): TokenState | undefined {
    const met = held.get(accessor);
    const state = met?.state as TokenState | undefined;
    if (met && state) {
      met.touched = true;
      return state;
    }
    const found = cluster.peek(tokenId(accessor));
    if (found?.state === undefined) {
      held.delete(accessor);
      return undefined;
    }
    if (held.size >= TOKENS_KNOWN_MAX) held.clear();
    held.set(accessor, found);
    return found.state as TokenState;
  }

  async function read(accessor: string): Promise<TokenState | undefined> {
    const peeked = peek(accessor);
    if (peeked) return peeked;
    return cluster.send(actor.read, tokenId(accessor), undefined, { claims: OWN_CLAIMS });
  }

  async function ancestorsBear(parent: string | undefined): Promise<boolean> {
    for (let at = parent; at !== undefined; ) {
      const state = await read(at);
      if (!bearsChildren(state, now())) return false;
      at = state.parent;
    }
    return true;
  }

  async function stateOf(accessor: string): Promise<TokenState | undefined> {
    const state = await read(accessor);
    if (!isAlive(state, now()) || state.usesLeft === 0) return undefined;
    return (await ancestorsBear(state.parent)) ? state : undefined;
  }

  function isGoodNow(accessor: string): boolean {
    let state = peek(accessor);
    if (!isAlive(state, now())) return false;
    while (state.parent !== undefined) {
      state = peek(state.parent);
      if (!bearsChildren(state, now())) return false;
    }
    return true;
  }

  return {
    accessorOf,
    async authenticate(token, { takeUse } = { takeUse: true }) {
      if (token.length > TOKEN_BYTES_MAX) return undefined;
      const accessor = accessorOf(token);
      let state = await stateOf(accessor);
      if (state?.usesLeft !== undefined && takeUse) {
        state = await cluster.send(actor.use, tokenId(accessor), undefined, { claims: OWN_CLAIMS });
      }
      if (!state) {
        known.delete(token);
        return undefined;
      }
      remember(token, accessor);
      return { token, accessor, state, isRoot: state.policies.includes('root') };
    },
    isGood: (caller) => isGoodNow(caller.accessor),
    stateOf,
    async create(state, id, options) {
      const token = id ?? SERVICE_PREFIX + randomBase62(RANDOM_CHARS, randomBytes);
      const accessor = accessorOf(token);
      await cluster.send(actor.create, tokenId(accessor), state, options);
      return { token, accessor };
    },
    renew: (accessor, ttl, options) => cluster.send(actor.renew, tokenId(accessor), { ttl }, options),
    revoke: (accessor, how, options = { claims: OWN_CLAIMS }) =>
      cluster.send(actor.revoke, tokenId(accessor), how, options),
    sweep: (accessor) => actor.sweep(cluster, accessor),
    accessors: () => cluster.list('token', 'root', 'token', ''),
    clear() {
      known.clear();
      held.clear();
    },
  };
}
