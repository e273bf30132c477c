/**
 * What the UI and the CLI's `kv` commands ask: which mounts there are, and what may be done (contract §2.12).
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { CodedError } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { apiPath, type Mount } from '../../model/mount.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { SystemCore } from './core.ts';
import { mountInfo, withSlash } from './mount-info.ts';

/** Mounts the caller may know of: those it can touch, and those that everybody may see. */
export function visibleMounts({ access, mounts }: SystemCore, ctx: RouteContext): Mount[] {
  const { caller, request, namespace } = ctx;
  // A token that was sent and is none must not be answered as if there had been none.
  if (!caller && request.token) throw new CodedError('permission_denied');
  const acl = caller && access.aclOf(caller, namespace);
  return mounts(namespace.id)
    .all()
    .filter((mount) => mount.config.listing_visibility === 'unauth' || acl?.touches(apiPath(mount)));
}

export function internalUiRoutes(core: SystemCore): Record<string, Route> {
  return {
    'internal/ui/mounts': {
      open: 'token welcome',
      read: operation({
        summary: 'Lists the mounts that the caller may see.',
        params: {},
        run: (_params, ctx) => ({ data: uiMounts(core, ctx) }),
      }),
    },
    'internal/ui/mounts/:path*': {
      open: 'token welcome',
      read: operation({
        summary: 'Shows the mount that serves a path.',
        params: {},
        run: (_params, ctx) => uiMount(core, ctx),
      }),
    },
    'internal/ui/resultant-acl': {
      read: operation({
        summary: 'Shows what the calling token may do, all its policies put together.',
        params: {},
        run: (_params, { caller, namespace }) => ({
          data: { ...core.access.aclOf(caller!, namespace).resultant() },
        }),
      }),
    },
    'internal/ui/namespaces': {
      open: 'token welcome',
      read: operation({
        summary: 'Lists the namespaces one level below of which the caller may touch something.',
        params: {},
        run: async (_params, { caller, namespace }) => {
          if (!caller) throw new CodedError('permission_denied');
          const acl = core.access.aclOf(caller, namespace);
          const below = await core.namespaces.children(namespace);
          const keys = below.map(({ path }) => path.slice(namespace.path.length)).filter(acl.touches);
          return { data: { keys: keys.length > 0 ? keys : [''] } };
        },
      }),
    },
  };
}

function uiMounts(core: SystemCore, ctx: RouteContext): { [key: string]: Encodable } {
  const tables: Record<Mount['class'], Record<string, Encodable>> = { secret: {}, auth: {} };
  for (const mount of visibleMounts(core, ctx)) {
    const { type, description, options } = mount;
    tables[mount.class][mount.path] = ctx.caller ? mountInfo(mount) : { type, description, options };
  }
  return tables;
}

function uiMount(core: SystemCore, { caller, captures, namespace }: RouteContext): LogicalReply {
  if (!caller) throw new CodedError('permission_denied');
  const path = withSlash(captures.path!);
  // A path may lead into a namespace below, as paths of requests do.
  const inner = core.namespaces.descend(namespace, path);
  const prefix = inner.path.slice(namespace.path.length);
  const mount = core.mounts(inner.id).find(path.slice(prefix.length));
  const known =
    mount &&
    (mount.config.listing_visibility === 'unauth' ||
      core.access.aclOf(caller, inner).touches(apiPath(mount)));
  if (!known) {
    // Nothing there and nothing allowed there are answered alike.
    throw new CodedError(
      'permission_denied',
      `preflight capability check returned 403, please ensure client's policies grant access to path "${path}"`,
    );
  }
  return { data: { ...mountInfo(mount), path: prefix + mount.path } };
}
