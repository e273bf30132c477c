/**
 * Settings of a mount as they are sent, checked, and shown (contract §2.4).
 *
 * @module
 */

import { badRequest } from '../../model/errors.ts';
import type { Encodable, JsonMap } from '../../model/json.ts';
import type { MountConfig } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import { BUILTIN_PLUGIN_VERSION } from '../../model/version.ts';
import { lockoutInfo, setLockout } from './lockout-config.ts';

const VISIBILITIES = ['', 'hidden', 'unauth'];
const TOKEN_TYPES = ['default-service', 'default-batch', 'service', 'batch'];

/** Lists among the settings, with the names they have on the wire. */
export const LIST_SETTINGS = {
  audit_non_hmac_request_keys: p.commaStrings('Request fields that audit devices write as they are.'),
  audit_non_hmac_response_keys: p.commaStrings('Response fields that audit devices write as they are.'),
  passthrough_request_headers: p.commaStrings('Request headers that are handed to the engine.'),
  allowed_response_headers: p.commaStrings('Response headers that the engine may set.'),
};
export type ListSetting = keyof typeof LIST_SETTINGS;
export const LIST_SETTING_NAMES = Object.keys(LIST_SETTINGS) as ListSetting[];

/** What both enabling and tuning take. */
export const SHARED_SETTINGS = {
  default_lease_ttl: p.string('TTL where none is asked for; "system": the server\'s.'),
  max_lease_ttl: p.string('Longest TTL; "system": the server\'s.'),
  listing_visibility: p.string('"unauth": who has no token sees the mount too. "hidden": the default.'),
  token_type: p.string('Kind of the tokens an auth method makes.'),
  user_lockout_config: p.object('Only for auth methods that lock users out.'),
  plugin_version: p.string('Version of the plugin.'),
  ...LIST_SETTINGS,
};

/** The member `config` of a body that enables a mount. */
const ENABLE_SETTINGS = {
  ...SHARED_SETTINGS,
  force_no_cache: p.bool('Kept and shown; this server caches nothing of the kind.', { absent: false }),
  plugin_name: p.string('Older place of the type.', { absent: '' }),
};

export type EnableSettings = p.Decoded<typeof ENABLE_SETTINGS>;

export function enableSettings(config: JsonMap | undefined): EnableSettings {
  return p.decodeParams(ENABLE_SETTINGS, config);
}

export const NO_SETTINGS: MountConfig = { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false };

/** Settings of a new mount. @param systemMaxTtl - seconds. */
export function configOf(
  sent: EnableSettings,
  kind: { class: 'secret' | 'auth'; type: string },
  systemMaxTtl: number,
): MountConfig {
  const config: MountConfig = {
    default_lease_ttl: ttlOf('default_lease_ttl', sent.default_lease_ttl) ?? 0,
    max_lease_ttl: ttlOf('max_lease_ttl', sent.max_lease_ttl) ?? 0,
    force_no_cache: sent.force_no_cache,
  };
  if (config.max_lease_ttl > 0 && config.default_lease_ttl > config.max_lease_ttl) {
    throw badRequest('given default lease TTL greater than given max lease TTL');
  }
  if (config.max_lease_ttl === 0 && config.default_lease_ttl > systemMaxTtl) {
    throw badRequest(`given default lease TTL greater than system max lease TTL of ${systemMaxTtl}`);
  }
  setLockout(config, sent.user_lockout_config, kind.type);
  setVisibility(config, sent.listing_visibility);
  for (const name of LIST_SETTING_NAMES) {
    const list = sent[name];
    if (list !== undefined && list.length > 0) config[name] = list;
  }
  if (kind.class === 'auth') config.token_type = tokenTypeOf(sent.token_type || 'default-service');
  return config;
}

/** Whole seconds; 0: the system's. Undefined: nothing was said. */
export function ttlOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'system') return 0;
  let seconds: number;
  try {
    seconds = Math.trunc(p.toDurationSeconds(text));
  } catch {
    throw badRequest(`unable to parse ${name}: expected a duration such as "90s" or "1h30m"`);
  }
  if (seconds < 0) throw badRequest(`unable to parse ${name}: a duration must not be negative`);
  return seconds;
}

export function setVisibility(config: MountConfig, visibility: string | undefined): void {
  if (visibility === undefined) return;
  if (!VISIBILITIES.includes(visibility)) {
    throw badRequest('invalid listing_visibility: expected "", "hidden" or "unauth"');
  }
  if (visibility === '') delete config.listing_visibility;
  else config.listing_visibility = visibility;
}

export function tokenTypeOf(text: string): string {
  if (!TOKEN_TYPES.includes(text)) throw badRequest("invalid value for 'token_type'");
  return text;
}

/** Plugins are built in: there is one version of each. */
export function refusePluginVersion(version: string): void {
  if (version === '' || version === BUILTIN_PLUGIN_VERSION) return;
  throw badRequest('plugin not found in the catalog: no such version');
}

/** As the wire shows it: what is not set is left out. */
export function configInfo(config: MountConfig): { [key: string]: Encodable } {
  const { default_lease_ttl, max_lease_ttl, force_no_cache, listing_visibility, token_type } = config;
  return {
    default_lease_ttl,
    max_lease_ttl,
    force_no_cache,
    listing_visibility,
    token_type,
    user_lockout_config: lockoutInfo(config),
    ...Object.fromEntries(LIST_SETTING_NAMES.map((name) => [name, config[name]])),
  };
}
