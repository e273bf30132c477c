/**
 * Secrets engines and auth methods: list, show, enable, disable (contract §2.4). Both tables are alike but for words and prefixes.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { MOUNT_PATH_BYTES_MAX } from '../../model/limits.ts';
import { apiPath, type Mount } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { SystemCore } from './core.ts';
import { configOf, enableSettings, refusePluginVersion } from './mount-config.ts';
import { conflictOf, isProtected, mountInfo, newMount, refuseLarge, withSlash } from './mount-info.ts';
import { unknownType } from './mount-types.ts';
import { tuneOperations } from './tune.ts';

type MountClass = Mount['class'];

const KV_PAIRS = p.kvPairs('Options of the engine, such as version for kv.');
/** What is sent as null is shown as null, and what is not sent as an empty object. */
const OPTIONS: p.Param<Map<string, string> | null | undefined> = {
  ...KV_PAIRS,
  decode: (json) => (json === null ? null : KV_PAIRS.decode(json)),
};

const ENABLE_PARAMS = {
  type: p.string('Type of the engine or method, such as "kv".', { absent: '' }),
  description: p.string('What it is for.', { absent: '' }),
  config: p.object('Settings: TTLs, listing_visibility and so on.'),
  options: OPTIONS,
  local: p.bool('Kept and shown: nothing is replicated to other clusters.', { absent: false }),
  seal_wrap: p.bool('Kept and shown: everything is sealed once.', { absent: false }),
  external_entropy_access: p.bool('Kept and shown.', { absent: false }),
  plugin_name: p.string('With type "plugin": the type.', { absent: '' }),
  plugin_version: p.string('Only the version built in.', { absent: '' }),
};

type Enable = p.Decoded<typeof ENABLE_PARAMS>;

export function mountRoutes(core: SystemCore): Record<string, Route> {
  return {
    mounts: { read: listMounts(core, 'secret', 'Lists the secrets engines.') },
    // Also for auth methods, as `auth/:path`: without sudo then.
    'mounts/:path*/tune': tuneOperations(core, 'secret'),
    'mounts/:path*': { deletesWithSlash: true, ...mountOperations(core, 'secret', 'secrets engine') },
  };
}

export function authRoutes(core: SystemCore): Record<string, Route> {
  return {
    auth: { read: listMounts(core, 'auth', 'Lists the auth methods.') },
    'auth/:path*/tune': { sudo: true, ...tuneOperations(core, 'auth') },
    'auth/:path*': { sudo: true, deletesWithSlash: true, ...mountOperations(core, 'auth', 'auth method') },
  };
}

function listMounts({ mounts }: SystemCore, table: MountClass, summary: string) {
  return operation({
    summary,
    params: {},
    run: async (_params, { namespace }) => {
      const data: Record<string, Encodable> = {};
      for (const mount of await mounts(namespace.id).current())
        if (mount.class === table) data[mount.path] = mountInfo(mount);
      return { inject: true, data };
    },
  });
}

function mountOperations(core: SystemCore, table: MountClass, word: string): Route {
  return {
    read: operation({
      summary: `Shows the ${word} at a path.`,
      params: {},
      run: async (_params, { captures, namespace }) => {
        const path = apiPath({ class: table, path: withSlash(captures.path!) });
        const mount = (await core.mounts(namespace.id).current()).find((each) => apiPath(each) === path);
        if (!mount) {
          throw badRequest(
            `No ${table === 'auth' ? 'auth engine' : 'secret engine mount'} at ${withSlash(captures.path!)}`,
          );
        }
        return { inject: true, data: mountInfo(mount) };
      },
    }),
    update: operation({
      summary: `Enables a ${word} at a path.`,
      params: ENABLE_PARAMS,
      run: (params, ctx) => enable(core, table, params, ctx),
    }),
    delete: operation({
      summary: `Disables the ${word} at a path; its data is removed.`,
      params: {},
      run: (_params, ctx) => disable(core, table, ctx),
    }),
  };
}

async function enable(
  core: SystemCore,
  table: MountClass,
  params: Enable,
  { captures, claims, randomBytes, namespace }: RouteContext,
): Promise<LogicalReply> {
  const mounts = core.mounts(namespace.id);
  const path = withSlash(captures.path!);
  if (Buffer.byteLength(path) > MOUNT_PATH_BYTES_MAX) {
    throw badRequest(`a mount's path must not be longer than ${MOUNT_PATH_BYTES_MAX} bytes`);
  }
  const settings = enableSettings(params.config);
  const { type, options } = typeOf(params, settings.plugin_name);
  if (type === '') throw badRequest('backend type must be specified as a string');
  refuseType(core, table, path, type);
  refusePluginVersion(params.plugin_version || settings.plugin_version || '');
  if (type !== 'kv' && options?.version) {
    const word = table === 'auth' ? 'auth method' : 'secrets engine';
    throw badRequest(`${word} "${type}" does not allow setting a version`);
  }
  if (type === 'kv' && !['', '1', '2'].includes(options?.version ?? '')) {
    throw badRequest('invalid version for kv: expected "1" or "2"');
  }
  const mount = newMount(
    {
      class: table,
      path,
      type,
      description: params.description,
      config: configOf(settings, { class: table, type }, core.node.maxLeaseTtl),
      options,
      local: params.local,
      seal_wrap: params.seal_wrap,
      external_entropy_access: params.external_entropy_access,
      namespace: namespace.id,
    },
    randomBytes,
  );
  refuseLarge(mount);
  const conflict = conflictOf(apiPath(mount), mounts.all());
  if (conflict) {
    throw badRequest(
      `path is already in use at ${conflict.class === table ? conflict.path : apiPath(conflict)}`,
    );
  }
  await mounts.enable(mount, claims);
  return {};
}

/** Aliases of kv are resolved, as is `plugin`; options that say nothing are kept as they came. */
function typeOf(params: Enable, pluginName: string): { type: string; options: Mount['options'] } {
  const options = params.options ? Object.fromEntries(params.options) : params.options;
  switch (params.type) {
    case 'kv-v1':
    case 'generic':
      return { type: 'kv', options: { ...options, version: '1' } };
    case 'kv-v2':
      return { type: 'kv', options: { ...options, version: '2' } };
    case 'plugin':
      return { type: params.plugin_name || pluginName, options: options === undefined ? {} : options };
    default:
      return { type: params.type, options: options === undefined ? {} : options };
  }
}

function refuseType({ types }: SystemCore, table: MountClass, path: string, type: string): void {
  if (table === 'secret') {
    if (isProtected(path)) throw badRequest(`cannot mount "${path}"`);
    if (['cubbyhole', 'system', 'token', 'identity'].includes(type)) {
      throw badRequest(`mount type of "${type}" is not mountable`);
    }
  } else if (type === 'token') {
    throw badRequest('token credential backend cannot be instantiated');
  }
  if (!types[table].includes(type)) throw unknownType(type);
}

async function disable(
  core: SystemCore,
  table: MountClass,
  { captures, claims, namespace }: RouteContext,
): Promise<LogicalReply> {
  const mounts = core.mounts(namespace.id);
  const path = withSlash(captures.path!);
  if (table === 'secret' && isProtected(path)) throw badRequest(`cannot unmount "${path}"`);
  if (table === 'auth' && path === 'token/') throw badRequest('token credential backend cannot be disabled');
  const mount = mounts.at(apiPath({ class: table, path }));
  if (mount) await mounts.disable(mount.uuid, claims);
  return {};
}
