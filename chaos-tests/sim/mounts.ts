/**
 * Mounts of a simulated node, and how names rest in its store.
 *
 * @module
 */
import type { Names } from '../../src/actors/places.ts';
import type { Mount } from '../../src/model/mount.ts';

/** Names rest readable: a trace is to be read, and what sealed names look like is the barrier's business. */
export const NAMES: Names = {
  sealName: (_context, segment) => `~${segment}`,
  openName: (_context, sealed) => sealed.slice(1),
};

function mountOf(path: string, type: string, kind: Mount['class']): Mount {
  return {
    class: kind,
    path,
    type,
    description: '',
    uuid: type,
    accessor: `${type}_0`,
    namespace: 'root',
    config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
    options: null,
    local: false,
    seal_wrap: false,
    external_entropy_access: false,
    settings: {},
  };
}

/** How many versions of a secret are kept; checkers count on it. */
export const VERSIONS_MAX = 3;

export const KV: Mount = { ...mountOf('secret/', 'kv', 'secret'), settings: { max_versions: VERSIONS_MAX } };
export const TOKEN = mountOf('token/', 'token', 'auth');
export const SYS = mountOf('sys/', 'system', 'secret');

/** Wrong passwords in a row by which a name is locked, for longer than a run lasts. */
export const LOCKED_AFTER = 4;
const LOCKED_SECONDS = 86_400;

const logins = mountOf('userpass/', 'userpass', 'auth');
export const LOGINS: Mount = {
  ...logins,
  config: {
    ...logins.config,
    user_lockout_config: {
      user_lockout_threshold: LOCKED_AFTER,
      user_lockout_duration: LOCKED_SECONDS,
      user_lockout_counter_reset_duration: LOCKED_SECONDS,
    },
  },
};

const approle = mountOf('approle/', 'approle', 'auth');
/** Nobody is locked out of it: what is counted is uses. */
export const APPROLE: Mount = {
  ...approle,
  config: { ...approle.config, user_lockout_config: { user_lockout_disable: true } },
};

const BY_PATH: readonly (readonly [string, Mount])[] = [
  ['sys/', SYS],
  ['secret/', KV],
  ['auth/token/', TOKEN],
  ['auth/userpass/', LOGINS],
  ['auth/approle/', APPROLE],
  ['alarm/', mountOf('alarm/', 'alarm', 'secret')],
];

export function mountAt(path: string): Mount | undefined {
  return BY_PATH.find(([prefix]) => path.startsWith(prefix))?.[1];
}
