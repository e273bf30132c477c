/**
 * etcd v3 over gRPC, as far as we need it: transactions, ranges, puts, deletes.
 *
 * Messages look as in etcd's JSON: keys and values are base64 (bytes may go in as they are), 64-bit numbers are strings, and what has its
 * zero value (false, 0, no keys) is left out. Names are etcd's own, so that its documentation applies. We do not go through its JSON
 * gateway: of grouped transactions that takes a quarter, since it takes the server more to read the JSON than to do them.
 *
 * @module
 */
import { ETCD_MESSAGES } from './etcd-messages.ts';
import { makeGrpcCalls } from './grpc-calls.ts';
import { decodeMessage, encodeMessage } from './protobuf.ts';
import { CallFailed, type CallOptions, type StoreCallsOptions } from './store-calls.ts';

export interface EtcdOptions extends StoreCallsOptions {
  /** Both or neither. The token that they buy is renewed when etcd no longer takes it. */
  readonly user?: string;
  readonly password?: string;
}

export type EtcdBytes = string | Uint8Array;

export interface EtcdHeader {
  /** Of the whole store after this call. */
  readonly revision: string;
  readonly raft_term?: string;
}

export interface EtcdKeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision: string;
  readonly mod_revision: string;
  /** Changes since the key was created; 1 after that. */
  readonly version: string;
}

export interface EtcdRange {
  readonly key: EtcdBytes;
  /** Exclusive; absent: that key alone. */
  readonly range_end?: EtcdBytes;
  readonly limit?: number;
  /** Of an older revision, unless it was compacted. */
  readonly revision?: string;
  readonly keys_only?: boolean;
  readonly count_only?: boolean;
}

export interface EtcdRangeReply {
  readonly header: EtcdHeader;
  readonly kvs?: readonly EtcdKeyValue[];
  /** There is more behind `limit`. */
  readonly more?: boolean;
  readonly count?: string;
}

export interface EtcdCompare {
  readonly key: EtcdBytes;
  readonly result: 'EQUAL' | 'GREATER' | 'LESS' | 'NOT_EQUAL';
  /** `MOD` compares `mod_revision`, and so on; an absent key has 0 in all. */
  readonly target: 'MOD' | 'CREATE' | 'VERSION' | 'VALUE';
  readonly mod_revision?: string;
  readonly create_revision?: string;
  readonly version?: string;
  readonly value?: EtcdBytes;
}

export interface EtcdPut {
  readonly key: EtcdBytes;
  readonly value: EtcdBytes;
}

export interface EtcdDeleteRange {
  readonly key: EtcdBytes;
  /** Exclusive; absent: that key alone. */
  readonly range_end?: EtcdBytes;
}

export type EtcdOperation =
  | { readonly request_put: EtcdPut }
  | { readonly request_range: EtcdRange }
  | { readonly request_delete_range: EtcdDeleteRange }
  | { readonly request_txn: EtcdTxn };

/**
 * `success` runs if all of `compare` hold, else `failure`. All comparisons, those of nested ones too, look at what was before the whole
 * transaction. A key may be written once in all of it, nested ones included. Trap: one with comparisons alone is answered from what that
 * member has applied, possibly stale; a range in `failure` makes it linearizable. Another: nested puts are not counted against
 * etcd's space quota.
 */
export interface EtcdTxn {
  readonly compare?: readonly EtcdCompare[];
  readonly success?: readonly EtcdOperation[];
  readonly failure?: readonly EtcdOperation[];
}

export interface EtcdTxnReply {
  readonly header: EtcdHeader;
  /** Absent: false. That the comparison failed is an answer, not an error. */
  readonly succeeded?: boolean;
  readonly responses?: readonly EtcdOperationReply[];
}

export interface EtcdOperationReply {
  readonly response_put?: object;
  readonly response_range?: EtcdRangeReply;
  readonly response_delete_range?: { readonly deleted?: string };
  readonly response_txn?: EtcdTxnReply;
}

/**
 * The server's default bound: the longest of a transaction's three lists, and so at each level of nesting, one level added to the next.
 * So 125 nested ones of 3 puts each are good, 126 are not [tried on 3.4.23].
 */
export const ETCD_OPERATIONS_MAX = 128;
/** The server's default bound of one request, as it is proposed (before base64). */
export const ETCD_REQUEST_BYTES_MAX = 1.5 * 1024 * 1024;

interface Method {
  readonly path: string;
  /** Names of messages. */
  readonly request: string;
  readonly reply: string;
}

const kv = (name: string): Method => ({
  path: `/etcdserverpb.KV/${name}`,
  request: `${name}Request`,
  reply: `${name}Response`,
});
const TXN = kv('Txn');
const RANGE = kv('Range');
const PUT = kv('Put');
const DELETE_RANGE = kv('DeleteRange');
/** Its answer without those of the operations. */
const COMMIT: Method = { ...TXN, reply: 'CommitResponse' };
const AUTHENTICATE: Method = { ...kv('Authenticate'), path: '/etcdserverpb.Auth/Authenticate' };

