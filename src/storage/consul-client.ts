/**
 * Consul's key-value store over its HTTP API, as far as we need it: transactions, reads, key lists, large values.
 *
 * Keys stand in URLs, where Consul folds `//` and `..` (a redirect, to another key): use letters, digits, `-`, `_`, `=` and single `/`.
 * All reads ask for `consistent`: a leader that was deposed and does not know it yet answers the default kind with old data.
 *
 * @module
 */
import { type HttpReply, type HttpRequest, makeHttpCalls } from './http-calls.ts';
import { CallFailed, type CallOptions, type StoreCallsOptions } from './store-calls.ts';

export interface ConsulOptions extends StoreCallsOptions {
  /** An ACL token. */
  readonly token?: string;
}

export interface ConsulPair {
  readonly key: string;
  readonly value: Buffer;
  /** Index of the last change; a put of the same bytes may leave it as it is. */
  readonly modifyIndex: number;
  /** Another one when the key was deleted and made again. */
  readonly createIndex: number;
}

/**
 * One operation of a transaction; `Value` is base64. `cas` with Index 0 creates only. Traps: `delete-cas` succeeds where the key is
 * absent (put `check-index` before a `delete`), and `check-index` with 0 never holds (use `check-not-exists`).
 */
export interface ConsulOperation {
  readonly Verb:
    | 'set'
    | 'cas'
    | 'get'
    | 'get-tree'
    | 'check-index'
    | 'check-not-exists'
    | 'delete'
    | 'delete-cas'
    | 'delete-tree';
  readonly Key: string;
  readonly Value?: string;
  readonly Index?: number;
}

export type ConsulTxnReply =
  /** `pairs`: what puts and `check-index` (both without the values) and gets found, in order; the others add none. */
  | { readonly done: true; readonly pairs: readonly ConsulPair[] }
  /** Nothing was done. All operations that failed, by their place; a failed condition is one. */
  | { readonly done: false; readonly errors: readonly { readonly index: number; readonly what: string }[] };

/** Of one transaction. */
export const CONSUL_OPERATIONS_MAX = 64;
/** Of one transaction's whole JSON. */
export const CONSUL_TXN_BYTES_MAX = 512 * 1024;
/** Of one value that is put by itself. */
export const CONSUL_VALUE_BYTES_MAX = 512 * 1024;

export interface ConsulClient {
  /**
   * All operations or none, one after the other. At most CONSUL_OPERATIONS_MAX and CONSUL_TXN_BYTES_MAX.
   * @throws CallFailed as Failover.run. Never repeated once it was sent, unless told so.
   */
  txn(operations: readonly ConsulOperation[], options?: CallOptions): Promise<ConsulTxnReply>;
  /** Linearizable, as the two below. Repeated at other endpoints within its deadline. */
  get(key: string, options?: CallOptions): Promise<ConsulPair | undefined>;
  /** All keys that begin with `prefix`, in byte order. Consul knows no pages. */
  keys(prefix: string, options?: CallOptions): Promise<string[]>;
  /** All pairs whose keys begin with `prefix`, in byte order of the keys. */
  pairs(prefix: string, options?: CallOptions): Promise<ConsulPair[]>;
  /** Puts raw bytes, up to CONSUL_VALUE_BYTES_MAX: more than fits in a transaction. */
  put(key: string, value: Uint8Array, options?: CallOptions): Promise<void>;
  running(): number;
  close(): void;
}

interface WirePair {
  readonly Key: string;
  readonly Value: string | null;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
}

interface WireTxn {
  readonly Results: readonly { readonly KV: WirePair }[] | null;
  readonly Errors: readonly { readonly OpIndex: number; readonly What: string }[] | null;
}

export function makeConsulClient(options: ConsulOptions): ConsulClient {
  const calls = makeHttpCalls(options);
  const headers = options.token === undefined ? {} : { 'x-consul-token': options.token };

  async function read<T>(path: string, callOptions: CallOptions | undefined): Promise<T | undefined> {
    const request: HttpRequest = { method: 'GET', path, headers, judge: judgeBut(404) };
    const reply = await calls.send(request, { ...callOptions, repeatable: true });
    return reply.status === 404 ? undefined : (parse(reply) as T);
  }

  return {
    async txn(operations, callOptions) {
      const body = JSON.stringify(operations.map((KV) => ({ KV })));
      // Without writes it would be a read like others, and possibly stale.
      const request: HttpRequest = {
        method: 'PUT',
        path: '/v1/txn?consistent',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
        judge: judgeBut(409),
      };
      const reply = await calls.send(request, callOptions);
      const { Results, Errors } = parse(reply) as WireTxn;
      if (reply.status === 200) return { done: true, pairs: (Results ?? []).map(({ KV }) => pairOf(KV)) };
      return {
        done: false,
        errors: (Errors ?? []).map(({ OpIndex, What }) => ({ index: OpIndex, what: What })),
      };
    },
    async get(key, callOptions) {
      const found = await read<WirePair[]>(`${pathOf(key)}?consistent`, callOptions);
      return found?.[0] === undefined ? undefined : pairOf(found[0]);
    },
    async keys(prefix, callOptions) {
      return (await read<string[]>(`${pathOf(prefix)}?keys&consistent`, callOptions)) ?? [];
    },
    async pairs(prefix, callOptions) {
      return ((await read<WirePair[]>(`${pathOf(prefix)}?recurse&consistent`, callOptions)) ?? []).map(
        pairOf,
      );
    },
    async put(key, value, callOptions) {
      const request: HttpRequest = {
        method: 'PUT',
        path: pathOf(key),
        headers: { ...headers, 'content-type': 'application/octet-stream' },
        body: value,
        judge: judgeBut(200),
      };
      await calls.send(request, callOptions);
    },
    running: calls.running,
    close: calls.close,
  };
}

function pathOf(key: string): string {
  return `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
}

function pairOf({ Key, Value, CreateIndex, ModifyIndex }: WirePair): ConsulPair {
  const value = Buffer.from(Value ?? '', 'base64');
  return { key: Key, value, createIndex: CreateIndex, modifyIndex: ModifyIndex };
}

/**
 * Answers other than 200 and `good`. Below 500 Consul refuses before it proposes anything. Without a leader it cannot propose; what else
 * goes wrong inside (leadership lost, an agent that cannot reach its servers) leaves open what becomes of the proposal.
 */
function judgeBut(good: number): (reply: HttpReply) => CallFailed | undefined {
  return (reply) => {
    const { status } = reply;
    if (status === 200 || status === good) return undefined;
    const text = reply.body.toString('utf8').trim().slice(0, 500);
    const refused = status < 500 || text === 'No cluster leader';
    const passing = status >= 500 || status === 429;
    return new CallFailed(refused ? 'refused' : 'unknown', `Consul answered ${status}: ${text}`, {
      status,
      passing,
    });
  };
}

function parse(reply: HttpReply): unknown {
  try {
    return JSON.parse(reply.body.toString('utf8'));
  } catch (cause) {
    throw new CallFailed('unknown', "Consul's answer is no JSON", { status: reply.status, cause });
  }
}
