/**
 * What a token may do on paths (contract §2.6).
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest, type CodedError, multiError } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { CAPABILITY_PATHS_MAX, TOKEN_BYTES_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { Acl, SystemCore } from './core.ts';

const PATHS = {
  paths: p.commaStrings('Paths to ask about.', { absent: [] }),
  path: p.commaStrings('Older name of paths.', { absent: [] }),
};
const TOKEN = p.string('The token asked about.', { absent: '' });

/** What our accessors look like; they name actors, which nothing else may. */
const ACCESSOR = /^[0-9A-Za-z]{1,64}$/;

type Paths = p.Decoded<typeof PATHS>;

export function capabilityRoutes({ access }: SystemCore): Record<string, Route> {
  return {
    capabilities: {
      update: operation({
        summary: 'What may a token do on these paths?',
        params: { token: TOKEN, ...PATHS },
        run: async ({ token, ...sent }) => {
          const paths = pathsOf(sent);
          if (token === '') throw wrong('no token found');
          const state = token.length > TOKEN_BYTES_MAX ? undefined : await access.stateOfToken(token);
          if (!state) throw wrong('invalid token');
          return answer(access.aclOf(state.policies), paths);
        },
      }),
    },
    'capabilities-self': {
      update: operation({
        summary: 'What may the calling token do on these paths?',
        params: { token: TOKEN, ...PATHS },
        run: (sent, { caller }) => answer(access.aclOf(caller!.state.policies), pathsOf(sent)),
      }),
    },
    'capabilities-accessor': {
      update: operation({
        summary: "What may an accessor's token do on these paths?",
        params: { accessor: p.string('Accessor of the token asked about.', { absent: '' }), ...PATHS },
        run: async ({ accessor, ...sent }) => {
          if (accessor === '') throw badRequest('missing accessor');
          const paths = pathsOf(sent);
          const state = ACCESSOR.test(accessor) ? await access.stateOfAccessor(accessor) : undefined;
          if (!state) throw wrong('invalid accessor');
          return answer(access.aclOf(state.policies), paths);
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
