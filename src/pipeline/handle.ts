/**
 * One request, from door to door: seal, resolve, auth, audit, route, run, audit, reply. These steps in this order (the house's walk is in
 * docs/architecture.md); each may end the walk.
 *
 * @module
 */
import type { AuditedHeaders } from '../audit/headers.ts';
import type { AuditEntry, AuditTrail } from '../model/audit.ts';
import { CodedError, denied, ERRORS } from '../model/errors.ts';
import { STALE_CLAIMS_AT_ONCE, STALE_CLAIMS_PAUSE_MAX_MS, STALE_CLAIMS_RETRIES } from '../model/limits.ts';
import type { Reply, Request, RequestHandler, Verb } from '../model/request.ts';
import { auditEntry, auditLogin, auditRefusal, auditResponse } from './audit-entry.ts';
import { decisionOn, LET_IN } from './authority.ts';
import { makeAuthorize, type Taken } from './authorize.ts';
import { findExistence } from './existence.ts';
import { resolveRequest } from './home.ts';
import type { LimitedUses } from './limited-uses.ts';
import { refuseNamespace } from './namespace-rules.ts';
import { makeQuotaGate } from './quota-gate.ts';
import type { Quotas } from './quotas.ts';
import { errorReply, textOf } from './replies.ts';
import type { Resolved } from './resolve.ts';
import { makeRunner, type Ran, type RunnerOptions } from './run.ts';
import type { Seal } from './seal-state.ts';
import { beginning, changesNothing, mayCreate, routeOperation, type Walk } from './walk.ts';
import { makeWrapping, type WrappingOptions } from './wrapping.ts';

export interface PipelineOptions extends RunnerOptions {
  readonly seal: Seal;
  readonly audit: AuditTrail;
  /** Which request headers it is told. Absent: none. */
  auditHeaders?(): AuditedHeaders;
  readonly uses: LimitedUses;
  /** Absent: there are none. */
  readonly quotas?: Quotas;
  /** Resolves when what this node has of the catalog is what counts. @throws CodedError `unavailable`. Absent: it always is. */
  inTime?(): Promise<void>;
  /** As which role of its auth method, or as which user, a request asks to be let in; undefined: it is no login. Absent: none is one. */
  roleOfLogin?(request: Request, resolved: Resolved): Promise<string | undefined>;
  /** Absent: no reply is wrapped, and who asks for it is refused. */
  readonly wrapping?: WrappingOptions;
  /** Runs `run` once after `ms`. */
  after(run: () => void, ms: number): { clear(): void };
  fault(what: string, error: unknown): void;
  /** Called once per request, for metrics. */
  observe(verb: Verb, mountType: string, startedMs: number): void;
}

const NO_HEADERS: AuditedHeaders = new Map();

