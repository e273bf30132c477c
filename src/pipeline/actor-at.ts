/**
 * From a path to the actor whose state it names, for who asks about the actor instead of asking it.
 *
 * @module
 */
import { tokenId } from '../auth/token/token-actor.ts';
import type { ActorId } from '../model/actor.ts';
import type { Caller } from '../model/caller.ts';
import { badRequest } from '../model/errors.ts';
import { apiPath } from '../model/mount.ts';
import type { Resolver } from './resolve.ts';

/** @throws CodedError `bad_request` where it is that of no one actor. */
export function actorAt(resolver: Resolver, path: string, caller: Caller | undefined): ActorId {
  const { mount, match } = resolver.resolve(path);
  if (!mount) throw badRequest('no mount serves this path');
  const { read, update, delete: remove, patch } = match?.route ?? {};
  for (const operation of [read, update, remove, patch]) {
    if (operation?.where !== 'actor') continue;
    const name = operation.actorName(match?.captures ?? {}, caller);
    return { kind: operation.op.actor.kind, namespace: mount.namespace, mount: mount.uuid, name };
  }
  // As the list of accessors names a token.
  const accessor = /^auth\/token\/accessors\/(\w+)$/.exec(path)?.[1];
  if (accessor !== undefined && mount.type === 'token') return tokenId(accessor);
  // As the command line names a secret: `secret/hello` is `secret/data/hello`.
  const base = apiPath(mount);
  const relative = path.slice(base.length);
  const isVersioned = mount.type === 'kv' && mount.options?.version === '2';
  if (isVersioned && relative !== '' && !relative.startsWith('data/'))
    return actorAt(resolver, `${base}data/${relative}`, caller);
  throw badRequest('no single actor answers for this path: any node does');
}
