/**
 * The one table of errors. Every refusal a client may see is a `CodedError`; an error without a code is our bug, and the client learns nothing of it.
 *
 * @module
 */

/** Code → HTTP status and the text used where the thrower gives none. Statuses are Vault's. */
export const ERRORS = {
  bad_request: { status: 400, text: 'invalid request' },
  permission_denied: { status: 403, text: 'permission denied' },
  not_found: { status: 404, text: '' },
  unsupported_path: { status: 404, text: 'unsupported path' },
  unsupported_operation: { status: 405, text: 'unsupported operation' },
  conflict: { status: 409, text: 'conflict' },
  rate_limited: { status: 429, text: 'rate limit quota exceeded' },
  too_large: { status: 413, text: 'request body too large' },
  unsupported_media_type: { status: 415, text: 'unsupported media type' },
  internal: { status: 500, text: 'internal error' },
  not_initialized: { status: 400, text: 'Vault is not initialized' },
  sealed: { status: 503, text: 'Vault is sealed' },
  namespace_locked: {
    status: 503,
    text: 'API access to this namespace has been locked by an administrator',
  },
  overloaded: { status: 503, text: 'too many requests are waiting; try again' },
  storage_failed: { status: 500, text: 'the storage did not take the change' },
  deadline: { status: 503, text: 'the request took too long' },
  /** Between nodes: the peer is not linked, or was lost while it handled the request, which may have taken effect. Send again. */
  connection_lost: { status: 503, text: 'the connection to another node was lost' },
  /** No node can do it now, which passes. What it asked for may have taken effect. */
  unavailable: { status: 503, text: 'no node can answer this now; try again' },
  /** Between nodes: the receiver speaks another version of the protocol, or does not know this kind of message. */
  unsupported: { status: 503, text: 'another node does not understand this message' },
  /** Authority changed between the check and the start of the operation: authorize again. Never leaves the pipeline. */
  stale_claims: { status: 503, text: 'authorization changed while the request was waiting' },
} as const satisfies Record<string, { status: number; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetail {
  /** Sibling `data` of the error envelope (contract §1.6). */
  data?: unknown;
  /** HTTP status that differs from the code's own. */
  status?: number;
  cause?: unknown;
}

/** An expected failure. `messages` go to the client word for word: never put a secret in one. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly messages: string[];
  readonly data: unknown;
  readonly status: number;

  constructor(code: ErrorCode, messages?: string | string[], detail: ErrorDetail = {}) {
    const texts = messages === undefined ? [ERRORS[code].text].filter((t) => t !== '') : [messages].flat();
    super(texts.join('; ') || code, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'CodedError';
    this.code = code;
    this.messages = texts;
    this.data = detail.data;
    this.status = detail.status ?? ERRORS[code].status;
  }
}

/** What passes by itself: who is told so may ask again soon. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'overloaded',
  'unavailable',
  'connection_lost',
  'unsupported',
  'stale_claims',
]);

/** For `Retry-After`, seconds; undefined: not worth trying again, or nobody knows when. */
export function retryAfterSeconds(error: CodedError): number | undefined {
  return PASSING.has(error.code) ? 1 : undefined;
}

/** Shorthand for the most common refusal: 400 with one text. */
export function badRequest(message: string, detail?: ErrorDetail): CodedError {
  return new CodedError('bad_request', message, detail);
}

/** go-multierror's text form, which clients match literally (contract §1.7). */
export function multiError(messages: string[]): string {
  const head = messages.length === 1 ? '1 error occurred:' : `${messages.length} errors occurred:`;
  return `${head}\n${messages.map((m) => `\t* ${m}\n`).join('')}\n`;
}

/** The path is served by nobody, as only those who may know are told. */
export function unsupportedPath(): CodedError {
  return new CodedError('unsupported_path', multiError([ERRORS.unsupported_path.text]));
}

/** The path is served, the verb is not. */
export function unsupportedOperation(): CodedError {
  return new CodedError('unsupported_operation', multiError([ERRORS.unsupported_operation.text]));
}

/** Not a wrapping token, or one that was opened or is over: which of them nobody learns. */
export function wrappingTokenInvalid(): CodedError {
  return badRequest('wrapping token is not valid or does not exist');
}

/** A valid token whose policies do not allow it (contract §1.6). */
export function denied(): CodedError {
  return new CodedError('permission_denied', multiError(['permission denied']));
}

/** Nobody asks with it. */
export function invalidToken(): CodedError {
  return new CodedError('permission_denied', multiError(['permission denied', 'invalid token']));
}
