/**
 * What a token may do on paths (contract §2.6).
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, type CodedError, multiError } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { CAPABILITY_PATHS_MAX, PATH_CHARS_MAX, TOKEN_BYTES_MAX } from '../../model/limits.ts';
import { isAccessor, isOfNamespace, namespaceIdOf } from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { Acl, SystemCore } from './core.ts';

const PATHS = {
  paths: p.commaStrings('Paths to ask about.', { absent: [] }),
  path: p.commaStrings('Older name of paths.', { absent: [] }),
};
const TOKEN = p.string('The token asked about.', { absent: '' });

type Paths = p.Decoded<typeof PATHS>;

/** What the token of an accessor may do, its paths those of the request. Undefined: nobody's, or that of another namespace. */
export async function aclOfAnother(
  access: SystemCore['access'],
  accessor: string,
  ctx: RouteContext,
): Promise<Acl | undefined> {
  if (!isAccessor(accessor) || !isOfNamespace(accessor, ctx)) return undefined;
  const state = await access.stateOf(accessor);
  return state && access.aclOf({ namespace: namespaceIdOf(accessor), state }, ctx.namespace);
}

/** The same of who is named by the token itself, which may be of a namespace below as well. Not of one above or beside: those are strangers. */
export async function aclOfToken(
  access: SystemCore['access'],
  token: string,
  ctx: RouteContext,
): Promise<Acl | undefined> {
  if (token.length > TOKEN_BYTES_MAX) return undefined;
  const accessor = access.accessorOf(token);
  const namespace = namespaceIdOf(accessor);
  if (!access.isBelow(ctx.namespace, namespace)) return aclOfAnother(access, accessor, ctx);
  const state = await access.stateOf(accessor);
  return state && access.aclOf({ namespace, state }, ctx.namespace);
}

export function capabilityRoutes({ access }: SystemCore): Record<string, Route> {
  return {
    capabilities: {
      update: operation({
        summary: 'What may a token do on these paths?',
        params: { token: TOKEN, ...PATHS },
        run: async ({ token, ...sent }, ctx) => {
          const paths = pathsOf(sent);
          if (token === '') throw wrong('no token found');
          const acl = await aclOfToken(access, token, ctx);
          if (!acl) throw wrong('invalid token');
          return answer(acl, paths);
        },
      }),
    },
    'capabilities-self': {
      update: operation({
        summary: 'What may the calling token do on these paths?',
        params: { token: TOKEN, ...PATHS },
        run: (sent, { caller, namespace }) => answer(access.aclOf(caller!, namespace), pathsOf(sent)),
      }),
    },
    'capabilities-accessor': {
      update: operation({
        summary: "What may an accessor's token do on these paths?",
        params: { accessor: p.string('Accessor of the token asked about.', { absent: '' }), ...PATHS },
        run: async ({ accessor, ...sent }, ctx) => {
          if (accessor === '') throw badRequest('missing accessor');
          const paths = pathsOf(sent);
          const acl = await aclOfAnother(access, accessor, ctx);
          if (!acl) throw wrong('invalid accessor');
          return answer(acl, paths);
        },
      }),
    },
  };
}

function pathsOf({ paths, path }: Paths): string[] {
  const asked = paths.length > 0 ? paths : path;
  if (asked.length === 0) throw badRequest('paths must be supplied');
  if (asked.length > CAPABILITY_PATHS_MAX) {
    throw badRequest(`at most ${CAPABILITY_PATHS_MAX} paths may be asked about at once`);
  }
  // No request could have it; and what is looked at costs with each segment.
  if (asked.some((one) => one.length > PATH_CHARS_MAX)) throw badRequest('path is too long');
  return asked;
}

function answer(acl: Acl, paths: readonly string[]): LogicalReply {
  const data = new Map<string, Encodable>();
  for (const path of paths) data.set(path, [...acl.capabilities(path)]);
  if (paths.length === 1) data.set('capabilities', data.get(paths[0]!)!);
  return { inject: true, data };
}

function wrong(what: string): CodedError {
  return badRequest(multiError([what]));
}
