/**
 * What audit devices are told of a request and of its reply (contract §17), in the clear: they hash what has to be hashed.
 *
 * @module
 */
import { isLarge } from '../audit/data-writer.ts';
import { type AuditedHeaders, auditedHeaders } from '../audit/headers.ts';
import type { AuditAuth, AuditEntry, AuditOperation, AuditResponse, AuditWrapInfo } from '../model/audit.ts';
import { CodedError, type ErrorCode } from '../model/errors.ts';
import type { JsonMap } from '../model/json.ts';
import { apiPath } from '../model/mount.ts';
import { ROOT_NAMESPACE } from '../model/namespace.ts';
import { type AuthBlock, headerValuesOf, type LogicalReply, type Request } from '../model/request.ts';
import { BUILTIN_PLUGIN_VERSION } from '../model/version.ts';
import type { WrapInfo } from '../model/wrapping.ts';
import { makeAuditAuths, shownAccessor } from './audit-auths.ts';
import { textOf } from './replies.ts';
import type { Ran } from './run.ts';
import type { Walk } from './walk.ts';

const auditAuthOf = makeAuditAuths();

/** @param headers - which of the request's headers are told. */
export function auditEntry(
  { request, resolved, caller, prefix, decision, exists, judged }: Walk,
  headers: AuditedHeaders,
): AuditEntry {
  const { mount } = resolved;
  const path = resolved.namespace?.path ?? '';
  const callerPath = path.slice(0, path.length - prefix.length);
  const auth = auditAuthOf(caller, judged ?? decision, callerPath);
  return {
    auth,
    request: {
      id: request.id,
      clientId: auth.clientId,
      operation: operationOf(request, exists),
      mountPoint: mount && apiPath(mount),
      mountType: mount?.type,
      mountAccessor: mount?.accessor,
      mountRunningVersion: mount && BUILTIN_PLUGIN_VERSION,
      mountClass: mount && (mount.class === 'auth' ? 'auth' : 'secret'),
      clientToken: request.token,
      clientTokenAccessor: caller && shownAccessor(caller),
      namespaceId: (resolved.namespace ?? ROOT_NAMESPACE).id,
      namespacePath: path || undefined,
      path: resolved.path,
      data: caller === undefined ? smallDataOf(request) : dataOf(request),
      remoteAddress: request.remoteAddress,
      remotePort: request.remotePort,
      wrapTtl: request.wrapTtlSeconds,
      headers: auditedHeaders(headers, (name) => headerValuesOf(request, name)),
      requestUri: `/v1/${request.path.text}`,
      nonHmacRequestKeys: mount?.config.audit_non_hmac_request_keys,
      nonHmacResponseKeys: mount?.config.audit_non_hmac_response_keys,
    },
  };
}

function operationOf({ verb }: Request, exists: boolean | undefined): AuditOperation {
  return verb === 'update' && exists === false ? 'create' : verb;
}

function dataOf({ body, query }: Request): JsonMap | undefined {
  if (body !== undefined) return body;
  return query.size > 0 ? query : undefined;
}

/**
 * Of those whom nobody knows, only what is quickly hashed: the log still has their request, but a body of theirs must not keep a
 * core busy for seconds (CVE-2025-6203).
 */
function smallDataOf(request: Request): JsonMap | undefined {
  const data = dataOf(request);
  return data === undefined || isLarge(data) ? undefined : data;
}

/** Of a request that was refused. */
export function auditRefusal({ request }: AuditEntry, error: unknown): AuditResponse {
  // Of what a mount does not serve Vault tells no more than which mount.
  const isUnserved =
    error instanceof CodedError && UNSERVED.has(error.code) && request.mountPoint !== undefined;
  return isUnserved ? {} : { data: { error: textOf(error) } };
}
const UNSERVED: ReadonlySet<ErrorCode> = new Set(['unsupported_path', 'unsupported_operation']);

/** What nobody asked under a token is told of under the one that it issued, once that is there. */
export function auditLogin(entry: AuditEntry, { logical, issued = logical?.auth }: Ran): AuditEntry {
  return issued ? { auth: authOfBlock(issued), request: entry.request } : entry;
}

export function auditResponse(reply: LogicalReply): AuditResponse {
  return {
    auth: reply.auth && authOfBlock(reply.auth),
    leaseId: reply.leaseId,
    data: reply.data ?? undefined,
    warnings: reply.warnings,
    wrapInfo: reply.wrapInfo && wrapInfoOf(reply.wrapInfo),
  };
}

function wrapInfoOf(info: WrapInfo): AuditWrapInfo {
  return {
    ttl: info.ttl,
    token: info.token,
    accessor: info.accessor,
    creationTime: info.creation_time,
    creationPath: info.creation_path,
    wrappedAccessor: info.wrapped_accessor,
  };
}

function authOfBlock(block: AuthBlock): AuditAuth {
  return {
    clientToken: block.client_token,
    accessor: block.accessor,
    displayName: block.told?.displayName,
    policies: block.policies,
    tokenPolicies: block.token_policies,
    metadata: block.metadata,
    numUses: block.num_uses,
    tokenType: block.token_type,
    tokenTtl: block.lease_duration,
    tokenIssueTimeMs: block.told?.issuedAtMs,
  };
}
