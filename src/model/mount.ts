/**
 * A mount: an engine or an auth method at a path.
 *
 * @module
 */
import type { Claims } from './actor.ts';

/** Tunable settings. Durations are whole seconds; 0 or absent means the system's default. */
export interface MountConfig {
  default_lease_ttl: number;
  max_lease_ttl: number;
  force_no_cache: boolean;
  listing_visibility?: string;
  audit_non_hmac_request_keys?: string[];
  audit_non_hmac_response_keys?: string[];
  passthrough_request_headers?: string[];
  allowed_response_headers?: string[];
  token_type?: string;
  user_lockout_config?: Record<string, unknown>;
}

export interface Mount {
  /** Which table it stands in: an auth method's API path is `auth/` + path. */
  readonly class: 'secret' | 'auth';
  /** Ends in `/`, without `auth/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  /** Never used twice: what is mounted again under the same path has another one, so old data is out of reach. */
  readonly uuid: string;
  /** `<type>_<8 hex>`. */
  readonly accessor: string;
  /** Whose id the data bear, for ever: the namespace it was made in. */
  readonly namespace: string;
  /** The namespace whose paths lead to it, once it was moved to another one. */
  readonly servedIn?: string;
  /** How often it was moved. What its logins issued ends with a move. */
  readonly moves?: number;
  readonly lastMove?: Move;
  readonly config: MountConfig;
  readonly options: Readonly<Record<string, string>> | null;
  readonly local: boolean;
  readonly seal_wrap: boolean;
  readonly external_entropy_access: boolean;
  /** Absent: mounted by a release in which engines kept them elsewhere, and not moved here yet. */
  readonly settings?: EngineSettings;
}

/** Paths are API paths from the root namespace on. */
export interface Move {
  /** A UUID. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

/** Id of the namespace whose paths lead to the mount. */
export function servingNamespace({ servedIn, namespace }: Pick<Mount, 'servedIn' | 'namespace'>): string {
  return servedIn ?? namespace;
}

/** What its logins name as their issuer: good as long as the mount stands where it does. */
export function issuerOf({ uuid, moves }: Pick<Mount, 'uuid' | 'moves'>): string {
  return moves === undefined ? uuid : `${uuid}#${moves}`;
}

/** What an engine keeps of its mount, plain JSON by name. It stands in the mount table, so that no request asks another node for it. */
export type EngineSettings = Readonly<Record<string, unknown>>;

/** How an engine shows and changes the settings of the mount that a request names. */
export interface SettingsOfMount {
  /** As all members have them. Undefined: absent in the mount, or the mount is gone. */
  current(mount: Mount): Promise<EngineSettings | undefined>;
  /** Puts `patch` over them, or over `before` where they are absent; known to every member when it resolves. */
  change(mount: Mount, patch: EngineSettings, before: EngineSettings, claims: Claims): Promise<void>;
}

/** What every namespace has from its beginning; nobody may take it away. */
export const CORE_MOUNTS: readonly (Pick<Mount, 'class' | 'path' | 'type' | 'description'> &
  Partial<Mount>)[] = [
  {
    class: 'secret',
    path: 'cubbyhole/',
    type: 'cubbyhole',
    description: 'per-token private secret storage',
    local: true,
  },
  {
    class: 'secret',
    path: 'sys/',
    type: 'system',
    description: 'system endpoints used for control, policy and debugging',
    seal_wrap: true,
    config: {
      default_lease_ttl: 0,
      max_lease_ttl: 0,
      force_no_cache: false,
      passthrough_request_headers: ['Accept'],
    },
  },
  {
    class: 'auth',
    path: 'token/',
    type: 'token',
    description: 'token based credentials',
    config: {
      default_lease_ttl: 0,
      max_lease_ttl: 0,
      force_no_cache: false,
      token_type: 'default-service',
    },
  },
];

/** The path a request names it by: `secret/`, `auth/token/`. */
export function apiPath(mount: Pick<Mount, 'class' | 'path'>): string {
  return mount.class === 'auth' ? `auth/${mount.path}` : mount.path;
}
