/**
 * One request, from door to door: seal, resolve, auth, audit, route, run, audit, reply. These steps in this order (the house's walk is in
 * docs/architecture.md); each may end the walk.
 *
 * @module
 */

import type { Question } from '../auth/policies/acl.ts';
import type { Claims, Cluster } from '../model/actor.ts';
import type { AuditEntry, AuditTrail } from '../model/audit.ts';
import type { Caller } from '../model/caller.ts';
import type { AnyOperation, RouteContext } from '../model/engine.ts';
import {
  badRequest,
  CodedError,
  denied,
  ERRORS,
  multiError,
  retryAfterSeconds,
  unsupportedOperation,
  unsupportedPath,
} from '../model/errors.ts';
import type { JsonMap } from '../model/json.ts';
import { STALE_CLAIMS_RETRIES } from '../model/limits.ts';
import { apiPath, type Mount } from '../model/mount.ts';
import { decodeParams } from '../model/params.ts';
import type { LogicalReply, Reply, Request, RequestHandler, Verb } from '../model/request.ts';
import { auditEntry, auditResponse } from './audit-entry.ts';
import type { Authority, Decision } from './authority.ts';
import { helpReply } from './help.ts';
import { makeLimitedUses } from './limited-uses.ts';
import type { Resolved, Resolver } from './resolve.ts';
import type { Seal } from './seal-state.ts';
import { paramWarnings } from './warnings.ts';

export interface PipelineOptions {
  readonly seal: Seal;
  readonly resolver: Resolver;
  readonly authority: Authority;
  readonly audit: AuditTrail;
  readonly cluster: Cluster;
  now(): number;
  randomBytes(bytes: number): Buffer;
  fault(what: string, error: unknown): void;
  /** Called once per request, for metrics. */
  observe(verb: Verb, mountType: string, startedMs: number): void;
  /** The mount's effective default TTL, seconds. */
  defaultTtlOf(mount: Mount): number;
}

/** One attempt's findings. */
interface Walk {
  readonly request: Request;
  readonly resolved: Resolved;
  /** Of the catalog, when the path was resolved. */
  readonly version: number;
  caller: Caller | undefined;
  question: Question | undefined;
  decision: Decision | undefined;
  operation: AnyOperation | undefined;
}

interface Ran {
  readonly reply: Reply;
  /** What the audit log is told of it. */
  readonly logical: LogicalReply | undefined;
}

const EMPTY: JsonMap = new Map();

/** Text of an error for the audit log: what the client is told, no more. */
function textOf(error: unknown): string {
  return error instanceof CodedError ? error.messages.join('; ') : ERRORS.internal.text;
}