export function makePipeline(options: PipelineOptions): RequestHandler {
  const { seal, resolver, authority, audit, uses } = options;
  const wrapping = makeWrapping(options.wrapping, makeRunner(options));
  const { run } = wrapping;
  const authorize = makeAuthorize({ authority, resolver, uses, tokenOf: wrapping.tokenOf });
  const auditHeaders = options.auditHeaders ?? (() => NO_HEADERS);

  const { quotas } = options;
  const gate = quotas && makeQuotaGate({ quotas, resolver, roleOf: options.roleOfLogin, refuse: overLimit });

  // Here and below no promise is made that need not be: each step of each request would have some.
  function handle(request: Request): Promise<Reply> {
    return quotas?.isOn() ? gate!.pass(request, () => admitted(request)) : admitted(request);
  }

  async function overLimit(request: Request, resolved: Resolved, refusal: CodedError, isTold: boolean) {
    try {
      const entry = () => auditEntry(beginning(request, resolved, authority.version()), auditHeaders());
      if (isTold && audit.isOn()) await audit.request(entry(), textOf(refusal));
      return errorReply(refusal, options.fault);
    } catch (error) {
      return errorReply(error, options.fault);
    }
  }

  async function admitted(request: Request): Promise<Reply> {
    const startedMs = performance.now();
    let mountType = '';
    const taken: Taken = {};
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          // Before anything is looked up: a change from here on makes what follows stale.
          const version = authority.version();
          const resolved = resolveRequest(resolver, request);
          mountType = resolved.mount?.type ?? '';
          return await walk(beginning(request, resolved, version), taken);
        } catch (error) {
          if (
            !(error instanceof CodedError) ||
            error.code !== 'stale_claims' ||
            attempt >= STALE_CLAIMS_RETRIES
          )
            throw error;
          await pause(attempt);
        }
      }
    } catch (error) {
      return errorReply(certain(error, request), options.fault);
    } finally {
      if (taken.caller) await uses.end(taken.caller);
      options.observe(request.verb, mountType, startedMs);
    }
  }

  /** Refused when its authority was established anew, a request may have been done before: who sent it must not hear that it was not. */
  function certain(error: unknown, request: Request): unknown {
    const isRefusal = error instanceof CodedError && ERRORS[error.code].status < 500;
    return isRefusal && options.cluster.isUnsettled?.(request) ? new CodedError('unavailable') : error;
  }

  /** The first tries follow at once: mostly something changed just now. Then what changes again and again is given time to settle. */
  async function pause(attempt: number): Promise<void> {
    if (attempt < STALE_CLAIMS_AT_ONCE) return;
    const ms = Math.min(2 ** (attempt - STALE_CLAIMS_AT_ONCE), STALE_CLAIMS_PAUSE_MAX_MS);
    await new Promise<void>((resolve) => void options.after(resolve, ms));
  }

  /**
   * A refusal that goes by the mounts and namespaces that are known here. A node that is behind does not know all of them: it refuses nothing before
   * it is in time again, and begins anew where it has heard of a change meanwhile.
   */
  async function settled({ version }: Walk, refusal: CodedError): Promise<CodedError> {
    if (!seal.isSealed() && options.staleForMs?.() === undefined) await options.inTime?.();
    if (authority.version() !== version) throw new CodedError('stale_claims');
    return refusal;
  }

  /** A node that is about to join those that serve says when to ask again. */
  function sealedNow(): CodedError {
    return seal.othersServe?.()
      ? new CodedError('unavailable', ERRORS.sealed.text)
      : new CodedError('sealed');
  }

  async function walk(state: Walk, taken: Taken): Promise<Reply> {
    const { request, resolved } = state;
    const route = resolved.match?.route;
    // Some listeners serve metrics and running requests to whoever reaches them, sealed or not, as Vault's do.
    const bare = request.openHere === true;
    const refuseSealed = () => {
      if (seal.isSealed() && !route?.whileSealed && !bare) throw sealedNow();
    };
    refuseSealed();
    // A namespace that an id led to is nothing that who shows no token is told of.
    if (!route?.homeOf) await inNamespace(state);

    // Who asks cannot be told while sealed; what answers then does no harm to anybody.
    const open = bare || route?.open === true || (seal.isSealed() && route?.whileSealed === true);
    state.operation = routeOperation(state);
    // A use that this request has taken already says enough of its token.
    const checking = taken.caller ? undefined : wrapping.refusal(state);
    let refusal = checking && (await checking);
    if (!open && !refusal) {
      const authorizing = authorize(state, taken, route?.open === 'token welcome');
      refusal = authorizing instanceof Promise ? await authorizing : authorizing;
    }
    if (route?.homeOf && !refusal) await inNamespace(state);
    if (mayCreate(state.operation) && request.verb === 'update' && audit.isOn())
      refusal = await judged(state, refusal);
    // Sealed meanwhile, so that no audit device is open: nothing may go past them.
    refuseSealed();
    // What is nowhere is open to nobody, and may be somewhere by now.
    if (refusal && !resolved.match) refusal = await settled(state, refusal);

    // Endpoints of the node itself (health, seal, init) leave no trace in the audit log, as in Vault.
    const leavesTrace = !(open && (bare || route?.whileSealed));
    if (!refusal && !state.decision) state.judged = LET_IN;
    if (!leavesTrace || !audit.isOn()) {
      if (refusal) throw refusal;
      const ran = await run(state);
      // The first device was enabled meanwhile, by this very request mostly.
      if (leavesTrace && audit.isOn()) await recordReply(state, auditEntry(state, auditHeaders()), ran);
      return ran.reply;
    }
    const entry = auditEntry(state, auditHeaders());
    const logged = audit.request(entry, refusal && textOf(refusal));
    if (refusal) {
      await logged;
      await audit.response(entry, auditRefusal(entry, refusal), textOf(refusal));
      throw refusal;
    }
    // What changes something starts only once its line is written. What reads may start at once: its answer waits for both lines,
    // which then go out in one write.
    if (changesNothing(request.verb)) logged.catch(() => {});
    else await logged;
    return await runAudited(state, entry, logged);
  }

  /**
   * The same where it is known whether the object exists: then it is one of create and update that has to be allowed. Of what may have been done
   * before that says nothing, and its actor decides, which remembers.
   */
  async function judged(state: Walk, refusal: CodedError | undefined): Promise<CodedError | undefined> {
    const { request } = state;
    const finding = findExistence(state, options.cluster, refusal !== undefined);
    state.exists = finding instanceof Promise ? await finding : finding;
    if (state.exists === undefined || !state.decision) return refusal;
    if (request.clientId !== undefined || options.cluster.isUnsettled?.(request)) return refusal;
    state.judged = decisionOn(state.decision, state.exists);
    return refusal ?? (state.judged.allowed ? undefined : denied());
  }

  /** @throws what keeps a request out of its namespace. */
  async function inNamespace(state: Walk): Promise<void> {
    try {
      refuseNamespace(state.resolved, seal.isSealed());
    } catch (error) {
      throw await settled(state, error as CodedError);
    }
  }

  async function runAudited(state: Walk, entry: AuditEntry, logged: Promise<void>): Promise<Reply> {
    let ran: Ran;
    try {
      ran = await run(state);
      // Sealed meanwhile: what no device can be told is told to nobody. The request that sealed is answered.
      const untold = seal.isSealed() && !audit.isOn();
      if (untold && !state.resolved.match?.route.whileSealed) throw sealedNow();
    } catch (error) {
      await logged;
      // Authority changed meanwhile: the walk begins again, and its next round is audited as a whole.
      const stale = error instanceof CodedError && error.code === 'stale_claims';
      if (stale) await audit.response(entry, undefined, 'authorized anew');
      else await audit.response(entry, auditRefusal(entry, error), textOf(error));
      throw error;
    }
    await recordReply(state, entry, ran);
    await logged;
    return ran.reply;
  }

  function recordReply({ caller }: Walk, entry: AuditEntry, ran: Ran): Promise<void> {
    return audit.response(caller ? entry : auditLogin(entry, ran), ran.logical && auditResponse(ran.logical));
  }

  return {
    handle,
    refusal: gate?.refusal,
    isOpen: (path, namespace) => resolver.resolve(path, false, namespace).match?.route.open !== undefined,
    readsDeleteBody: (path, namespace) =>
      resolver.resolve(path, false, namespace).match?.route.deleteBody === true,
  };
}
