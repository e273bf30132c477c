/**
 * One configuration file → what it says, not yet merged with others and without defaults.
 *
 * @module
 */
import { type Block, blocks, HclError, type HclFile, parseConfigText } from '../model/hcl.ts';
import type { LogLevel } from '../model/log.ts';
import { CLUSTER } from './cluster.ts';
import {
  block,
  ConfigError,
  type Fields,
  placeOf,
  readFields,
  refused,
  type Scope,
  type Section,
  unused,
} from './fields.ts';
import { readListener } from './listener.ts';
import { NO_LOG_ROTATION } from './no-log-rotation.ts';
import type { ListenerConfig } from './server-config.ts';
import { type CoordinatorConfig, readCoordinator, readStorage, type StorageConfig } from './storage.ts';
import { TELEMETRY } from './telemetry.ts';
import { address, bool, clusterAddress, oneOf, seconds, text, textThat } from './values.ts';

/** Vault's words for levels. */
export const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  '': 'info',
  trace: 'trace',
  debug: 'debug',
  notice: 'info',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  err: 'error',
  error: 'error',
};
export const LOG_LEVEL_NAMES = '"trace", "debug", "info", "warn" or "error"';

const oneProcess = unused('it is about parts of Vault that Coffer has not');
const noPlugins = unused('engines and auth methods are built in; there are no plugins');
const enterprise = unused('it is about features of Vault Enterprise');
const noRotation = unused(NO_LOG_ROTATION);
const otherSeal = refused('expected no other seal than seal "shamir"');

export const TOP = {
  api_addr: address,
  cluster_addr: clusterAddress,
  cluster_name: text,
  node_id: textThat((found) => /^[\w.-]{1,128}$/.test(found), "1 to 128 letters, digits, '-', '_' and '.'"),
  cluster: block('cluster', CLUSTER),
  default_lease_ttl: seconds,
  max_lease_ttl: seconds,
  default_max_request_duration: seconds,
  ui: bool,
  disable_mlock: bool,
  log_level: oneOf(LOG_LEVELS, LOG_LEVEL_NAMES),
  log_format: oneOf({ standard: 'standard', json: 'json', '': 'standard' } as const, '"standard" or "json"'),
  log_file: text,
  log_rotate_bytes: noRotation,
  log_rotate_duration: noRotation,
  log_rotate_max_files: noRotation,
  log_requests_level: oneOf(
    { ...LOG_LEVELS, '': undefined, off: 'off' } as const,
    `${LOG_LEVEL_NAMES}, or "off"`,
  ),
  telemetry: block('telemetry', TELEMETRY),
  pid_file: text,
  raw_storage_endpoint: bool,
  introspection_endpoint: bool,
  enable_response_header_hostname: bool,

  ha_storage: refused('expected no ha_storage: every node uses the same storage'),
  ha_backend: refused('expected no ha_backend: every node uses the same storage'),
  hsm: otherSeal,
  kms: otherSeal,
  kms_library: otherSeal,
  entropy: refused('expected no entropy: random bytes come from the operating system'),
  audit: refused('expected no audit: audit devices are enabled through the API (sys/audit)'),
  initialize: refused('expected no initialize: a server is initialized through the API (sys/init)'),
  plugin: refused('expected no plugin: engines and auth methods are built in'),

  user_lockout: unused('no auth method of this version counts failed logins'),
  service_registration: unused('nothing is registered with Consul or Kubernetes yet'),
  adaptive_overload_protection: enterprise,
  administrative_namespace_path: enterprise,
  cache_size: unused('caches are bounded by themselves'),
  cluster_cipher_suites: oneProcess,
  detect_deadlocks: oneProcess,
  disable_cache: unused('what is cached is never stale'),
  disable_clustering: oneProcess,
  disable_indexing: enterprise,
  disable_performance_standby: enterprise,
  disable_printable_check: unused('control characters in paths are always refused'),
  disable_sealwrap: enterprise,
  disable_sentinel_trace: enterprise,
  disable_standby_reads: oneProcess,
  enable_post_unseal_trace: oneProcess,
  enable_response_header_raft_node_id: oneProcess,
  experiments: oneProcess,
  imprecise_lease_role_tracking: oneProcess,
  license_path: enterprise,
  plugin_directory: noPlugins,
  plugin_file_permissions: noPlugins,
  plugin_file_uid: noPlugins,
  plugin_tmpdir: noPlugins,
  post_unseal_trace_directory: oneProcess,
  reporting: enterprise,
  request_limiter: enterprise,
  unsafe_allow_api_audit_creation: unused('audit devices are always enabled through the API'),
} as const satisfies Fields;

/** Blocks with a label, which are read apart from the table above. */
const BLOCKS = new Set(['listener', 'storage', 'backend', 'seal', 'coordinator']);

export interface FileConfig extends Section<typeof TOP> {
  readonly listeners: readonly ListenerConfig[];
  readonly storage: StorageConfig | undefined;
  readonly coordinator: CoordinatorConfig | undefined;
  /** Its name, for messages. */
  readonly file: string;
}

/**
 * @param file - Its name, for messages.
 * @param warnings - Added to.
 * @throws ConfigError
 */
export function readConfigText(file: string, content: string, warnings: string[]): FileConfig {
  const scope: Scope = { file, inside: '', warnings };
  const parsed = parse(content, scope);
  const section = readFields(TOP, parsed.items, scope, BLOCKS);
  for (const one of blocksNamed(parsed, 'seal', scope)) checkSeal(one, scope);
  const storages = [...blocksNamed(parsed, 'storage', scope), ...blocksNamed(parsed, 'backend', scope)];
  const coordinators = blocksNamed(parsed, 'coordinator', scope);
  for (const [name, second] of [
    ['storage', storages[1]],
    ['coordinator', coordinators[1]],
  ] as const) {
    if (second !== undefined)
      throw new ConfigError(`${placeOf(scope, startOf(second))}: only one "${name}" block is permitted`);
  }
  return {
    ...section,
    listeners: blocksNamed(parsed, 'listener', scope).map((one) => readListener(one, scope)),
    storage: storages[0] === undefined ? undefined : readStorage(storages[0], scope),
    coordinator: coordinators[0] === undefined ? undefined : readCoordinator(coordinators[0], scope),
    file,
  };
}

function parse(content: string, scope: Scope): HclFile {
  try {
    const { items, ...rest } = parseConfigText(content);
    // Blocks are found in any case, as keys are.
    const folded = items.map((item) => {
      const [key, ...labels] = item.keys;
      const name = key?.text.toLowerCase() ?? '';
      return key !== undefined && BLOCKS.has(name)
        ? { ...item, keys: [{ ...key, text: name }, ...labels] }
        : item;
    });
    return { ...rest, items: folded };
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    throw new ConfigError(`${placeOf(scope, error.position)}: ${error.reason}`);
  }
}

function blocksNamed(parsed: HclFile, name: string, scope: Scope): Block[] {
  try {
    return blocks(parsed.items, name, 1, parsed.syntax);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    throw new ConfigError(`${placeOf(scope, error.position)}: ${name}: ${error.reason}`);
  }
}

function startOf({ item, body }: Block) {
  return item.keys[0]?.position ?? body.position;
}

function checkSeal(one: Block, scope: Scope): void {
  if (one.labels.length === 1 && one.labels[0]?.toLowerCase() === 'shamir') return;
  throw new ConfigError(
    `${placeOf(scope, startOf(one))}: expected seal "shamir" { }: no other seal is supported yet`,
  );
}