export function makePipeline(options: PipelineOptions): RequestHandler {
  const { seal, resolver, authority, audit, cluster } = options;
  const uses = makeLimitedUses(authority.revokeSpent, options.fault);

  async function handle(request: Request): Promise<Reply> {
    const startedMs = performance.now();
    let mountType = '';
    // A use of a limited token is taken once, however often authority has to be established anew.
    const taken: { caller?: Caller } = {};
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          const { verb, path } = request;
          // Before anything is looked up: a change from here on makes what follows stale.
          const version = authority.version();
          const resolved = resolver.resolve(path.text, verb === 'list' || verb === 'help');
          mountType = resolved.mount?.type ?? '';
          return await walk(
            {
              request,
              resolved,
              version,
              caller: undefined,
              question: undefined,
              decision: undefined,
              operation: undefined,
            },
            taken,
          );
        } catch (error) {
          if (
            !(error instanceof CodedError) ||
            error.code !== 'stale_claims' ||
            attempt >= STALE_CLAIMS_RETRIES
          )
            throw error;
        }
      }
    } catch (error) {
      return errorReply(error, options.fault);
    } finally {
      if (taken.caller) await uses.end(taken.caller);
      options.observe(request.verb, mountType, startedMs);
    }
  }

  async function walk(state: Walk, taken: { caller?: Caller }): Promise<Reply> {
    const { request, resolved } = state;
    const route = resolved.match?.route;
    // Some listeners serve metrics and running requests to whoever reaches them, sealed or not, as Vault's do.
    const bare = request.openHere === true;
    const refuseSealed = () => {
      if (seal.isSealed() && !route?.whileSealed && !bare) throw new CodedError('sealed');
    };
    refuseSealed();
    if (request.namespace !== '' && request.namespace !== 'root')
      throw new CodedError('unsupported_path', 'namespace not found');
    if (request.wrapTtlSeconds !== undefined) throw badRequest('response wrapping is not supported yet');

    // Who asks cannot be told while sealed; what answers then does no harm to anybody.
    const open = bare || route?.open === true || (seal.isSealed() && route?.whileSealed === true);
    let refusal: CodedError | undefined;
    if (!open) refusal = await authorize(state, taken, route?.open === 'token welcome');
    // Sealed meanwhile, so that no audit device is open: nothing may go past them.
    refuseSealed();
    state.operation = routeOperation(state);

    // Endpoints of the node itself (health, seal, init) leave no trace in the audit log, as in Vault.
    const audited = !(open && (bare || route?.whileSealed)) && audit.isOn();
    if (!audited) {
      if (refusal) throw refusal;
      return (await run(state)).reply;
    }
    const entry = auditEntry(request, resolved, state.caller, state.decision);
    const logged = audit.request(entry, refusal && textOf(refusal));
    if (refusal) {
      await logged;
      await audit.response(entry, undefined, textOf(refusal));
      throw refusal;
    }
    // What changes something starts only once its line is written. What reads may start at once: its answer waits for both lines,
    // which then go out in one write.
    if (changesNothing(request.verb)) logged.catch(() => {});
    else await logged;
    return runAudited(state, entry, logged);
  }

  async function runAudited(state: Walk, entry: AuditEntry, logged: Promise<void>): Promise<Reply> {
    let ran: Ran;
    try {
      ran = await run(state);
      // Sealed meanwhile: what no device can be told is told to nobody. The request that sealed is answered.
      const untold = seal.isSealed() && !audit.isOn();
      if (untold && !state.resolved.match?.route.whileSealed) throw new CodedError('sealed');
    } catch (error) {
      await logged;
      // Authority changed meanwhile: the walk begins again, and its next round is audited as a whole.
      const stale = error instanceof CodedError && error.code === 'stale_claims';
      await audit.response(entry, undefined, stale ? 'authorized anew' : textOf(error));
      throw error;
    }
    const answered = audit.response(entry, ran.logical && auditResponse(ran.logical));
    await Promise.all([logged, answered]);
    return ran.reply;
  }

  /** Who asks, and may they? The refusal is returned, since it is audited before it is answered. */
  async function authorize(
    state: Walk,
    taken: { caller?: Caller },
    tokenOptional: boolean,
  ): Promise<CodedError | undefined> {
    const { request, resolved } = state;
    if (request.token === undefined || request.token === '') {
      return tokenOptional ? undefined : new CodedError('permission_denied', 'permission denied');
    }
    let { caller } = taken;
    if (!caller) caller = await authority.authenticate(request.token);
    else if (!(await authority.isStillGood(caller))) caller = undefined;
    if (!caller) {
      if (tokenOptional) return undefined;
      return new CodedError('permission_denied', multiError(['permission denied', 'invalid token']));
    }
    if (caller.state.usesLeft !== undefined && !taken.caller) {
      taken.caller = caller;
      uses.begin(caller);
    }
    state.caller = caller;
    if (tokenOptional) return undefined;
    state.question = {
      path: resolved.path,
      lowerCaseBelow: resolved.match?.route.lowerCase && resolved.mount && apiPath(resolved.mount),
      verb: request.verb,
      mayCreate: mayCreate(routeOperation(state)),
      sudo: resolved.match?.route.sudo === true,
      fields: fieldsOf(request),
    };
    state.decision = authority.decide(caller, state.question);
    return state.decision.allowed ? undefined : denied();
  }

  async function run(state: Walk): Promise<Ran> {
    const { request, resolved } = state;
    const { mount, match } = resolved;
    if (!mount) {
      throw new CodedError(
        'unsupported_path',
        `no handler for route "${request.path.text}". route entry not found.`,
      );
    }
    if (request.verb === 'help') {
      return {
        reply: helpReply(request.path.text, mount, match, resolver.engineOf(mount)!),
        logical: undefined,
      };
    }
    if (isWrite(request.verb) && request.path.trailingSlash) {
      throw badRequest("cannot write to a path ending in '/'");
    }
    if (!match) throw unsupportedPath();
    const operation = state.operation;
    if (!operation)
      throw match.route.whileSealed ? new CodedError('unsupported_operation', []) : unsupportedOperation();
    const reply = await runOperation(state, operation, mount, match.captures);
    const leased = reply.leaseOfMount ? { ...reply, leaseDuration: options.defaultTtlOf(mount) } : reply;
    return { reply: replyOf(request, mount, leased), logical: leased };
  }

  async function runOperation(
    state: Walk,
    operation: AnyOperation,
    mount: Mount,
    captures: Readonly<Record<string, string>>,
  ): Promise<LogicalReply> {
    const { request, caller } = state;
    const sent = fieldsOf(request);
    const params = operation.wholeBody
      ? {}
      : decodeParams(operation.params, withCaptures(sent, captures, operation));
    const claims = claimsOf(state);
    let reply: LogicalReply;
    if (operation.where === 'actor') {
      const id = {
        kind: operation.op.actor.kind,
        namespace: mount.namespace,
        mount: mount.uuid,
        name: operation.actorName(captures, caller),
      };
      reply = await cluster.send(operation.op, id, { params, sent }, { claims, caller, mount, request });
    } else {
      if (!claims.good()) throw new CodedError('stale_claims');
      reply = await operation.run(params, routeContext(state, mount, captures, sent, claims));
    }
    return operation.wholeBody && request.body
      ? reply
      : paramWarnings(reply, operation.params, sent, captures);
  }

  /** The authority of a decided request, asked again wherever something starts under it: good token, same mount, same decision. */
  function claimsOf({ request, resolved, version, caller, question, decision }: Walk): Claims {
    let known = version;
    const isSame = (): boolean => {
      const { mount } = resolver.resolve(request.path.text, request.verb === 'list');
      if (mount !== resolved.mount) return false;
      if (!caller || !question || !decision) return true;
      const now = authority.decide(caller, question);
      return now.allowed && now.mayCreate === decision.mayCreate && now.mayUpdate === decision.mayUpdate;
    };
    return {
      good() {
        if (caller && !authority.isGood(caller)) return false;
        const version = authority.version();
        // The catalog changed: was it anything that this request rests on?
        if (version !== known && !isSame()) return false;
        known = version;
        return true;
      },
      mayCreate: decision?.mayCreate ?? true,
      mayUpdate: decision?.mayUpdate ?? true,
    };
  }

  function routeContext(
    state: Walk,
    mount: Mount,
    captures: Readonly<Record<string, string>>,
    sent: JsonMap,
    claims: Claims,
  ): RouteContext {
    const { request, caller, resolved } = state;
    return {
      request,
      mount,
      caller,
      captures,
      sent,
      cluster,
      claims,
      isSudo: () => caller !== undefined && authority.isSudo(caller, resolved.path),
      now: options.now,
      randomBytes: options.randomBytes,
    };
  }

  return {
    handle,
    isOpen: (path) => resolver.resolve(path).match?.route.open === true,
  };
}

