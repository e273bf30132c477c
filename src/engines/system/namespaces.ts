/**
 * Namespaces below the one in which it is asked: list, show, make, change, delete, lock (contract §2.11).
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { randomBase62 } from '../../crypto/base62.ts';
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable, JsonMap } from '../../model/json.ts';
import { NAMESPACE_PATH_BYTES_MAX } from '../../model/limits.ts';
import { CORE_MOUNTS } from '../../model/mount.ts';
import { NAMESPACE_ID_CHARS, type Namespace, ROOT_NAMESPACE } from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { customMetadataOf } from '../kv/custom-metadata.ts';
import type { NamespaceControl, SystemCore } from './core.ts';
import { newMount, uuid } from './mount-info.ts';

const METADATA = { custom_metadata: p.object('Words about it, by name.') };
const UNLOCK_KEY_CHARS = 24;
/** In any case of letters: what looks like another name of them must not be had. */
const RESERVED = ['root', 'sys', 'audit', 'auth', 'cubbyhole', 'identity'];

export function namespaceRoutes({ namespaces }: SystemCore): Record<string, Route> {
  const lock = operation({
    summary: 'Locks a namespace and all below it: nothing is answered there until it is unlocked.',
    params: {},
    run: (_params, ctx) => lockIt(namespaces, ctx),
  });
  const unlock = operation({
    summary: 'Unlocks a namespace.',
    params: { unlock_key: p.string('The key that locking gave; a root token needs none.', { absent: '' }) },
    run: ({ unlock_key }, ctx) => unlockIt(namespaces, unlock_key, ctx),
  });
  return {
    namespaces: {
      list: operation({
        summary: 'Lists the namespaces one level below.',
        params: {},
        async run(_params, { namespace }) {
          const below = await namespaces.children(namespace);
          const named = below.map((one) => [one.path.slice(namespace.path.length), one] as const);
          const key_info = new Map<string, Encodable>(named.map(([name, one]) => [name, shown(one)]));
          return { data: named.length === 0 ? { keys: [] } : { keys: [...key_info.keys()], key_info } };
        },
      }),
    },
    'namespaces/api-lock/lock': { update: lock },
    'namespaces/api-lock/lock/:path*': { update: lock },
    'namespaces/api-lock/unlock': { update: unlock },
    'namespaces/api-lock/unlock/:path*': { update: unlock },
    'namespaces/:path*': {
      deletesWithSlash: true,
      read: operation({
        summary: 'Shows a namespace.',
        params: {},
        async run(_params, ctx) {
          const found = await namespaces.current(pathOfChild(ctx));
          return found ? { data: shown(found) } : {};
        },
      }),
      update: operation({
        summary: 'Makes a namespace; one that is there is given the metadata.',
        params: METADATA,
        run: ({ custom_metadata }, ctx) => add(namespaces, custom_metadata, ctx),
      }),
      patch: operation({
        summary: 'Changes the metadata of a namespace; null takes a word away.',
        params: METADATA,
        run: ({ custom_metadata }, ctx) => patch(namespaces, custom_metadata, ctx),
      }),
      delete: operation({
        summary: 'Deletes a namespace with all that is in it.',
        params: {},
        async run(_params, ctx) {
          const found = await namespaces.current(pathOfChild(ctx));
          if (!found) return { warnings: ['requested namespace does not exist'] };
          await namespaces.remove(found.id, ctx.claims);
          return {};
        },
      }),
    },
  };
}

/** Order of the members is Vault's. */
function shown({ id, uuid, path, custom_metadata, lock }: Namespace): { [key: string]: Encodable } {
  return {
    custom_metadata: { ...custom_metadata },
    id,
    locked: lock !== undefined,
    path,
    tainted: false,
    uuid,
  };
}

/** @throws CodedError for what can be no name of a namespace. */
function pathOfChild({ captures, namespace }: RouteContext): string {
  const name = captures.path!.replace(/\/$/, '');
  if (name === '') throw badRequest('missing path');
  if (name.includes('/')) throw badRequest('namespace name cannot contain /');
  if (RESERVED.includes(name.toLowerCase())) {
    throw badRequest(
      `${JSON.stringify(`${name}/`)} is a reserved path and cannot be used as a namespace name`,
    );
  }
  if (/\s/u.test(name)) {
    throw badRequest(
      `${JSON.stringify(name)} contains space characters that cannot be used in a namespace name`,
    );
  }
  const wildcard = /[+*]/.exec(name)?.[0];
  if (wildcard !== undefined) {
    throw badRequest(
      `${JSON.stringify(name)} contains wildcard characters that cannot be used in a namespace name: '${wildcard}'`,
    );
  }
  const path = `${namespace.path}${name}/`;
  if (Buffer.byteLength(path) > NAMESPACE_PATH_BYTES_MAX)
    throw badRequest(`the path of a namespace must not be longer than ${NAMESPACE_PATH_BYTES_MAX} bytes`);
  return path;
}

