/**
 * The server's configuration: files and folders in Vault's HCL 1 or JSON, one over the other, the environment over them.
 *
 * @module
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ClusterConfig } from './config/cluster.ts';
import { ConfigError } from './config/fields.ts';
import { type FileConfig, LOG_LEVEL_NAMES, LOG_LEVELS, readConfigText } from './config/file.ts';
import type { ListenerConfig, ServerConfig, TelemetryConfig } from './config/server-config.ts';
import type { CoordinatorConfig, StorageConfig } from './config/storage.ts';
import { isAddress, isClusterAddress } from './config/values.ts';
import { HCL_BYTES_MAX, LEASE_TTL_DEFAULT_S } from './model/limits.ts';
import type { LogLevel } from './model/log.ts';
import { toBool } from './model/params.ts';
import { systemReason } from './model/system-reason.ts';

export { ConfigError } from './config/fields.ts';
export type { ListenerConfig, ServerConfig, TelemetryConfig } from './config/server-config.ts';

export interface LoadedConfig {
  readonly config: ServerConfig;
  /** Sentences for the operator, each with file and line: keys that are unknown or do nothing. */
  readonly warnings: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/**
 * @param paths - Files, and folders whose `.hcl` and `.json` files are taken in alphabetical order. What stands later counts: single
 *   values replace earlier ones, listeners are added to them.
 * @param env - `VAULT_…` and, before it, `COFFER_…`.
 * @param options - `dev`: dev mode brings storage and listener, so neither has to be there.
 * @throws ConfigError with one sentence: file, line, column, and what was expected.
 */
export function loadConfig(
  paths: readonly string[],
  env: Environment = {},
  options: { readonly dev?: boolean } = {},
): LoadedConfig {
  const warnings: string[] = [];
  const files = paths.flatMap(configFiles).map((file) => readConfigText(file, readText(file), warnings));
  if (files.length === 0) throw new ConfigError('expected a configuration file: -config=FILE');
  const config = complete(files, overrides(env), warnings, options.dev === true);
  return { config, warnings };
}

function configFiles(path: string): string[] {
  const found = (() => {
    try {
      return statSync(path);
    } catch (error) {
      throw new ConfigError(`cannot read ${path}: ${systemReason(error)}`);
    }
  })();
  if (!found.isDirectory()) return [path];
  const names = readdirSync(path, { withFileTypes: true })
    .filter(
      (entry) => !entry.isDirectory() && /\.(?:hcl|json)$/.test(entry.name) && !isEditorsOwn(entry.name),
    )
    .map((entry) => entry.name)
    .sort();
  if (names.length === 0)
    throw new ConfigError(`${path}: expected at least one .hcl or .json file in this folder`);
  return names.map((name) => join(path, name));
}

/** What editors leave beside a file that is open. */
function isEditorsOwn(name: string): boolean {
  return name.startsWith('.#') || name.startsWith('#');
}