function routeOperation({ request, resolved }: Walk): AnyOperation | undefined {
  const route = resolved.match?.route;
  if (!route) return undefined;
  switch (request.verb) {
    case 'help':
      return undefined;
    case 'header':
      return route.head ? route.read : undefined;
    default:
      return route[request.verb];
  }
}

function changesNothing(verb: Verb): boolean {
  return verb === 'read' || verb === 'list' || verb === 'help' || verb === 'header';
}

function isWrite(verb: Verb): boolean {
  return verb === 'update' || verb === 'patch';
}

/** What the request says: writes say it in the body, and only there. */
function fieldsOf({ verb, body, query }: Request): JsonMap {
  return isWrite(verb) ? (body ?? EMPTY) : query;
}

/** Is POST here create or update, as the object's own actor finds? */
function mayCreate(operation: AnyOperation | undefined): boolean {
  return operation?.where === 'actor' ? operation.exists !== undefined : operation?.createsOrUpdates === true;
}

/** Captured names stand above what the body says under the same name. */
function withCaptures(
  sent: JsonMap,
  captures: Readonly<Record<string, string>>,
  operation: AnyOperation,
): JsonMap {
  let merged = sent;
  for (const name in captures) {
    if (!(name in operation.params)) continue;
    if (merged === sent) merged = new Map(sent);
    merged.set(name, captures[name]!);
  }
  return merged;
}

function replyOf(request: Request, mount: Mount, reply: LogicalReply): Reply {
  if (reply.bare !== undefined) return { kind: 'bare', status: reply.status ?? 200, value: reply.bare };
  if (reply.raw) return { kind: 'raw', status: reply.status ?? 200, ...reply.raw };
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

/** No keys and nothing else either: such a list is answered 404 (contract §1.5). */
function isEmptyList({ data, warnings }: LogicalReply): boolean {
  if (!data || warnings?.length) return false;
  const members = data instanceof Map ? Object.fromEntries(data) : (data as { [key: string]: unknown });
  const names = Object.keys(members).filter((name) => members[name] !== undefined);
  return names.every((name) => name === 'keys') && !(members.keys as unknown[] | undefined)?.length;
}

function errorReply(error: unknown, fault: PipelineOptions['fault']): Reply {
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
