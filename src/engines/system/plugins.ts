/**
 * The catalog of plugins: what is built in, and nothing else. No code from outside runs here, so nothing can be registered (contract §2.12).
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import * as p from '../../model/params.ts';
import { BUILTIN_PLUGIN_VERSION } from '../../model/version.ts';
import type { SystemCore } from './core.ts';

const KINDS = ['auth', 'database', 'secret'] as const;
type Kind = (typeof KINDS)[number];

export function pluginRoutes({ types }: SystemCore): Record<string, Route> {
  const built = (kind: Kind): string[] =>
    kind === 'database' ? [] : [...types[kind]].sort((a, b) => (a < b ? -1 : 1));
  const namedKind = ({ captures }: RouteContext): Kind => {
    const kind = KINDS.find((one) => one === captures.type);
    if (!kind) throw badRequest('missing plugin type: expected auth, database or secret');
    return kind;
  };
  return {
    'plugins/catalog': {
      read: operation({
        summary: 'Lists the plugins: those that are built in.',
        params: {},
        run: () => ({
          data: {
            auth: built('auth'),
            database: built('database'),
            secret: built('secret'),
            detailed: KINDS.flatMap((kind) =>
              built(kind).map((name) => ({
                builtin: true,
                deprecation_status: 'supported',
                name,
                type: kind,
                version: BUILTIN_PLUGIN_VERSION,
              })),
            ),
          },
        }),
      }),
    },
    'plugins/catalog/:type': {
      sudo: true,
      list: operation({
        summary: 'Lists the plugins of a kind: auth, database or secret.',
        params: {},
        run: (_params, ctx) => ({ data: { keys: built(namedKind(ctx)) } }),
      }),
    },
    'plugins/catalog/:type/:name': {
      sudo: true,
      read: operation({
        summary: 'Shows a plugin.',
        params: {
          version: p.string('Which version of it; the one that is built in where absent.', { absent: '' }),
        },
        run: ({ version }, ctx) => {
          const { name } = ctx.captures;
          const isOther = version !== '' && version !== BUILTIN_PLUGIN_VERSION;
          if (isOther || !built(namedKind(ctx)).includes(name!)) throw new CodedError('not_found', []);
          return {
            data: {
              args: null,
              builtin: true,
              command: '',
              deprecation_status: 'supported',
              name: name!,
              sha256: '',
              version: BUILTIN_PLUGIN_VERSION,
            },
          };
        },
      }),
    },
    'plugins/pins': {
      sudo: true,
      read: operation({
        summary: 'Lists the plugins that are pinned to a version: none.',
        params: {},
        run: () => ({ data: { pinned_versions: [] } }),
      }),
    },
    'plugins/pins/:type/:name': {
      sudo: true,
      ...nothingThere('pin of a plugin', 'a plugin that is built in has one version, which cannot be pinned'),
    },
    'plugins/runtimes/catalog/:type/:name': {
      sudo: true,
      ...nothingThere('runtime of plugins', 'plugins are built in: no runtime can be registered'),
    },
    'plugins/runtimes/catalog': {
      sudo: true,
      list: operation({
        summary: 'Lists the runtimes of plugins: none.',
        params: {},
        run: () => ({ data: { runtimes: [] } }),
      }),
    },
  };
}

/** What could only belong to plugins from outside. */
function nothingThere(what: string, why: string): Route {
  return {
    read: operation({ summary: `Shows a ${what}: there is none.`, params: {}, run: () => ({}) }),
    update: operation({
      summary: `Refuses a ${what}.`,
      wholeBody: true,
      params: {},
      run() {
        throw badRequest(why);
      },
    }),
    delete: operation({ summary: `Removes a ${what}: there is none.`, params: {}, run: () => ({}) }),
  };
}
