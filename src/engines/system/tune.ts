/**
 * Reading and changing the settings of a mount (contract §2.4). What is not sent stays; `""` and `[]` clear.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable, JsonMap } from '../../model/json.ts';
import { apiPath, type Mount, type MountConfig } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import type { SystemCore } from './core.ts';
import { lockoutInfo, setLockout } from './lockout-config.ts';
import {
  configInfo,
  LIST_SETTING_NAMES,
  refusePluginVersion,
  SHARED_SETTINGS,
  setVisibility,
  tokenTypeOf,
  ttlOf,
} from './mount-config.ts';
import { isProtected, refuseLarge, withSlash } from './mount-info.ts';

const TUNE_PARAMS = {
  ...SHARED_SETTINGS,
  description: p.string('What the mount is for.'),
  options: p.kvPairs('Options to set; an empty value removes one. version 2 upgrades kv.'),
};

type Tune = p.Decoded<typeof TUNE_PARAMS>;
type Changed = Pick<Mount, 'config' | 'options' | 'description'>;

export function tuneOperations(core: SystemCore, table: Mount['class']): Pick<Route, 'read' | 'update'> {
  const pathOf = (captured: string) => withSlash(table === 'auth' ? `auth/${captured}` : captured);
  return {
    read: operation({
      summary: 'Shows the settings of a mount as they take effect.',
      params: {},
      run: async (_params, { captures, namespace }) => {
        const path = pathOf(captures.path!);
        const mount = (await core.mounts(namespace.id).current()).find((each) => apiPath(each) === path);
        if (!mount) throw badRequest(`cannot fetch sysview for path "${path}"`);
        return { inject: true, data: tuneInfo(core, mount) };
      },
    }),
    update: operation({
      summary: 'Changes the settings of a mount.',
      params: TUNE_PARAMS,
      run: async (params, { captures, claims, sent, namespace }) => {
        const path = pathOf(captures.path!);
        const mounts = core.mounts(namespace.id);
        const mount = mounts.at(path);
        if (!mount) throw badRequest(`tune of path "${path}" failed: no mount entry found`);
        if (mount.class === 'secret' && isProtected(path)) refuseOfCoreMount(path, sent);
        const { changed, warnings } = tuned(mount, params);
        refuseLarge({ ...mount, ...changed });
        if (!isSame(changed, mount)) await mounts.tune({ uuid: mount.uuid, ...changed }, claims);
        return { warnings };
      },
    }),
  };
}

function tuneInfo({ node }: SystemCore, mount: Mount): { [key: string]: Encodable } {
  const max = mount.config.max_lease_ttl || node.maxLeaseTtl;
  return {
    ...configInfo(mount.config),
    ...lockoutInfo(mount.config),
    user_lockout_config: undefined,
    default_lease_ttl: Math.min(mount.config.default_lease_ttl || node.defaultLeaseTtl, max),
    max_lease_ttl: max,
    description: mount.description,
    options: mount.options && Object.keys(mount.options).length > 0 ? mount.options : undefined,
  };
}

/** Of the mounts that no server is without only what concerns audit may change. */
function refuseOfCoreMount(path: string, sent: JsonMap): void {
  const refused = Object.keys(TUNE_PARAMS).find((name) => sent.has(name) && !name.startsWith('audit_'));
  if (refused) throw badRequest(`cannot tune parameter ${refused} of ${path}`);
}

/** The mount's next settings. Pure. @throws CodedError `bad_request` for values that cannot be. */
export function tuned(mount: Mount, params: Tune): { changed: Changed; warnings: string[] } {
  const config: MountConfig = { ...mount.config };
  refusePluginVersion(params.plugin_version ?? '');
  setLockout(config, params.user_lockout_config, mount.type);
  setTtls(config, params);
  setVisibility(config, params.listing_visibility);
  for (const name of LIST_SETTING_NAMES) {
    const list = params[name];
    if (list === undefined) continue;
    if (list.length === 0) delete config[name];
    else config[name] = list;
  }
  if (params.token_type) {
    if (mount.class !== 'auth') throw badRequest("'token_type' can only be modified on auth mounts");
    if (mount.type === 'token') {
      throw badRequest("'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
    }
    config.token_type = tokenTypeOf(params.token_type);
  }
  const { options, warnings } = tunedOptions(mount, params.options);
  return { changed: { config, options, description: params.description ?? mount.description }, warnings };
}

function setTtls(config: MountConfig, params: Tune): void {
  const wantedDefault = ttlOf('default_lease_ttl', params.default_lease_ttl);
  const wantedMax = ttlOf('max_lease_ttl', params.max_lease_ttl);
  if (wantedDefault === undefined && wantedMax === undefined) return;
  config.default_lease_ttl = wantedDefault ?? config.default_lease_ttl;
  config.max_lease_ttl = wantedMax ?? config.max_lease_ttl;
  if (config.max_lease_ttl > 0 && config.max_lease_ttl < config.default_lease_ttl) {
    throw badRequest(
      `backend max lease TTL of ${config.max_lease_ttl} would be less than backend default lease TTL of ${config.default_lease_ttl}`,
    );
  }
}

function tunedOptions(
  mount: Mount,
  sent: ReadonlyMap<string, string> | undefined,
): { options: Mount['options']; warnings: string[] } {
  if (!sent || sent.size === 0) return { options: mount.options, warnings: [] };
  const next = new Map(Object.entries(mount.options ?? {}));
  const warnings: string[] = [];
  for (const [name, value] of sent) {
    if (name === 'version') {
      const upgrade = upgradeOf(mount, value);
      if (upgrade) warnings.push(upgrade);
      next.set(name, value);
    } else if (value === '') next.delete(name);
    else next.set(name, value);
  }
  return { options: Object.fromEntries(next), warnings };
}

/** What an upgrade of kv is announced with; undefined where it has that version. @throws CodedError for any other change. */
function upgradeOf(mount: Mount, wanted: string): string | undefined {
  if (mount.type !== 'kv') throw badRequest(`mount type "${mount.type}" does not allow setting a version`);
  if (wanted !== '1' && wanted !== '2') throw badRequest('invalid version provided: expected "1" or "2"');
  const from = Number(mount.options?.version || '0');
  const to = Number(wanted);
  if (from > to) throw badRequest(`cannot downgrade mount from version ${from}`);
  if (from === to) return undefined;
  return `Upgrading mount from version ${from} to version ${to}. This mount will be unavailable for a brief period and will resume service shortly.`;
}

function isSame(changed: Changed, mount: Mount): boolean {
  const of = ({ config, options, description }: Changed) => JSON.stringify([config, options, description]);
  return of(changed) === of(mount);
}