function readText(file: string): string {
  let bytes: Uint8Array;
  try {
    if (statSync(file).size > HCL_BYTES_MAX)
      throw new ConfigError(`${file}: expected at most ${HCL_BYTES_MAX} bytes`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`cannot read ${file}: ${systemReason(error)}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ConfigError(`${file}: expected UTF-8`);
  }
}

/** What the environment sets. */
interface Overrides {
  readonly apiAddress: string | undefined;
  readonly clusterAddress: string | undefined;
  readonly ui: boolean | undefined;
  readonly disableMlock: boolean | undefined;
  readonly rawStorageEndpoint: boolean | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: 'standard' | 'json' | undefined;
}

function overrides(env: Environment): Overrides {
  const find = (name: string): [name: string, text: string] | undefined => {
    for (const prefix of ['COFFER_', 'VAULT_']) {
      const text = env[prefix + name];
      if (text !== undefined && text !== '') return [prefix + name, text];
    }
    return undefined;
  };
  const read = <T>(name: string, expected: string, as: (text: string) => T | undefined): T | undefined => {
    const [variable, text] = find(name) ?? [];
    if (variable === undefined || text === undefined) return undefined;
    const value = as(text);
    if (value === undefined) throw new ConfigError(`environment variable ${variable}: expected ${expected}`);
    return value;
  };
  const bool = (name: string) => read(name, 'true or false', boolFrom);
  const address = (name: string) =>
    read(name, 'an address such as "https://10.0.0.5:8200"', (text) =>
      isAddress(text) ? text.replace(/\/+$/, '') : undefined,
    );
  read('SEAL_TYPE', '"shamir": no other seal is supported yet', (text) =>
    text === 'shamir' ? text : undefined,
  );
  return {
    apiAddress: address('API_ADDR') ?? address('REDIRECT_ADDR') ?? address('ADVERTISE_ADDR'),
    clusterAddress: read('CLUSTER_ADDR', 'an address such as "10.0.0.5:8201"', (text) =>
      isClusterAddress(text) ? text.replace(/\/+$/, '') : undefined,
    ),
    ui: bool('UI'),
    disableMlock: bool('DISABLE_MLOCK'),
    rawStorageEndpoint: bool('RAW_STORAGE_ENDPOINT'),
    logLevel: read('LOG_LEVEL', LOG_LEVEL_NAMES, logLevel),
    logFormat: read('LOG_FORMAT', '"standard" or "json"', logFormat),
  };
}

function boolFrom(text: string): boolean | undefined {
  try {
    return toBool(text);
  } catch {
    return undefined;
  }
}

function logLevel(text: string): LogLevel | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(LOG_LEVELS, word) ? LOG_LEVELS[word] : undefined;
}

function logFormat(text: string): 'standard' | 'json' | undefined {
  const word = text.trim().toLowerCase();
  return word === 'standard' || word === 'json' ? word : undefined;
}

/** All files together, defaults filled in, checked as a whole. */
function complete(
  files: readonly FileConfig[],
  env: Overrides,
  warnings: string[],
  dev: boolean,
): ServerConfig {
  const values: FileConfig['values'] = Object.assign({}, ...files.map((file) => file.values));
  const places: Record<string, string | undefined> = Object.assign({}, ...files.map((file) => file.places));
  const listeners = files.flatMap((file) => file.listeners);
  const storage = files.findLast((file) => file.storage !== undefined)?.storage;
  const coordinator = files.findLast((file) => file.coordinator !== undefined)?.coordinator;
  if (!dev && storage === undefined) {
    throw new ConfigError(
      'A storage backend must be specified: expected storage "file" { path = "…" }, "inmem" { }, "etcd" { … } or "consul" { … }',
    );
  }
  if (!dev && listeners.length === 0) throw new ConfigError('expected at least one listener "tcp" { … }');
  if (dev) warnings.push(...unheededInDev(storage, coordinator, values, places));
  const disableMlock = env.disableMlock ?? values.disable_mlock ?? true;
  if (!disableMlock) {
    const place = places.disable_mlock === undefined ? '' : `${places.disable_mlock}: `;
    warnings.push(
      `${place}disable_mlock = false has no effect: Node cannot lock memory; encrypt the swap, or have none`,
    );
  }
  return {
    listeners: listeners.map((one) => withDuration(one, values.default_max_request_duration)),
    storage,
    coordinator,
    cluster: dev ? undefined : clusterOf(storage!, coordinator, values.cluster, places),
    nodeId: values.node_id,
    folder: dirname(resolve(files[0]!.file)),
    ...leaseTtls(values, places),
    apiAddress: env.apiAddress ?? (values.api_addr || undefined),
    clusterAddress: env.clusterAddress ?? (values.cluster_addr || undefined),
    clusterName: values.cluster_name || undefined,
    maxRequestDuration: values.default_max_request_duration,
    ui: env.ui ?? values.ui ?? false,
    disableMlock,
    logLevel: env.logLevel ?? values.log_level ?? 'info',
    logFormat: env.logFormat ?? values.log_format ?? 'standard',
    logFile: values.log_file || undefined,
    logRequestsLevel: values.log_requests_level,
    telemetry: telemetryOf(files.findLast((file) => file.values.telemetry !== undefined)?.values.telemetry),
    pidFile: values.pid_file || undefined,
    rawStorageEndpoint: env.rawStorageEndpoint ?? values.raw_storage_endpoint ?? false,
    introspectionEndpoint: values.introspection_endpoint ?? false,
    responseHeaderHostname: values.enable_response_header_hostname ?? false,
  };
}

/**
 * Sentences about what is for several nodes: dev mode is one alone.
 * @throws ConfigError for a storage that dev mode has not: it would start another server than was asked for.
 */
function unheededInDev(
  storage: StorageConfig | undefined,
  coordinator: CoordinatorConfig | undefined,
  values: FileConfig['values'],
  places: Readonly<Record<string, string | undefined>>,
): string[] {
  if (storage !== undefined && storage.type !== 'file' && storage.type !== 'inmem')
    throw new ConfigError(`storage "${storage.type}": expected "file" or "inmem" in dev mode`);
  const alone = 'has no effect in dev mode: it is one node alone';
  return [
    ...(coordinator === undefined ? [] : [`coordinator "${coordinator.type}" ${alone}`]),
    ...(['cluster', 'node_id'] as const)
      .filter((key) => values[key] !== undefined)
      .map((key) => `${places[key]}: ${key} ${alone}`),
  ];
}

/** @throws ConfigError where the storage serves several nodes and nothing says who may be one. */
function clusterOf(
  storage: StorageConfig,
  coordinator: CoordinatorConfig | undefined,
  values: FileConfig['values']['cluster'],
  places: Readonly<Record<string, string | undefined>>,
): ClusterConfig | undefined {
  const isRemote = storage.type === 'etcd' || storage.type === 'consul';
  const secretFile = values?.secret_file || undefined;
  const single = values?.single ?? false;
  const place = places.cluster === undefined ? '' : `${places.cluster}: `;
  if (secretFile !== undefined && single)
    throw new ConfigError(`${place}cluster: expected secret_file or single, not both`);
  if (isRemote && secretFile === undefined && !single) {
    throw new ConfigError(
      `${place}storage "${storage.type}" serves several nodes: expected cluster { secret_file = "…" } (\`coffer cluster secret\` makes one), or cluster { single = true }`,
    );
  }
  if (!isRemote && secretFile === undefined) return undefined;
  if (storage.type === 'inmem')
    throw new ConfigError(`${place}cluster: expected a storage that nodes can share, not "inmem"`);
  if (storage.type === 'file' && coordinator !== undefined && coordinator.type !== 'embedded') {
    throw new ConfigError(
      'coordinator: expected none or "embedded": the nodes of a storage "file" are on one machine',
    );
  }
  return {
    secretFile,
    single,
    approve: values?.approve ?? false,
    dataFolder: values?.data_dir || undefined,
    weight: values?.weight ?? 1,
    zone: values?.zone ?? '',
    protocolMax: values?.protocol_max,
    partitionReads: values?.partition_reads ? (values.partition_reads_max ?? HOUR_SECONDS) : 0,
  };
}

function withDuration(listener: ListenerConfig, fallback: number | undefined): ListenerConfig {
  const duration = listener.max_request_duration ?? fallback;
  return duration === undefined ? listener : { ...listener, max_request_duration: duration };
}

function leaseTtls(
  values: FileConfig['values'],
  places: Readonly<Record<string, string | undefined>>,
): Pick<ServerConfig, 'defaultLeaseTtl' | 'maxLeaseTtl'> {
  // 0 is "not set", as in Vault.
  const maxLeaseTtl = Math.trunc(values.max_lease_ttl ?? 0) || LEASE_TTL_DEFAULT_S;
  const defaultLeaseTtl = Math.trunc(values.default_lease_ttl ?? 0) || LEASE_TTL_DEFAULT_S;
  if (defaultLeaseTtl <= maxLeaseTtl) return { defaultLeaseTtl, maxLeaseTtl };
  const place = places.default_lease_ttl;
  if (place === undefined) {
    throw new ConfigError(
      `${places.max_lease_ttl}: max_lease_ttl: expected at least default_lease_ttl (${defaultLeaseTtl} seconds where it is not set)`,
    );
  }
  throw new ConfigError(
    `${place}: default_lease_ttl: expected at most max_lease_ttl (${maxLeaseTtl} seconds)`,
  );
}

function telemetryOf(values: FileConfig['values']['telemetry'] = {}): TelemetryConfig {
  return {
    prometheusRetentionTime: values.prometheus_retention_time ?? DAY_SECONDS,
    enableHostnameLabel: values.enable_hostname_label ?? false,
    metricsPrefix: values.metrics_prefix ?? 'vault',
  };
}
