/**
 * Mounts as the wire shows them, and what a new one begins with.
 *
 * @module
 */
import { badRequest, unsupportedPath } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { MOUNT_RECORD_BYTES_MAX } from '../../model/limits.ts';
import { apiPath, type Mount } from '../../model/mount.ts';
import { ROOT_NAMESPACE } from '../../model/namespace.ts';
import { BUILTIN_PLUGIN_VERSION } from '../../model/version.ts';
import { configInfo, NO_SETTINGS } from './mount-config.ts';

/** Types that Vault holds as parts of itself and gives no deprecation status. */
const CORE_TYPES = new Set(['system', 'cubbyhole', 'identity', 'token']);

/** The object that sys/mounts, sys/auth and sys/internal/ui/mounts show of a mount. */
export function mountInfo(mount: Mount): { [key: string]: Encodable } {
  return {
    type: shownType(mount),
    description: mount.description,
    accessor: mount.accessor,
    local: mount.local,
    seal_wrap: mount.seal_wrap,
    external_entropy_access: mount.external_entropy_access,
    options: mount.options,
    uuid: mount.uuid,
    plugin_version: '',
    running_plugin_version: BUILTIN_PLUGIN_VERSION,
    running_sha256: '',
    deprecation_status: CORE_TYPES.has(mount.type) ? undefined : 'supported',
    config: configInfo(mount.config),
  };
}

/** What each namespace has of its own from its beginning goes by other names in those below the root namespace, as in Vault. */
function shownType({ type, namespace }: Mount): string {
  return namespace !== ROOT_NAMESPACE.id && CORE_TYPES.has(type) ? `ns_${type}` : type;
}

type Given = Pick<Mount, 'class' | 'path' | 'type' | 'namespace'> & Partial<Mount>;

/** A mount as it stands in the table, with a uuid and an accessor of its own. */
export function newMount(given: Given, randomBytes: (bytes: number) => Buffer): Mount {
  const prefix = given.class === 'auth' ? 'auth_' : '';
  return {
    description: '',
    config: NO_SETTINGS,
    options: null,
    local: false,
    seal_wrap: false,
    external_entropy_access: false,
    settings: {},
    ...given,
    uuid: uuid(randomBytes(16)),
    accessor: `${prefix}${given.type}_${randomBytes(4).toString('hex')}`,
  };
}

/** UUID version 4 out of 16 random bytes. */
export function uuid(bytes: Buffer): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** All mounts are held in memory, on every node. @throws CodedError for one that is too large. */
export function refuseLarge(mount: Mount): void {
  if (Buffer.byteLength(JSON.stringify(mount)) > MOUNT_RECORD_BYTES_MAX) {
    throw badRequest(`the settings of a mount must not exceed ${MOUNT_RECORD_BYTES_MAX} bytes`);
  }
}

/** `foo` and `foo/` name the same mount. @throws CodedError where the route's rest is empty. */
export function withSlash(path: string): string {
  if (path === '') throw unsupportedPath();
  return path.endsWith('/') ? path : `${path}/`;
}

/** Mounts of these may be neither added nor taken away below these paths. */
const PROTECTED = ['audit/', 'auth/', 'sys/', 'cubbyhole/', 'identity/'];

/** @param path - of a secrets mount, ending in `/`. */
export function isProtected(path: string): boolean {
  return PROTECTED.some((prefix) => path.startsWith(prefix));
}

/** @returns the API path of a mount that stands in the way of one at `wanted`, in either direction. */
export function conflictOf(wanted: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts.find((mount) => {
    const path = apiPath(mount);
    return wanted.startsWith(path) || path.startsWith(wanted);
  });
}
