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
export function visibleMounts({ access, mounts }: SystemCore, { caller, request }: RouteContext): Mount[] {
  // A token that was sent and is none must not be answered as if there had been none.
  if (!caller && request.token) throw new CodedError('permission_denied');
  const acl = caller && access.aclOf(caller.state.policies);
  return mounts
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
        run: (_params, { caller }) => ({
          data: { ...core.access.aclOf(caller!.state.policies).resultant() },
        }),
      }),
    },
    'internal/ui/namespaces': {
      open: 'token welcome',
      read: operation({
        summary: 'Lists the namespaces: the root namespace only.',
        params: {},
        run: (_params, { caller }) => {
          if (!caller) throw new CodedError('permission_denied');
          return { data: { keys: [''] } };
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

function uiMount({ access, mounts }: SystemCore, { caller, captures }: RouteContext): LogicalReply {
  if (!caller) throw new CodedError('permission_denied');
  const path = withSlash(captures.path!);
  const mount = mounts.find(path);
  const known =
    mount &&
    (mount.config.listing_visibility === 'unauth' ||
      access.aclOf(caller.state.policies).touches(apiPath(mount)));
  if (!known) {
    // Nothing there and nothing allowed there are answered alike.
    throw new CodedError(
      'permission_denied',
      `preflight capability check returned 403, please ensure client's policies grant access to path "${path}"`,
    );
  }
  return { data: { ...mountInfo(mount), path: mount.path } };
}
