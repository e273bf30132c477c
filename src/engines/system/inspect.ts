/**
 * How requests are routed, and how one of them looks (contract §2.12), where the configuration asks for it (`introspection_endpoint`).
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, unsupportedPath } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import type { Mount } from '../../model/mount.ts';
import { ROOT_NAMESPACE } from '../../model/namespace.ts';
import { VAULT_VERSION } from '../../model/version.ts';
import type { SystemCore } from './core.ts';

const SWITCHED_OFF =
  'The Vault Configuration must set "introspection_endpoint" to true to enable this endpoint';

/** By what Vault's router knows a mount; entries are sorted by it. */
const TAGS: Readonly<Record<string, (row: Row) => string>> = {
  root: ({ mount_path }) => mount_path,
  uuid: ({ uuid }) => uuid,
  accessor: ({ accessor }) => accessor,
  storage: ({ storage_prefix }) => storage_prefix,
};

interface Row {
  readonly accessor: string;
  readonly mount_namespace: string;
  readonly mount_path: string;
  readonly mount_type: string;
  readonly storage_prefix: string;
  readonly uuid: string;
}

export function inspectRoutes(core: SystemCore): Record<string, Route> {
  const allowed = () => {
    if (!core.node.introspection) throw badRequest(SWITCHED_OFF);
  };
  return {
    'internal/inspect/router/:tag': {
      sudo: true,
      read: operation({
        summary: 'Shows the mounts as requests are routed to them.',
        params: {},
        async run(_params, { captures: { tag = '' } }) {
          allowed();
          const key = Object.hasOwn(TAGS, tag) ? TAGS[tag] : undefined;
          if (!key) throw unsupportedPath();
          const rows = (await allRows(core)).sort((a, b) => (key(a) < key(b) ? -1 : 1));
          return { data: { [tag]: rows.map((row) => shown(row, tag)) } };
        },
      }),
    },
    'internal/inspect/request': {
      sudo: true,
      read: operation({
        summary: 'Shows how this very request looks to the server, without its token.',
        params: {},
        run(_params, ctx) {
          allowed();
          return {
            data: {
              cluster_id: core.node.cluster()?.id ?? '',
              data: ctx.sent,
              entity: null,
              groups: null,
              plugin_env: { vault_version: VAULT_VERSION },
              req: requestShown(ctx),
              vault_version: VAULT_VERSION,
            },
          };
        },
      }),
    },
  };
}

async function allRows(core: SystemCore): Promise<Row[]> {
  const namespaces = [ROOT_NAMESPACE, ...(await core.namespaces.below(ROOT_NAMESPACE))];
  const lists = await Promise.all(
    namespaces.map(async ({ id, path }) =>
      (await core.mounts(id).current()).map((mount) => rowOf(mount, path)),
    ),
  );
  return lists.flat();
}

function rowOf(mount: Mount, namespacePath: string): Row {
  return {
    accessor: mount.accessor,
    mount_namespace: namespacePath,
    mount_path: mount.path,
    mount_type: mount.type,
    storage_prefix: `data/${mount.namespace}/${mount.uuid}/`,
    uuid: mount.uuid,
  };
}

/** A mount that is being disabled is gone from all tables at once: none is tainted. */
function shown({ storage_prefix, ...row }: Row, tag: string): Encodable {
  return tag === 'root' || tag === 'storage' ? { ...row, storage_prefix, tainted: false } : row;
}

function requestShown({ request, mount, caller, path }: RouteContext): Encodable {
  return {
    client_token_accessor: caller?.accessor ?? '',
    client_token_remaining_uses: caller?.state.usesLeft ?? 0,
    connection: { remote_addr: request.remoteAddress, remote_port: request.remotePort },
    display_name: caller?.state.displayName ?? '',
    entity_id: '',
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [
        name,
        value === undefined ? [] : [value].flat(),
      ]),
    ),
    id: request.id,
    mount_accessor: mount.accessor,
    mount_point: mount.path,
    mount_type: mount.type,
    operation: request.verb,
    path: path.slice(mount.path.length),
    policy_override: false,
    unauthenticated: false,
    wrap_info: null,
  };
}
