/**
 * etcd v3 through its own HTTP/JSON gateway, as far as we need it: transactions, ranges, and any other call by its path.
 *
 * On the wire keys and values are base64, 64-bit numbers are strings, and what has its zero value (false, 0, no keys) is left
 * out. Names are etcd's own, so that its documentation applies.
 *
 * @module
 */
import {
  CallFailed,
  type CallOptions,
  type HttpCallsOptions,
  type HttpReply,
  makeHttpCalls,
} from './http-calls.ts';

export interface EtcdOptions extends HttpCallsOptions {
  /** Both or neither. The token that they buy is renewed when etcd no longer takes it. */
  readonly user?: string;
  readonly password?: string;
}

export interface EtcdHeader {
  /** Of the whole store after this call. */
  readonly revision: string;
  readonly cluster_id?: string;
  readonly member_id?: string;
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
  readonly key: string;
  /** Exclusive; absent: that key alone. */
  readonly range_end?: string;
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
  readonly key: string;
  readonly result: 'EQUAL' | 'GREATER' | 'LESS' | 'NOT_EQUAL';
  /** `MOD` compares `mod_revision`, and so on; an absent key has 0 in all. */
  readonly target: 'MOD' | 'CREATE' | 'VERSION' | 'VALUE';
  readonly mod_revision?: string;
  readonly create_revision?: string;
  readonly version?: string;
  readonly value?: string;
}

export type EtcdOperation =
  | { readonly request_put: { readonly key: string; readonly value: string } }
  | { readonly request_range: EtcdRange }
  | { readonly request_delete_range: { readonly key: string; readonly range_end?: string } }
  | { readonly request_txn: EtcdTxn };

/**
 * `success` runs if all of `compare` hold, else `failure`. All comparisons, those of nested ones too, look at what was before the whole
 * transaction. A key may be written once in all of it, nested ones included. Trap: one with comparisons alone is answered from what that
 * member has applied, possibly stale; a range in `failure` makes it linearizable.
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

export interface EtcdClient {
  /** @throws CallFailed as HttpCalls.send. Never repeated once it was sent, unless told so. */
  txn(txn: EtcdTxn, options?: CallOptions): Promise<EtcdTxnReply>;
  /** Linearizable. Repeated at other endpoints within its deadline. */
  range(range: EtcdRange, options?: CallOptions): Promise<EtcdRangeReply>;
  /** Any call of the gateway: `/v3/…`. */
  call<T>(path: string, body: object, options?: CallOptions): Promise<T>;
  running(): number;
  close(): void;
}

/** gRPC's codes, as the gateway gives them. */
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
  constructor(reply: HttpReply, code: number, text: string) {
    super(kindOf(code, text), `etcd answered: ${text}`, {
      status: reply.status,
      passing: !NOTHING_DONE.includes(code),
    });
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

/** UTF-8, then base64: how the gateway takes keys and values. */
export function etcdBytes(value: string | Uint8Array): string {
  return typeof value === 'string'
    ? Buffer.from(value, 'utf8').toString('base64')
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

export function makeEtcdClient(options: EtcdOptions): EtcdClient {
  const calls = makeHttpCalls(options);
  const { user, password } = options;
  let token: string | undefined;
  let renewing: Promise<string> | undefined;

  async function send<T>(
    path: string,
    body: string,
    bearer: string | undefined,
    call?: CallOptions,
  ): Promise<T> {
    const reply = await calls.send(
      {
        method: 'POST',
        path,
        headers: {
          'content-type': 'application/json',
          ...(bearer === undefined ? {} : { authorization: bearer }),
        },
        body,
        judge,
      },
      call,
    );
    return parse(reply) as T;
  }

  async function authenticate(): Promise<string> {
    const reply = await send<{ token: string }>(
      '/v3/auth/authenticate',
      JSON.stringify({ name: user, password }),
      undefined,
      { repeatable: true },
    );
    token = reply.token;
    return token;
  }

  /** One at a time, for all who wait. What fails here was never sent itself. */
  async function renewed(call?: CallOptions): Promise<string> {
    call?.signal?.throwIfAborted();
    renewing ??= authenticate().finally(() => {
      renewing = undefined;
    });
    try {
      return await renewing;
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      const kind = error.kind === 'refused' ? 'refused' : 'not_sent';
      throw new CallFailed(kind, `etcd let us not in: ${error.message}`, { cause: error });
    }
  }

  async function call<T>(path: string, body: object, callOptions?: CallOptions): Promise<T> {
    const text = JSON.stringify(body);
    if (user === undefined) return send<T>(path, text, undefined, callOptions);
    const bearer = token ?? (await renewed(callOptions));
    try {
      return await send<T>(path, text, bearer, callOptions);
    } catch (error) {
      if (!isTokenSpent(error)) throw error;
      // Refused before anything was done, so it may be sent again. Somebody else may have renewed it meanwhile.
      const next = token !== undefined && token !== bearer ? token : await renewed(callOptions);
      return send<T>(path, text, next, callOptions);
    }
  }

  return {
    call,
    txn: (txn, callOptions) => call<EtcdTxnReply>('/v3/kv/txn', txn, callOptions),
    range: (range, callOptions) =>
      call<EtcdRangeReply>('/v3/kv/range', range, { ...callOptions, repeatable: true }),
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

function judge(reply: HttpReply): CallFailed | undefined {
  if (reply.status === 200) return undefined;
  let answer: { code?: unknown; error?: unknown; message?: unknown } | null;
  try {
    answer = JSON.parse(reply.body.toString('utf8'));
  } catch {
    answer = null;
  }
  if (typeof answer?.code === 'number') {
    return new EtcdRefused(reply, answer.code, String(answer.error ?? answer.message));
  }
  const what = `the store answered ${reply.status} where etcd's gateway would not: is this etcd's client address?`;
  return new CallFailed(reply.status < 500 ? 'refused' : 'unknown', what, { status: reply.status });
}

function parse(reply: HttpReply): unknown {
  try {
    return JSON.parse(reply.body.toString('utf8'));
  } catch (cause) {
    throw new CallFailed('unknown', "etcd's answer is no JSON", { status: reply.status, cause });
  }
}
