/**
 * Is what a POST creates or updates there already? Asked for the audit log alone, before the policies are, as in Vault: the actor decides anew, under
 * the claims, and what happens between the two is nobody's fault.
 *
 * @module
 */
import { type Cluster, OWN_CLAIMS } from '../model/actor.ts';
import type { Walk } from './walk.ts';

/**
 * In this turn where the actor is at hand. Undefined: the path has nothing of the kind, or nobody could tell, and then the request fails by
 * itself.
 * @param isRefused - nobody else is asked: who may not ask causes no work, and does not hear how long it takes.
 */
export function findExistence(
  { request, resolved, caller, operation }: Walk,
  cluster: Cluster,
  isRefused: boolean,
): Promise<boolean | undefined> | boolean | undefined {
  const { mount, match } = resolved;
  const existence = operation?.existence;
  if (!existence || !mount || !match || !caller) return undefined;
  let name: string;
  try {
    name = existence.actorName(match.captures, caller);
  } catch {
    return undefined;
  }
  // The name of nothing, or of a folder.
  if (name === '' || name.endsWith('/')) return false;
  const id = { kind: existence.op.actor.kind, namespace: mount.namespace, mount: mount.uuid, name };
  const state = cluster.peek(id)?.state;
  if (state !== undefined) return existence.isThere(state);
  if (isRefused) return undefined;
  return cluster
    .send(existence.op, id, undefined, { claims: OWN_CLAIMS, mount, request })
    .catch(() => undefined);
}