async function add(
  namespaces: NamespaceControl,
  sent: JsonMap | undefined,
  ctx: RouteContext,
): Promise<LogicalReply> {
  const path = pathOfChild(ctx);
  const there = await namespaces.current(path);
  if (there) {
    if (sent !== undefined) await tune(namespaces, there, { custom_metadata: metadataOf(sent) }, ctx);
    return { data: shown((await namespaces.current(path)) ?? there) };
  }
  const id = randomBase62(NAMESPACE_ID_CHARS, ctx.randomBytes);
  const mounts = CORE_MOUNTS.map((mount) => newMount({ ...mount, namespace: id }, ctx.randomBytes));
  const namespace: Namespace = {
    id,
    uuid: uuid(ctx.randomBytes(16)),
    path,
    custom_metadata: sent ? metadataOf(sent) : {},
  };
  await namespaces.add({ namespace, parent: ctx.namespace.id, mounts }, ctx.claims);
  return { data: shown(namespace) };
}

function metadataOf(sent: JsonMap): Namespace['custom_metadata'] {
  return Object.fromEntries(customMetadataOf(sent, 'skip'));
}

async function patch(
  namespaces: NamespaceControl,
  sent: JsonMap | undefined,
  ctx: RouteContext,
): Promise<LogicalReply> {
  const path = pathOfChild(ctx);
  const there = await namespaces.current(path);
  if (!there) throw badRequest('namespace not found');
  if (sent === undefined) return { data: shown(there) };
  const merged = new Map<string, string>(Object.entries(there.custom_metadata));
  for (const [key, value] of customMetadataOf(sent, 'skip')) merged.set(key, value);
  for (const [key, value] of sent) if (value === null) merged.delete(key);
  const custom_metadata = metadataOf(merged);
  await tune(namespaces, there, { custom_metadata }, ctx);
  return { data: shown({ ...there, custom_metadata }) };
}

function tune(
  namespaces: NamespaceControl,
  from: Namespace,
  changed: Partial<Namespace>,
  { claims }: RouteContext,
): Promise<void> {
  return namespaces.tune({ id: from.id, from, next: { ...from, ...changed } }, claims);
}

/** The one to lock or unlock: that in which it is asked, or one below it at any depth. */
async function lockable(
  namespaces: NamespaceControl,
  { namespace, captures }: RouteContext,
): Promise<Namespace> {
  const below = captures.path?.replace(/\/$/, '') ?? '';
  const path = below === '' ? namespace.path : `${namespace.path}${below}/`;
  if (path === ROOT_NAMESPACE.path) throw badRequest('root namespace cannot be locked/unlocked');
  const found = await namespaces.current(path);
  if (!found) throw badRequest('requested namespace does not exist');
  return found;
}

/** The topmost one above `namespace` that is locked. */
async function lockAbove(namespaces: NamespaceControl, { path }: Namespace): Promise<Namespace | undefined> {
  for (let end = path.indexOf('/') + 1; end < path.length; end = path.indexOf('/', end) + 1) {
    const above = await namespaces.current(path.slice(0, end));
    if (above?.lock) return above;
  }
  return undefined;
}

async function lockIt(namespaces: NamespaceControl, ctx: RouteContext): Promise<LogicalReply> {
  const found = await lockable(namespaces, ctx);
  const above = await lockAbove(namespaces, found);
  if (above)
    throw badRequest(
      `cannot lock namespace ${JSON.stringify(found.path)}: ancestor namespace ${JSON.stringify(above.path)} is already locked`,
    );
  if (found.lock) throw badRequest(`cannot lock namespace ${JSON.stringify(found.path)}: is already locked`);
  const unlock_key = randomBase62(UNLOCK_KEY_CHARS, ctx.randomBytes);
  await tune(namespaces, found, { lock: { key_hash: hashOf(unlock_key).toString('hex') } }, ctx);
  return { data: { unlock_key } };
}

async function unlockIt(namespaces: NamespaceControl, key: string, ctx: RouteContext): Promise<LogicalReply> {
  const found = await lockable(namespaces, ctx);
  const { lock, ...unlocked } = found;
  const above = await lockAbove(namespaces, found);
  if (lock && above)
    throw badRequest(
      `cannot unlock ${JSON.stringify(found.path)} with namespace ${JSON.stringify(above.path)} being locked`,
    );
  if (!lock) throw badRequest(`namespace ${JSON.stringify(found.path)} is not locked`);
  const isRoot = key === '' && ctx.caller!.isRoot;
  // Both are digests: how long they take to compare says nothing of the key.
  if (!isRoot && !timingSafeEqual(hashOf(key), Buffer.from(lock.key_hash, 'hex')))
    throw badRequest('incorrect unlock key');
  await namespaces.tune({ id: found.id, from: found, next: unlocked }, ctx.claims);
  return {};
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
