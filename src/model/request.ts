/**
 * What passes between `http/` and `pipeline/`: one request that was parsed once, and the reply to it.
 *
 * @module
 */
import type { Caller } from './caller.ts';
import type { Encodable, JsonMap, RawJson } from './json.ts';
import type { WrapInfo } from './wrapping.ts';

/** What a verb asks for. POST and PUT are `update` here; whether that creates is decided where the object is known. */
export type Verb = 'read' | 'list' | 'update' | 'delete' | 'patch' | 'help' | 'header';

/**
 * The one spelling of a request's path, made by `parsePath` and used by policy, actor id and handler alike: percent-escapes
 * decoded once, no empty, `.` or `..` segment, no control character, no leading slash. A list's path ends in `/`.
 */
export interface CanonicalPath {
  /** After `/v1/`, e.g. `secret/data/a b`. */
  readonly text: string;
  /** True where the client's own spelling ended in `/`. */
  readonly trailingSlash: boolean;
}

export interface Request {
  /** UUID v4, drawn at the door; or the client's X-Coffer-Request-Id where that is a UUID. */
  readonly id: string;
  /** The client's X-Coffer-Request-Id, where it is a UUID: sent twice, a change takes effect once. */
  readonly clientId?: string | undefined;
  readonly verb: Verb;
  readonly method: string;
  readonly path: CanonicalPath;
  /** Canonical text of the X-Vault-Namespace header without slashes at the ends, '' for the root namespace. */
  readonly namespace: string;
  /** From X-Vault-Token or Authorization: Bearer. */
  readonly token: string | undefined;
  /** Query fields, decoded; `list`, `scan` and `help` are taken out. Repeated keys become lists. */
  readonly query: JsonMap;
  /** The parsed body; undefined where there was none. Always undefined for read, list, help, header; for delete unless the route reads it. */
  readonly body: JsonMap | undefined;
  readonly bodyBytes: number;
  /** TTL asked for by X-Vault-Wrap-TTL, whole seconds; undefined where nothing is to be wrapped. */
  readonly wrapTtlSeconds: number | undefined;
  /** The listener it came in by serves it without a token, whatever its route says. */
  readonly openHere?: boolean;
  /** Lower-case names. Credentials (x-vault-token, authorization) are taken out. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** All that was sent under a lower-case name, one by one; undefined: nothing, or a credential. Absent: as `headers`. */
  headerValues?(name: string): readonly string[] | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Wall clock, ms, when the head was read. */
  readonly receivedAtMs: number;
  /** Who asks, once that is known: set by the pipeline, for who looks at the requests under way. */
  askedBy?: Caller | undefined;
  /** What it has proven by a password or the like: set by logins, for when its authority has to be established anew. */
  proven?: Proven | undefined;
  /** Its time is over, or its client is gone: what has not started need not. */
  readonly isOver: boolean;
}

/** All that was sent under a lower-case name, one by one; undefined: nothing, or a credential. */
export function headerValuesOf(request: Request, name: string): readonly string[] | undefined {
  if (request.headerValues) return request.headerValues(name);
  const value = request.headers[name];
  return value === undefined ? undefined : [value].flat();
}

/** By which name, at which mount, and what the check of it found. */
export interface Proven {
  readonly mount: string;
  readonly name: string;
  readonly found: unknown;
}

/** The `auth` block of an envelope, in wire order (contract §1.5). */
export interface AuthBlock {
  client_token: string;
  accessor: string;
  policies: string[];
  token_policies?: string[];
  identity_policies?: string[];
  metadata: Record<string, string> | null;
  lease_duration: number;
  renewable: boolean;
  entity_id: string;
  token_type: 'service' | 'batch';
  orphan: boolean;
  mfa_requirement: null;
  num_uses: number;
  /** What the audit log alone is told of the token. */
  told?: { readonly displayName: string; readonly issuedAtMs: number | undefined };
}

/** A logical answer, before the envelope. Nothing in it: 204. */
export interface LogicalReply {
  data?: { [key: string]: Encodable } | ReadonlyMap<string, Encodable> | RawJson | null;
  auth?: AuthBlock;
  leaseId?: string;
  leaseDuration?: number;
  /** `lease_duration` is the mount's default TTL, which the pipeline knows. */
  leaseOfMount?: true;
  renewable?: boolean;
  warnings?: string[];
  /** Write the members of `data` at the top level too (contract §1.5 "injected"). */
  inject?: boolean;
  /** Another status than 200 or 204, e.g. 404 with a body for a deleted KV version, 202. */
  status?: number;
  /** The whole body, without an envelope, members in the order given; all else but `status` is left aside. */
  bare?: Encodable;
  /** As `bare`, for what is not JSON or is written already. */
  raw?: { contentType: string; body: Uint8Array | string; headers?: Record<string, string> };
  /** As `raw`, written as it comes to be. */
  stream?: ReplyStream;
  /** Accessor of what `data` holds, for who gets the reply wrapped; of a token, `auth` says it. */
  wrappedAccessor?: string;
  /** The reply itself waits; all else is left aside. */
  wrapInfo?: WrapInfo;
}

/** A body that is written as it comes to be, until its writer or its reader ends it. */
export interface ReplyStream {
  readonly contentType: string;
  /** Called once, when the head is on its way. @returns what is called once it is over, whoever ended it. */
  start(out: StreamOut): () => void;
}

export interface StreamOut {
  /** @returns false where the reader is behind: what is written before `onDrain` calls is held in memory. */
  write(text: string): boolean;
  /** Calls `run` each time the reader has caught up. */
  onDrain(run: () => void): void;
  end(): void;
}

/** What `http/` sends. */
/** `staleSeconds`: it may be older by so much than what was acknowledged elsewhere. */
export type Reply = AnyReply & {
  readonly staleSeconds?: number;
  /** Headers that it has besides its own. */
  readonly more?: Readonly<Record<string, string>>;
};

type AnyReply =
  | {
      readonly kind: 'envelope';
      readonly status: number;
      readonly requestId: string;
      readonly mountType: string;
      readonly reply: LogicalReply;
    }
  /** A JSON value without the envelope, members in the order given. */
  | { readonly kind: 'bare'; readonly status: number; readonly value: Encodable }
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly errors: readonly string[];
      readonly data?: Encodable;
      readonly retryAfterSeconds?: number;
    }
  | {
      readonly kind: 'raw';
      readonly status: number;
      readonly contentType: string;
      readonly body: Uint8Array | string;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: 'stream'; readonly status: number; readonly stream: ReplyStream }
  | { readonly kind: 'empty'; readonly status: number };

/** The whole of what `http/` needs from `pipeline/`. Never rejects. */
export interface RequestHandler {
  handle(request: Request): Promise<Reply>;
  /** Why a request is answered before its body is read; undefined: it is not. Asked at most once of each, before `handle`. */
  refusal?: ((request: Request) => Promise<Reply | undefined> | undefined) | undefined;
  /** Is this path served without a token? Such bodies are bounded by OPEN_BODY_BYTES_MAX. @param namespace - as the header says. */
  isOpen(path: string, namespace: string): boolean;
  /** Is the body of a DELETE read? Absent: of none. */
  readsDeleteBody?(path: string, namespace: string): boolean;
}
