/**
 * One request as the pipeline gets it. What few operations ask for (headers) is made when it is asked for.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { plainAddress } from '../model/address.ts';
import type { Caller } from '../model/caller.ts';
import { badRequest, CodedError } from '../model/errors.ts';
import type { JsonMap } from '../model/json.ts';
import { toDurationSeconds } from '../model/params.ts';
import type { CanonicalPath, Proven, Request, Verb } from '../model/request.ts';
import type { AnyRequest } from './body.ts';
import { namespacePath } from './path.ts';

export type AnyResponse = ServerResponse | Http2ServerResponse;

/** What the path and the query of a request said. */
export interface Asked {
  readonly method: string;
  readonly verb: Verb;
  readonly path: CanonicalPath;
  readonly query: JsonMap;
}

/**
 * Made from the head; the body is added when it is whole.
 * @throws CodedError `bad_request` for a header that cannot be read.
 */
export class IncomingRequest implements Request {
  readonly id: string;
  readonly clientId: string | undefined;
  readonly verb: Verb;
  readonly method: string;
  readonly path: CanonicalPath;
  readonly namespace: string;
  readonly token: string | undefined;
  readonly query: JsonMap;
  readonly wrapTtlSeconds: number | undefined;
  remoteAddress: string;
  readonly remotePort: number;
  readonly receivedAtMs: number;
  body: JsonMap | undefined = undefined;
  openHere = false;
  askedBy: Caller | undefined = undefined;
  proven: Proven | undefined = undefined;
  bodyBytes = 0;
  /** Large-body bytes it holds of the process's budget. */
  bodyHeld = 0;
  /** Of the in-flight table: the tick at which its time is over, and its neighbours. */
  expiresAtTick = 0;
  inFlight = false;
  older: IncomingRequest | undefined = undefined;
  newer: IncomingRequest | undefined = undefined;
  answered = false;
  readonly response: AnyResponse;
  readonly incoming: AnyRequest;
  private ended = false;
  private safeHeaders: Record<string, string | string[] | undefined> | undefined = undefined;

  constructor(incoming: AnyRequest, response: AnyResponse, asked: Asked, nowMs: number) {
    const { headers, socket } = incoming;
    this.incoming = incoming;
    this.response = response;
    this.clientId = clientIdOf(headers['x-coffer-request-id']);
    this.id = this.clientId ?? randomUUID();
    this.verb = asked.verb;
    this.method = asked.method;
    this.path = asked.path;
    this.query = asked.query;
    this.namespace = namespaceOf(firstOf(incoming, 'x-vault-namespace'));
    this.token = tokenOf(incoming);
    this.wrapTtlSeconds = wrapTtlSeconds(headers['x-vault-wrap-ttl']);
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.remotePort = socket.remotePort ?? 0;
    this.receivedAtMs = nowMs;
  }

  get headers(): Readonly<Record<string, string | string[] | undefined>> {
    this.safeHeaders ??= withoutCredentials(this.incoming.headers);
    return this.safeHeaders;
  }

  headerValues(name: string): readonly string[] | undefined {
    if (this.incoming.headers[name] === undefined || CREDENTIALS.has(name) || name.startsWith(':'))
      return undefined;
    // Of some names Node keeps but the first in `headers`.
    const { rawHeaders } = this.incoming;
    return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name);
  }

  get isOver(): boolean {
    return this.ended || isCut(this.response);
  }

  /** Its time is over. */
  end(): void {
    this.ended = true;
  }
}

/** Its connection or stream is gone, and it was not answered. (HTTP/2 calls a stream that was reset "finished": no help.) */
export function isCut(response: AnyResponse): boolean {
  const gone = 'stream' in response ? response.stream.destroyed : response.destroyed;
  return gone && !response.writableEnded;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** So that its retry is known as one; undefined where it sent none, or no UUID. */
function clientIdOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && UUID.test(header) ? header.toLowerCase() : undefined;
}

const BEARER = 'Bearer ';

/** The first of headers of one name, as Go has it: Node makes one text of them. */
function firstOf({ headers, rawHeaders }: AnyRequest, name: string): string | undefined {
  const text = headers[name];
  if (typeof text !== 'string') return text?.[0];
  if (!text.includes(',')) return text;
  const at = rawHeaders.findIndex((found, index) => index % 2 === 0 && found.toLowerCase() === name);
  return rawHeaders[at + 1];
}

/** X-Vault-Token wins; of Authorization, what follows exactly `Bearer `. */
function tokenOf(incoming: AnyRequest): string | undefined {
  const token = firstOf(incoming, 'x-vault-token');
  if (token !== undefined && token !== '') return token;
  const { authorization } = incoming.headers;
  return authorization?.startsWith(BEARER) ? authorization.slice(BEARER.length).trim() : undefined;
}

function namespaceOf(header: string | string[] | undefined): string {
  return header === undefined || header === '' ? '' : namespacePath(String(header));
}

/** Undefined where the header is absent, empty or zero: then nothing is wrapped. */
function wrapTtlSeconds(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const what = 'error parsing X-Vault-Wrap-TTL header';
  let seconds: number;
  try {
    seconds = toDurationSeconds(String(header));
  } catch (error) {
    if (error instanceof CodedError || !(error instanceof Error)) throw error;
    throw badRequest(`${what}: ${error.message}`);
  }
  if (seconds < 0) throw badRequest(`${what}: requested wrap ttl cannot be negative`);
  // What is asked to be wrapped is never answered in the clear: less than a second is a second.
  return seconds > 0 ? Math.max(1, Math.trunc(seconds)) : undefined;
}

const CREDENTIALS = new Set(['x-vault-token', 'authorization', 'proxy-authorization', 'cookie']);

function withoutCredentials(headers: IncomingHttpHeaders): Record<string, string | string[] | undefined> {
  const kept: Record<string, string | string[] | undefined> = Object.create(null);
  for (const name in headers) if (!CREDENTIALS.has(name) && !name.startsWith(':')) kept[name] = headers[name];
  return kept;
}
