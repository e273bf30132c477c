/**
 * The last steps of a request that is let in: route, run. They say nothing of who may know: that was settled before.
 *
 * @module
 */
import type { Claims, Cluster } from '../model/actor.ts';
import { type AnyOperation, isServed, type Route, type RouteContext } from '../model/engine.ts';
import { badRequest, CodedError, unsupportedOperation, unsupportedPath } from '../model/errors.ts';
import type { JsonMap } from '../model/json.ts';
import type { Mount, SettingsOfMount } from '../model/mount.ts';
import { ROOT_NAMESPACE } from '../model/namespace.ts';
import { decodeParams } from '../model/params.ts';
import type { AuthBlock, LogicalReply, Reply } from '../model/request.ts';
import type { Authority } from './authority.ts';
import { helpReply } from './help.ts';
import { resolveRequest } from './home.ts';
import { refuseRootOnly } from './namespace-rules.ts';
import { replyOf, staleReply } from './replies.ts';
import type { Resolver } from './resolve.ts';
import { changesNothing, fieldsOf, isWrite, type Walk } from './walk.ts';
import { paramWarnings } from './warnings.ts';

export interface RunnerOptions {
  readonly resolver: Resolver;
  readonly authority: Authority;
  readonly cluster: Cluster;
  readonly settings: SettingsOfMount;
  now(): number;
  randomBytes(bytes: number): Buffer;
  /** ms for which what is answered may be stale; undefined, or absent: it is not. */
  staleForMs?(): number | undefined;
  /** The mount's effective default TTL, seconds. */
  defaultTtlOf(mount: Mount): number;
}

export interface Ran {
  readonly reply: Reply;
  /** What the audit log is told of it. */
  readonly logical: LogicalReply | undefined;
  /** The token in a reply that waits. */
  readonly issued?: AuthBlock | undefined;
}

/** @returns what runs the operation of an authorized request. */
export function makeRunner(options: RunnerOptions): (state: Walk) => Promise<Ran> {
  const { resolver, authority, cluster } = options;

  async function run(state: Walk): Promise<Ran> {
    const { request, resolved } = state;
    const { mount, match } = resolved;
    if (!mount) {
      const text = `no handler for route "${resolved.asked}". route entry not found.`;
      throw current(state, new CodedError('unsupported_path', text));
    }
    if (request.verb === 'help') {
      return {
        reply: helpReply(resolved.asked, mount, match, resolver.engineOf(mount)!),
        logical: undefined,
      };
    }
    if (isWrite(request.verb) && request.path.trailingSlash) {
      throw badRequest("cannot write to a path ending in '/'");
    }
    if (!match) throw current(state, unsupportedPath());
    if (request.verb === 'delete' && request.path.trailingSlash && !match.route.deletesWithSlash)
      throw badRequest("cannot delete a path ending in '/'");
    refuseRootOnly(resolved);
    const operation = state.operation;
    if (!operation) throw withoutOperation(match.route);
    const reply = await runOperation(state, operation, mount, match.captures);
    const leased = reply.leaseOfMount ? { ...reply, leaseDuration: options.defaultTtlOf(mount) } : reply;
    const ageMs = options.staleForMs?.();
    return ageMs === undefined
      ? { reply: replyOf(request, mount, leased), logical: leased }
      : staleReply(request, mount, leased, ageMs);
  }

  /** A refusal that goes by the mounts as they were when the path was looked for: what came since makes it stale. */
  function current(state: Walk, refusal: CodedError): CodedError {
    return claimsOf(state).good() ? refusal : new CodedError('stale_claims');
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
      // What waited for the store, as lists do, may show what was written after its authority had ended.
      if (changesNothing(request.verb) && !claims.good()) throw new CodedError('stale_claims');
    }
    return operation.wholeBody && request.body
      ? reply
      : paramWarnings(reply, operation.params, sent, captures);
  }

  /** The authority of a decided request, asked again wherever something starts under it: good token, same mount, same decision. */
  function claimsOf({ request, resolved, version, caller, question, decision }: Walk): Claims {
    let known = version;
    const isSame = (): boolean => {
      const current = resolveRequest(resolver, request);
      const { namespace, lockedBy, mount } = current;
      if (namespace !== resolved.namespace || lockedBy !== resolved.lockedBy || mount !== resolved.mount)
        return false;
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
      basis: () => authority.basis(caller),
    };
  }

  /**
   * The same of a reply that goes on for long: by what it names, not by which object that was, since a section may be read anew; and of a token that
   * only another node knows of, that one is asked.
   */
  async function stillGood({ request, resolved, caller, question }: Walk): Promise<boolean> {
    if (caller && !(await authority.isStillGood(caller))) return false;
    const { namespace, lockedBy, mount } = resolveRequest(resolver, request);
    if (namespace?.id !== resolved.namespace?.id || lockedBy?.id !== resolved.lockedBy?.id) return false;
    if (mount?.uuid !== resolved.mount?.uuid) return false;
    return !caller || !question || authority.decide(caller, question).allowed;
  }

  function routeContext(
    state: Walk,
    mount: Mount,
    captures: Readonly<Record<string, string>>,
    sent: JsonMap,
    claims: Claims,
  ): RouteContext {
    const { request, caller, resolved } = state;
    const namespace = resolved.namespace ?? ROOT_NAMESPACE;
    return {
      request,
      namespace,
      path: resolved.asked,
      mount,
      caller,
      captures,
      sent,
      cluster,
      claims,
      settings: options.settings,
      stillGood: () => stillGood(state),
      isSudo: () => caller !== undefined && authority.isSudo(caller, state.prefix + resolved.path),
      now: options.now,
      randomBytes: options.randomBytes,
    };
  }

  return run;
}

/** What is open has no list of errors around it, as in Vault. */
function withoutOperation(route: Route): CodedError {
  if (route.whileSealed) return new CodedError('unsupported_operation', []);
  if (!route.open) return unsupportedOperation();
  return new CodedError(isServed(route) ? 'unsupported_operation' : 'unsupported_path');
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
