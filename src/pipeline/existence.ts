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
 */
export function findExistence(
  { request, resolved, caller, operation }: Walk,
  cluster: Cluster,
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
  return cluster
    .send(existence.op, id, undefined, { claims: OWN_CLAIMS, mount, request })
    .catch(() => undefined);
}
