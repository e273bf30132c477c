/**
 * Wrapped replies: what stands in for a reply that waits, for whoever holds a token that opens it once (contract §2.8).
 *
 * @module
 */

/** The `wrap_info` block of an envelope, in wire order (contract §1.5). */
export interface WrapInfo {
  readonly token: string;
  readonly accessor: string;
  /** Seconds. */
  readonly ttl: number;
  /** RFC 3339. */
  readonly creation_time: string;
  readonly creation_path: string;
  readonly wrapped_accessor?: string;
}

/** A reply that is to be wrapped, as the client would have it. */
export interface ReplyToWrap {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** A reply as the client would have had it. */
export interface WrappedReply extends ReplyToWrap {
  readonly body: Uint8Array;
}

/** What may be told of a wrapped reply without opening it. */
export interface WrappedFacts {
  readonly creationPath: string;
  readonly createdAtMs: number;
  /** Seconds. */
  readonly ttl: number;
}
