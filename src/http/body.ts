/**
 * Request bodies: bounded before they are read, while they are read and when they are parsed, and all of it before anything looks at
 * the token (Vault's CVE-2023-6337, CVE-2025-6203; contract §1.2).
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { badRequest, CodedError } from '../model/errors.ts';
import type { JsonMap } from '../model/json.ts';
import { decodeUtf8, type JsonLimits, parseJsonWithin } from '../model/json-parser.ts';
import { BODY_BYTES_FREE, JSON_CONTAINER_BYTES } from '../model/limits.ts';
import { formBody } from './query.ts';

export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** The client went away before its request was whole: there is nobody to answer. */
export class ClientGone extends Error {}

/** Does a body follow, as far as the head says? */
export function hasBody(request: AnyRequest): boolean {
  if ('stream' in request) return !(request.stream as { endAfterHeaders?: boolean }).endAfterHeaders;
  const { headers } = request;
  const length = headers['content-length'];
  return length === undefined ? headers['transfer-encoding'] !== undefined : length !== '0';
}

/**
 * Bytes of large bodies that all requests of this process hold together. Small bodies are not counted, so that no number of large
 * ones can shut out the small.
 */
export interface BodyBudget {
  left: number;
}

/** What a body of this size takes of a budget. */
export function counted(bytes: number): number {
  return Math.max(0, bytes - BODY_BYTES_FREE);
}

/** Told once how the reading of a body ended. */
export interface BodyReader {
  /** @param held - place in the budget, which the reader gives back when the request is done. */
  whole(bytes: Buffer, held: number): void;
  /**
   * The rest of the body is unread.
   * @param error - CodedError `too_large`, `overloaded` when the budget is spent, `bad_request` (408) when the time is over; ClientGone.
   */
  failed(error: Error): void;
}

/**
 * Reads a whole body. Tells a reader and gives no promise: most bodies are there in the turn they are asked for, and each write has one.
 * @param bytesMax - one more is refused. What Content-Length says is the caller's to check first.
 * @param timeMs - from now until the last byte; 0 for no limit of ours.
 */
export function readBody(
  request: AnyRequest,
  bytesMax: number,
  budget: BodyBudget,
  timeMs: number,
  reader: BodyReader,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  let held = 0;
  let settled = false;
  const fail = (error: Error) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    budget.left += held;
    request.removeListener('data', onData);
    request.pause();
    reader.failed(error);
  };
  const onData = (chunk: Buffer) => {
    length += chunk.length;
    if (length > bytesMax) return fail(tooLarge());
    const hold = counted(length) - held;
    if (hold > budget.left) return fail(new CodedError('overloaded'));
    budget.left -= hold;
    held += hold;
    chunks.push(chunk);
  };
  const onEnd = () => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    reader.whole(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length), held);
  };
  const timer =
    timeMs > 0
      ? setTimeout(() => fail(badRequest('the request body did not arrive in time', { status: 408 })), timeMs)
      : undefined;
  request.on('data', onData);
  request.on('end', onEnd);
  request.on('close', () => {
    if (!settled) fail(new ClientGone());
  });
  request.on('error', ignore);
}

function ignore(): void {}

/** Content-Length in bytes; 0 where the head says none. Node's parsers have checked that it is a number. */
export function declaredLength(request: AnyRequest): number {
  const length = request.headers['content-length'];
  return length === undefined ? 0 : Number(length);
}

export function tooLarge(): CodedError {
  return new CodedError('too_large');
}

/** Reads and drops what is left of a body, up to `bytesMax`; then the connection is cut. */
export function discardBody(request: AnyRequest, bytesMax: number): void {
  let left = bytesMax;
  request.on('error', ignore);
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
}

const MEDIA_TYPE = /^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?)[ \t]*(?:;|$)/;

/** `type/subtype` of a Content-Type header in lower case, without parameters; undefined where there is none to be read. */
export function mediaType(header: string | undefined): string | undefined {
  return header === undefined ? undefined : MEDIA_TYPE.exec(header)?.[1]?.toLowerCase();
}

/**
 * Checks what PATCH demands of its Content-Type, before the body is read.
 * @throws CodedError `bad_request` where there is none, `unsupported_media_type` for another one; both in Vault's words.
 */
export function checkPatchType(header: string | undefined): void {
  const type = mediaType(header);
  if (type === undefined) throw badRequest('mime: no media type');
  if (type !== 'application/merge-patch+json') {
    const text = `PATCH requires Content-Type of application/merge-patch+json, provided ${type}`;
    throw new CodedError('unsupported_media_type', text);
  }
}

/** What was in a body, and how much memory it takes. */
export interface ParsedBody {
  /** Undefined for none: no bytes, blanks, or `null`. */
  readonly data: JsonMap | undefined;
  /** Bytes, about, besides the text of strings. */
  readonly memory: number;
}

/**
 * The data in a body: JSON whatever its Content-Type says, except a form that does not begin like JSON.
 * @param memoryMax - bytes that the data may take besides the text of its strings.
 * @throws CodedError `bad_request`, echoing nothing; `overloaded` where the data would take more.
 */
export function parseBody(
  bytes: Buffer,
  contentType: string | undefined,
  limits: JsonLimits,
  memoryMax = Number.POSITIVE_INFINITY,
): ParsedBody {
  let at = 0;
  while (at < bytes.length && isBlank(bytes[at]!)) at++;
  if (at === bytes.length) return { data: undefined, memory: 0 };
  const looksLikeJson = bytes[at] === 0x7b || bytes[at] === 0x5b;
  if (!looksLikeJson && mediaType(contentType) === 'application/x-www-form-urlencoded') {
    const data = formBody(decodeUtf8(bytes));
    return { data, memory: data.size * JSON_CONTAINER_BYTES };
  }
  const { value, memory } = parseJsonWithin(bytes, limits, memoryMax);
  if (value === null) return { data: undefined, memory: 0 };
  if (!(value instanceof Map)) throw badRequest('failed to parse JSON input: the body must be an object');
  return { data: value, memory };
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
