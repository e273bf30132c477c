/**
 * Response wrapping, as a request meets it (contract §2.8): the reply is laid aside under a token that opens it once; and who comes with such
 * a token hears first whether it is one.
 *
 * @module
 */
import type { WrappedReplies } from '../auth/token/wrapped-replies.ts';
import type { WrappingJwt } from '../auth/token/wrapping-jwt.ts';
import { badRequest, CodedError, wrappingTokenInvalid } from '../model/errors.ts';
import { CORE_MOUNTS, issuerOf, type Mount } from '../model/mount.ts';
import { ROOT_NAMESPACE } from '../model/namespace.ts';
import { headerValuesOf, type LogicalReply, type Reply } from '../model/request.ts';
import type { WrappedReply } from '../model/wrapping.ts';
import { replyOf } from './replies.ts';
import type { Resolved } from './resolve.ts';
import type { Ran } from './run.ts';
import { fieldsOf, type Walk } from './walk.ts';

export interface WrappingOptions {
  readonly replies: WrappedReplies;
  readonly jwt: WrappingJwt;
  /** Where the API is, for who gets a JWT. */
  readonly apiAddress: string;
  /** As the door would send it. */
  encode(reply: Reply): { contentType: string; body: string | Uint8Array | undefined };
  now(): number;
}

export interface Wrapping {
  /** Why the wrapping token of this request is none; undefined: it is one, or none is needed. Asked before anything of it is used. */
  refusal(walk: Walk): Promise<CodedError | undefined> | undefined;
  /** The token to look at: the one sent, or the one inside of a JWT that may stand for it. */
  tokenOf(walk: Walk): string | undefined;
  /** Runs the request; its reply waits, where that was asked for. */
  run(walk: Walk): Promise<Ran>;
}

/** Their token is a wrapping token: the body's, or the caller's own. */
const OPENERS = new Set(['sys/wrapping/lookup', 'sys/wrapping/unwrap', 'sys/wrapping/rewrap']);
/** Where clients before Vault 0.6.2 found the reply. */
const OLD_PLACE = 'cubbyhole/response';
const OLD_PLACE_WARNING =
  "Reading from 'cubbyhole/response' is deprecated: unwrap with sys/wrapping/unwrap, which checks more.";

export function makeWrapping(
  options: WrappingOptions | undefined,
  runPlain: (walk: Walk) => Promise<Ran>,
): Wrapping {
  if (!options) return withoutWrapping(runPlain);
  const { replies, jwt, encode, apiAddress, now } = options;

  async function check({ request, resolved }: Walk): Promise<CodedError | undefined> {
    const sent = fieldsOf(request).get('token') ?? request.token ?? '';
    if (typeof sent !== 'string') return unreadable('could not decode token in request body');
    if (sent === '') return unreadable('token is empty');
    const isGood = await replies.look(jwt.tokenIn(sent), namespaceOf(resolved));
    return isGood ? undefined : wrappingTokenInvalid();
  }

  async function wrap({ request, resolved }: Walk, ran: Ran, ttl: number): Promise<Ran> {
    const { reply, logical } = ran;
    // Of a list that holds nothing Vault says that there is no such path.
    if (reply.kind === 'error' && request.verb === 'list' && reply.errors.length === 0)
      throw new CodedError('unsupported_path');
    // It has no end that could be waited for.
    if (reply.kind === 'stream') throw badRequest('this response cannot be wrapped');
    // A refusal is told at once; what says nothing at all too, and what the node says of itself.
    if (reply.kind !== 'envelope' && reply.kind !== 'raw') return ran;
    if (logical?.wrapInfo) return ran;
    const { path } = resolved;
    const { contentType, body = '' } = encode(reply);
    const stored = { status: reply.status, contentType, body };
    const wrappedAccessor = logical?.auth?.accessor ?? logical?.wrappedAccessor;
    const namespace = namespaceOf(resolved);
    const issuer = lasting(resolved.mount!) ? undefined : issuerOf(resolved.mount!);
    const about = { namespace, ttl, path, creationPath: path, wrappedAccessor, issuer };
    const info = await replies.wrap(stored, about);
    const asJwt =
      headerValuesOf(request, 'x-vault-wrap-format')?.[0] === 'jwt' && path !== 'sys/wrapping/wrap';
    const token = asJwt ? jwt.write(info, apiAddress, now()) : info.token;
    const told = { wrapInfo: { ...info, token } };
    return {
      reply: replyOf(request, resolved.mount!, told),
      // Audit devices hash the token itself, whatever it was packed in.
      logical: { wrapInfo: info, warnings: logical?.warnings },
      issued: logical?.auth,
    };
  }

  /** `cubbyhole/response` of a token that wraps. */
  async function oldPlace({ request, resolved, caller }: Walk): Promise<Ran | undefined> {
    if (request.verb !== 'read' || resolved.path !== OLD_PLACE || !caller?.state.wraps) return undefined;
    const stored = await replies.own(caller);
    const logical: LogicalReply = stored
      ? { data: { response: textOf(stored) }, warnings: [OLD_PLACE_WARNING] }
      : {};
    return { reply: replyOf(request, resolved.mount!, logical), logical };
  }

  async function runWrapping(walk: Walk): Promise<Ran> {
    const ran = (await oldPlace(walk)) ?? (await runPlain(walk));
    const ttl = walk.request.wrapTtlSeconds;
    return ttl === undefined ? ran : wrap(walk, ran, ttl);
  }

  return {
    refusal: (walk) => (walk.operation && OPENERS.has(walk.resolved.path) ? check(walk) : undefined),
    tokenOf: ({ request, resolved }) =>
      request.token !== undefined && OPENERS.has(resolved.path) ? jwt.tokenIn(request.token) : request.token,
    run(walk) {
      const isPlain = walk.request.wrapTtlSeconds === undefined && !walk.caller?.state.wraps;
      return isPlain ? runPlain(walk) : runWrapping(walk);
    },
  };
}

/** What a namespace has from its beginning is neither disabled nor moved: it need not be named. */
function lasting(mount: Mount): boolean {
  return CORE_MOUNTS.some(({ class: of, path }) => of === mount.class && path === mount.path);
}

function namespaceOf({ namespace }: Resolved): string {
  return (namespace ?? ROOT_NAMESPACE).id;
}

function withoutWrapping(run: (walk: Walk) => Promise<Ran>): Wrapping {
  return {
    refusal: ({ request }) =>
      request.wrapTtlSeconds === undefined
        ? undefined
        : Promise.resolve(badRequest('response wrapping is not supported here')),
    tokenOf: ({ request }) => request.token,
    run,
  };
}

function unreadable(what: string): CodedError {
  return new CodedError('permission_denied', `error validating wrapping token: ${what}`);
}

/** The body as it would stand in a string: without the last line's end. */
function textOf({ body }: WrappedReply): string {
  return Buffer.from(body).toString().trimEnd();
}
