/**
 * Remount: a secrets engine or auth method gets another path, within its namespace or in another one below the request's (contract §2.4).
 *
 * A move is one change of the mount table and done when it is answered. Clients expect to wait for it, so it has an id by which they ask; a mount remembers its last one.
 * As in Vault, tokens of an auth method that is moved are revoked with it.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import { MOUNT_PATH_BYTES_MAX } from '../../model/limits.ts';
import type { Move } from '../../model/mount.ts';
import type { Namespace } from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import { UNPRINTABLE } from '../../model/printable.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { SystemCore } from './core.ts';
import { isProtected, uuid, withSlash } from './mount-info.ts';

const QUEUED =
  "Mount move has been queued. Progress will be reported in Vault's server log, tagged with the returned migration_id";

/** Paths of requests have one spelling; unlike those, this one comes in a body. Ends in a slash. */
const UNREACHABLE = /(?:^|\/)\.{0,2}\//;

export function remountRoutes(core: SystemCore): Record<string, Route> {
  return {
    remount: {
      sudo: true,
      update: operation({
        summary: 'Moves a secrets engine or auth method to another path.',
        params: {
          from: p.string('Path of the mount, such as "secret" or "auth/userpass"; namespaces go before it.', {
            absent: '',
          }),
          to: p.string('Its new path.', { absent: '' }),
        },
        run: ({ from, to }, ctx) => remount(core, from, to, ctx),
      }),
    },
    'remount/status/:id': {
      read: operation({
        summary: 'Shows what became of a move.',
        params: {},
        run: (_params, ctx) => status(core, ctx),
      }),
    },
  };
}

/** A namespace, and an API path in it. */
interface Place {
  readonly namespace: Namespace;
  readonly path: string;
}

async function remount(core: SystemCore, from: string, to: string, ctx: RouteContext): Promise<LogicalReply> {
  if (from === '' || to === '') throw badRequest("both 'from' and 'to' path must be specified as a string");
  if (from !== from.trim()) throw badRequest("'from' path cannot contain trailing whitespace");
  if (to !== to.trimEnd()) throw badRequest("'to' path cannot contain trailing whitespace");
  const source = placeOf(core, ctx.namespace, from);
  const target = placeOf(core, ctx.namespace, to);
  const mount = core.mounts(source.namespace.id).at(source.path);
  if (!mount) throw badRequest("no matching mount at 'from'");
  if (isFixed(source.path)) throw badRequest(`cannot remount ${JSON.stringify(source.path)}`);
  const isAuth = source.path.startsWith('auth/');
  if (isAuth && !target.path.startsWith('auth/'))
    throw badRequest('cannot remount auth mount to non-auth mount');
  const path = isAuth ? target.path.slice('auth/'.length) : target.path;
  if (path === '' || (!isAuth && isProtected(path)))
    throw badRequest("cannot remount to the destination in 'to': it is reserved");
  if (UNREACHABLE.test(path) || UNPRINTABLE.test(path) || !path.isWellFormed())
    throw badRequest(
      "no request could reach the path in 'to': it has an empty segment, `.`, `..` or a character that is not printable",
    );
  if (Buffer.byteLength(path) > MOUNT_PATH_BYTES_MAX)
    throw badRequest(`a mount's path must not be longer than ${MOUNT_PATH_BYTES_MAX} bytes`);
  const id = uuid(ctx.randomBytes(16));
  const move = { id, from: source.namespace.path + source.path, to: target.namespace.path + target.path };
  const change = { uuid: mount.uuid, path, namespace: target.namespace.id, move };
  await core.mounts(source.namespace.id).move(change, ctx.claims);
  return { inject: true, data: { migration_id: id }, warnings: [QUEUED] };
}

function isFixed(path: string): boolean {
  return path.startsWith('auth/') ? path === 'auth/token/' || path === 'auth/' : isProtected(path);
}

function placeOf(core: SystemCore, base: Namespace, path: string): Place {
  const whole = withSlash(path.replace(/^\/+/, ''));
  const namespace = core.namespaces.descend(base, whole);
  return { namespace, path: whole.slice(namespace.path.length - base.path.length) };
}

async function status(core: SystemCore, { captures, namespace }: RouteContext): Promise<LogicalReply> {
  const spaces = [namespace, ...(await core.namespaces.below(namespace))];
  for (const { id } of spaces) {
    const mount = (await core.mounts(id).current()).find(({ lastMove }) => lastMove?.id === captures.id);
    // What lies above is no business of those below.
    if (mount?.lastMove?.from.startsWith(namespace.path)) return { data: shown(mount.lastMove) };
  }
  throw new CodedError('not_found', []);
}

function shown({ id, from, to }: Move) {
  return {
    migration_id: id,
    migration_info: { source_mount: from, target_mount: to, status: 'success' },
  };
}
