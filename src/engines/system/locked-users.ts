/**
 * Who is locked out, and letting them in again (contract §2.12).
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import type { Namespace } from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import type { SystemCore } from './core.ts';
import { locksUsersOut } from './lockout-config.ts';

const MOUNT_PARAM = { mount_accessor: p.string('Only of this auth method.', { absent: '' }) };

export function lockedUsersRoutes(core: SystemCore): Record<string, Route> {
  const show = operation({
    summary: 'Counts the users who are locked out, by auth method.',
    params: MOUNT_PARAM,
    run: async ({ mount_accessor: accessor }, { namespace }) => ({
      data: await counts(core, namespace, accessor),
    }),
  });
  return {
    'locked-users': { read: show },
    'locked-users/:mount_accessor': { read: show },
    'locked-users/:mount_accessor/unlock/:alias_identifier': {
      sudo: true,
      lowerCase: ['alias_identifier'],
      update: operation({
        summary: 'Lets a user in again.',
        params: {},
        async run(_params, { captures, claims, caller, request, namespace }) {
          const mount = core
            .mounts(namespace.id)
            .all()
            .find(({ accessor }) => accessor === captures.mount_accessor);
          // As in Vault: where nobody is locked out, nobody has to be let in.
          if (!mount || !locksUsersOut(mount.type)) return {};
          await core.lockouts!.unlock(mount, captures.alias_identifier!, { claims, caller, mount, request });
          return {};
        },
      }),
    },
  };
}

/** Of the namespace and of those below it. */
async function counts(
  core: SystemCore,
  namespace: Namespace,
  accessor: string,
): Promise<{ [key: string]: Encodable }> {
  let total = 0;
  let isFound = false;
  const by_namespace: { [key: string]: Encodable }[] = [];
  for (const one of [namespace, ...(await core.namespaces.below(namespace))]) {
    let inIt = 0;
    const mount_accessors: { [key: string]: Encodable }[] = [];
    for (const mount of await core.mounts(one.id).current()) {
      if (!locksUsersOut(mount.type) || (accessor !== '' && mount.accessor !== accessor)) continue;
      isFound = true;
      const names = (await core.lockouts!.locked(mount)).sort();
      if (names.length === 0) continue;
      inIt += names.length;
      mount_accessors.push({
        mount_accessor: mount.accessor,
        counts: names.length,
        alias_identifiers: names,
      });
    }
    total += inIt;
    by_namespace.push({ namespace_id: one.id, namespace_path: one.path, counts: inIt, mount_accessors });
  }
  if (accessor !== '' && !isFound) throw badRequest('no auth method of this accessor locks users out');
  return { by_namespace, total };
}
