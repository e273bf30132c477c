/**
 * From what an operation replied, or why a request was refused, to what the door answers.
 *
 * @module
 */
import { CodedError, ERRORS, multiError, retryAfterSeconds } from '../model/errors.ts';
import type { Mount } from '../model/mount.ts';
import type { LogicalReply, Reply, Request } from '../model/request.ts';

/** Text of an error for the audit log: what the client is told, no more. */
export function textOf(error: unknown): string {
  return error instanceof CodedError ? error.messages.join('; ') : ERRORS.internal.text;
}

export function replyOf(request: Request, mount: Mount, reply: LogicalReply): Reply {
  if (reply.bare !== undefined) return { kind: 'bare', status: reply.status ?? 200, value: reply.bare };
  if (reply.raw) return { kind: 'raw', status: reply.status ?? 200, ...reply.raw };
  if (reply.stream) return { kind: 'stream', status: reply.status ?? 200, stream: reply.stream };
  if (reply.status === 204) return { kind: 'empty', status: 204 };
  if (reply.wrapInfo) return { kind: 'envelope', status: 200, requestId: '', mountType: '', reply };
  const empty = reply.data === undefined && reply.auth === undefined && !reply.warnings?.length;
  if (empty && (request.verb === 'read' || request.verb === 'list' || request.verb === 'header')) {
    return { kind: 'error', status: 404, errors: [] };
  }
  if (empty) return { kind: 'empty', status: reply.status ?? 204 };
  if (request.verb === 'list' && isEmptyList(reply)) return { kind: 'error', status: 404, errors: [] };
  return {
    kind: 'envelope',
    status: reply.status ?? 200,
    requestId: request.id,
    mountType: mount.type,
    reply,
  };
}

/** A reply that may be older than what was acknowledged elsewhere says so, to the client and to the audit log. */
export function staleReply(
  request: Request,
  mount: Mount,
  reply: LogicalReply,
  ageMs: number,
): { reply: Reply; logical: LogicalReply } {
  const staleSeconds = Math.ceil(ageMs / 1_000);
  const warning = `may be stale by ${staleSeconds} s`;
  const isEmpty = reply.data === undefined;
  const logical = isEmpty ? reply : { ...reply, warnings: [...(reply.warnings ?? []), warning] };
  return { reply: { ...replyOf(request, mount, logical), staleSeconds }, logical };
}

/** No keys and nothing else either: such a list is answered 404 (contract §1.5). */
function isEmptyList({ data, warnings }: LogicalReply): boolean {
  if (!data || warnings?.length) return false;
  const members = data instanceof Map ? Object.fromEntries(data) : (data as { [key: string]: unknown });
  const names = Object.keys(members).filter((name) => members[name] !== undefined);
  return names.every((name) => name === 'keys') && !(members.keys as unknown[] | undefined)?.length;
}

export function errorReply(error: unknown, fault: (what: string, error: unknown) => void): Reply {
  if (!(error instanceof CodedError)) {
    fault('request', error);
    return { kind: 'error', status: 500, errors: [multiError([ERRORS.internal.text])] };
  }
  const { status, messages, data } = error;
  return {
    kind: 'error',
    status,
    errors: messages,
    data: data as never,
    retryAfterSeconds: retryAfterSeconds(error),
  };
}
