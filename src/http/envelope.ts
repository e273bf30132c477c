/**
 * `Reply` → status, content type and body: Vault's envelope to the byte (contract §1.5, §1.6).
 *
 * @module
 */
import { CodedError, ERRORS, multiError, retryAfterSeconds } from '../model/errors.ts';
import type { Encodable } from '../model/json.ts';
import { encodeOrdered, encodeSorted, encodeString } from '../model/json-encoder.ts';
import type { AuthBlock, LogicalReply, Reply, ReplyStream } from '../model/request.ts';
import type { WrapInfo } from '../model/wrapping.ts';

/** A reply as it goes out, all but the headers that every reply has. */
export interface Encoded {
  readonly status: number;
  readonly contentType: string;
  /** Undefined where there is none, as for 204. */
  readonly body: string | Uint8Array | undefined;
  /** Instead of `body`. */
  readonly stream?: ReplyStream;
  /** Name, value, name, value … They replace those that every reply has. */
  readonly headers?: readonly string[];
}

const JSON_TYPE = 'application/json';

export function encodeReply(reply: Reply): Encoded {
  const encoded = encodeAny(reply);
  const { staleSeconds, more } = reply;
  if (staleSeconds === undefined && more === undefined) return encoded;
  const stale = staleSeconds === undefined ? [] : ['X-Coffer-Stale', String(staleSeconds)];
  const headers = [...(encoded.headers ?? []), ...stale, ...Object.entries(more ?? {}).flat()];
  return { ...encoded, headers };
}

function encodeAny(reply: Reply): Encoded {
  switch (reply.kind) {
    case 'envelope':
      return json(reply.status, envelope(reply.requestId, reply.mountType, reply.reply));
    case 'bare':
      return json(reply.status, encodeOrdered(reply.value));
    case 'error':
      return errorBody(reply);
    case 'raw':
      return {
        status: reply.status,
        contentType: reply.contentType,
        body: reply.body,
        headers: reply.headers && Object.entries(reply.headers).flat(),
      };
    case 'stream':
      return {
        status: reply.status,
        contentType: reply.stream.contentType,
        body: undefined,
        stream: reply.stream,
      };
    case 'empty':
      return { status: reply.status, contentType: JSON_TYPE, body: undefined };
  }
}

function json(status: number, text: string): Encoded {
  return { status, contentType: JSON_TYPE, body: `${text}\n` };
}

function envelope(requestId: string, mountType: string, reply: LogicalReply): string {
  if (reply.wrapInfo) return wrapped(reply.wrapInfo);
  const data = reply.data == null ? 'null' : encodeSorted(reply.data);
  const injected = reply.inject && data.length > 2 && data !== 'null' ? `${data.slice(1, -1)},` : '';
  const warnings = reply.warnings?.length ? encodeSorted(reply.warnings) : 'null';
  const auth = reply.auth === undefined ? 'null' : authBlock(reply.auth);
  return (
    `{${injected}"request_id":${encodeString(requestId)},"lease_id":${encodeString(reply.leaseId ?? '')},` +
    `"renewable":${reply.renewable === true},"lease_duration":${reply.leaseDuration ?? 0},"data":${data},` +
    `"wrap_info":null,"warnings":${warnings},"auth":${auth},"mount_type":${encodeString(mountType)}}`
  );
}

/** Nothing else is said of a reply that waits (contract §1.5). */
function wrapped(info: WrapInfo): string {
  return (
    '{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":null,' +
    `"wrap_info":${encodeOrdered({ ...info })},"warnings":null,"auth":null,"mount_type":""}`
  );
}

function authBlock(auth: AuthBlock): string {
  return (
    `{"client_token":${encodeString(auth.client_token)},"accessor":${encodeString(auth.accessor)},` +
    `"policies":${encodeSorted(auth.policies)},${policyList('token', auth.token_policies)}` +
    `${policyList('identity', auth.identity_policies)}"metadata":${encodeSorted(auth.metadata)},` +
    `"lease_duration":${auth.lease_duration},"renewable":${auth.renewable},` +
    `"entity_id":${encodeString(auth.entity_id)},"token_type":"${auth.token_type}","orphan":${auth.orphan},` +
    `"mfa_requirement":${encodeSorted(auth.mfa_requirement)},"num_uses":${auth.num_uses}}`
  );
}

/** One that is empty is left out. */
function policyList(whose: 'token' | 'identity', names: readonly string[] | undefined): string {
  return names?.length ? `"${whose}_policies":${encodeSorted(names)},` : '';
}

function errorBody(reply: Extract<Reply, { kind: 'error' }>): Encoded {
  const data = reply.data === undefined ? '' : `,"data":${encodeSorted(reply.data)}`;
  const encoded = json(reply.status, `{"errors":${encodeSorted(reply.errors)}${data}}`);
  if (reply.retryAfterSeconds === undefined) return encoded;
  return { ...encoded, headers: ['Retry-After', String(Math.ceil(reply.retryAfterSeconds))] };
}

/** What a client is told of an error that ended its request here. One without a code is our bug: it learns nothing. */
export function replyToError(error: unknown): Reply {
  if (!(error instanceof CodedError)) {
    return { kind: 'error', status: ERRORS.internal.status, errors: [multiError([ERRORS.internal.text])] };
  }
  return {
    kind: 'error',
    status: error.status,
    errors: error.messages,
    data: error.data as Encodable,
    retryAfterSeconds: retryAfterSeconds(error),
  };
}
