/**
 * How operations that need more than one message reach a path's actor.
 *
 * @module
 */
import type { ActorContext, ActorId, SendOptions } from '../../model/actor.ts';
import type { RouteContext } from '../../model/engine.ts';
import { denied } from '../../model/errors.ts';
import { kvSecret } from './kinds.ts';

/** The actor of the path that the route names, or of another one in the same mount. */
export function secretId({ mount, captures }: RouteContext, path = captures.path ?? ''): ActorId {
  return { kind: kvSecret.kind, namespace: mount.namespace, mount: mount.uuid, name: path };
}

/** With the authority that the request was given. */
export function asRequested({ claims, caller, mount, request }: RouteContext): SendOptions {
  return { claims, caller, mount, request };
}

/** Whether the object exists is known only here: is it `create` or `update`, and is that allowed? @throws CodedError */
export function checkMayWrite(exists: boolean, { claims }: ActorContext): void {
  if (!(exists ? claims.mayUpdate : claims.mayCreate)) throw denied();
}
