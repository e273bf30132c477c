/**
 * What a namespace does not let happen, before anybody asks who asks.
 *
 * @module
 */
import { badRequest, CodedError, ERRORS } from '../model/errors.ts';
import { ROOT_NAMESPACE } from '../model/namespace.ts';
import type { Resolved } from './resolve.ts';

/** Who locked it, and who has the key, unlocks it from within. */
const UNLOCK = 'sys/namespaces/api-lock/unlock';

/** @throws CodedError where the namespace is not there, is locked, or where open endpoints are not its own. */
export function refuseNamespace(
  { namespace, lockedBy, mount, match, path }: Resolved,
  isSealed: boolean,
): void {
  if (namespace === ROOT_NAMESPACE) return;
  const route = match?.route;
  if (!namespace) {
    // While sealed nobody knows of any namespace, and what a node says of itself it says in all of them.
    if (isSealed && mount?.type === 'system' && route?.inNamespaces) return;
    throw new CodedError('unsupported_path', 'namespace not found');
  }
  if (lockedBy && path !== UNLOCK) {
    throw new CodedError(
      'namespace_locked',
      `${ERRORS.namespace_locked.text} - ${JSON.stringify(lockedBy.path)} must be unlocked to gain access.`,
    );
  }
  if (mount?.type === 'system' && route?.open && !route.inNamespaces)
    throw badRequest('operation unavailable in namespaces');
}

/** As above, of what only those are told who may. */
export function refuseRootOnly({ namespace, mount, match }: Resolved): void {
  if (namespace === ROOT_NAMESPACE || mount?.type !== 'system' || !match || match.route.inNamespaces) return;
  throw badRequest('operation only available in root namespace');
}