export interface EtcdClient {
  /**
   * An encoded `TxnRequest`. Of its answer only what is told for the whole.
   * @throws as `txn`
   */
  commit(request: Buffer): Promise<{ readonly revision: number; readonly succeeded: boolean }>;
  /** @throws CallFailed as Failover.run, EtcdRefused. Never repeated once it was sent, unless told so. */
  txn(txn: EtcdTxn, options?: CallOptions): Promise<EtcdTxnReply>;
  /** Linearizable. Repeated at other endpoints within its deadline. */
  range(range: EtcdRange, options?: CallOptions): Promise<EtcdRangeReply>;
  put(put: EtcdPut, options?: CallOptions): Promise<void>;
  deleteRange(range: EtcdDeleteRange, options?: CallOptions): Promise<void>;
  running(): number;
  close(): void;
}

/** Of gRPC's codes. */
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;
const UNAUTHENTICATED = 16;
/** Answered before anything was proposed: invalid, not found, denied, precondition, range, unimplemented, unauthenticated. */
const NOTHING_DONE = [INVALID_ARGUMENT, 5, 7, 9, 11, 12, UNAUTHENTICATED];

export class EtcdRefused extends CallFailed {
  /** gRPC's code. */
  readonly code: number;
  /** etcd's own words. */
  readonly text: string;
  constructor(code: number, text: string) {
    super(kindOf(code, text), `etcd answered: ${text}`, { passing: !NOTHING_DONE.includes(code) });
    this.name = 'EtcdRefused';
    this.code = code;
    this.text = text;
  }
}

/**
 * A full database is told after the write that filled it was done as well as before later ones, so that says nothing. All else that a
 * member finds out on its way (no leader, time-out, stopping) leaves open what becomes of the proposal.
 */
function kindOf(code: number, text: string): 'refused' | 'unknown' {
  if (NOTHING_DONE.includes(code)) return 'refused';
  return code === RESOURCE_EXHAUSTED && !text.includes('space exceeded') ? 'refused' : 'unknown';
}

/** UTF-8, then base64, as keys and values come back. */
export function etcdBytes(value: string | Uint8Array): string {
  return typeof value === 'string'
    ? Buffer.from(value, 'utf8').toString('base64')
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

export function makeEtcdClient(options: EtcdOptions): EtcdClient {
  const calls = makeGrpcCalls(options);
  const { user, password } = options;
  let token: string | undefined;
  let renewing: Promise<string> | undefined;

  async function send<T>(
    method: Method,
    /** Encoded, or to be. */
    body: object | Buffer,
    bearer: string | undefined,
    call?: CallOptions,
  ): Promise<T> {
    const request = {
      path: method.path,
      message: Buffer.isBuffer(body) ? body : encodeMessage(ETCD_MESSAGES, method.request, body),
      ...(bearer === undefined ? {} : { metadata: { token: bearer } }),
    };
    const reply = await calls.send(request, (code, text) => new EtcdRefused(code, text), call);
    try {
      return decodeMessage(ETCD_MESSAGES, method.reply, reply) as T;
    } catch (cause) {
      throw new CallFailed('unknown', "etcd's answer cannot be read", { cause });
    }
  }

  async function authenticate(): Promise<string> {
    const body = { name: user, password };
    const reply = await send<{ token: string }>(AUTHENTICATE, body, undefined, { repeatable: true });
    token = reply.token;
    return token;
  }

  /** One at a time, for all who wait. What fails here was never sent itself. */
  async function renewed(): Promise<string> {
    renewing ??= authenticate().finally(() => {
      renewing = undefined;
    });
    try {
      return await renewing;
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      const kind = error.kind === 'refused' ? 'refused' : 'not_sent';
      throw new CallFailed(kind, `etcd did not let us in: ${error.message}`, { cause: error });
    }
  }

  async function call<T>(method: Method, body: object, callOptions?: CallOptions): Promise<T> {
    if (user === undefined) return send<T>(method, body, undefined, callOptions);
    callOptions?.signal?.throwIfAborted();
    const bearer = token ?? (await renewed());
    try {
      return await send<T>(method, body, bearer, callOptions);
    } catch (error) {
      if (!isTokenSpent(error)) throw error;
      // Refused before anything was done, so it may be sent again. Somebody else may have renewed it meanwhile.
      const next = token !== undefined && token !== bearer ? token : await renewed();
      return send<T>(method, body, next, callOptions);
    }
  }

  return {
    async commit(request) {
      const { header, succeeded = false } = await call<EtcdTxnReply>(COMMIT, request);
      return { revision: Number(header.revision), succeeded };
    },
    txn: (txn, callOptions) => call<EtcdTxnReply>(TXN, txn, callOptions),
    range: (range, callOptions) => call<EtcdRangeReply>(RANGE, range, { ...callOptions, repeatable: true }),
    put: async (put, callOptions) => void (await call(PUT, put, callOptions)),
    deleteRange: async (range, callOptions) => void (await call(DELETE_RANGE, range, callOptions)),
    running: calls.running,
    close: calls.close,
  };
}

function isTokenSpent(error: unknown): boolean {
  if (!(error instanceof EtcdRefused)) return false;
  if (error.code === UNAUTHENTICATED) return true;
  return (
    error.code === INVALID_ARGUMENT && /auth token|revision of auth store|user name is empty/.test(error.text)
  );
}
