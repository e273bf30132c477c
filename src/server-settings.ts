/**
 * What a server is started with: configuration files, the environment and flags, brought together. Flags win over the environment, the
 * environment over files.
 *
 * @module
 */
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClusterConfig } from './config/cluster.ts';
import type { CoordinatorConfig, StorageConfig } from './config/storage.ts';
import { loadConfig, type ServerConfig } from './config.ts';
import type { DevTlsFiles } from './dev-tls.ts';
import type { ListenerOptions } from './http/listener-options.ts';
import { asOneOfMany, nodeNumber } from './machine/one-of-many.ts';
import { LEASE_TTL_DEFAULT_S } from './model/limits.ts';
import { type LogLevel, parseLogFormat, parseLogLevel } from './model/log.ts';
import type { LogOptions } from './observe/log.ts';
import type { Telemetry } from './observe/metric.ts';
import type { ServerFlags } from './server-flags.ts';

/** A node that is one of several, or could be. */
export interface ClusterSettings extends ClusterConfig {
  readonly storage: Exclude<StorageConfig, { readonly type: 'inmem' }>;
  readonly coordinator: CoordinatorConfig;
  readonly nodeId: string;
  /** Of this node's own files. */
  readonly dataFolder: string;
  /** `host:port` where it listens for other nodes; undefined: `single`. */
  readonly listen: string | undefined;
  /** `host:port` where they reach it. */
  readonly address: string;
}

export interface NodeSettings {
  /** Of a node alone; `cluster` says it where there is one. */
  readonly storage: { readonly type: 'file' | 'inmem'; readonly folder?: string };
  readonly cluster: ClusterSettings | undefined;
  readonly listeners: readonly ListenerOptions[];
  readonly apiAddress: string;
  /** Where a client on this machine reaches the first listener. */
  readonly reachedAt: string;
  readonly clusterAddress: string;
  readonly clusterName: string | undefined;
  /** Seconds. */
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  readonly log: LogOptions;
  /** Level at which finished requests are logged; undefined: `trace`. */
  readonly requestsLevel: LogLevel | 'off' | undefined;
  readonly telemetry: Telemetry;
  /** Is a web interface asked for? */
  readonly ui: boolean;
  /** Shown in each reply; undefined: not shown. */
  readonly hostname: string | undefined;
  readonly pidFile: string | undefined;
  /** Serve `sys/raw`? */
  readonly rawStorage: boolean;
  /** Serve `sys/internal/inspect`? */
  readonly introspection: boolean;
  readonly warnings: readonly string[];
}

export const DEV_ADDRESS = '127.0.0.1:8200';

/** @throws Error naming file, line and what was expected. */
export function settingsOf(
  flags: ServerFlags,
  env: NodeJS.ProcessEnv,
  devTls: DevTlsFiles | undefined,
): NodeSettings {
  const loaded = flags.config.length > 0 ? loadConfig(flags.config, env, { dev: flags.dev }) : undefined;
  const config = loaded?.config;
  const ownListeners = flags.dev ? [devListener(flags, devTls, config?.maxRequestDuration)] : [];
  const listeners = [...ownListeners, ...(config?.listeners ?? [])];
  const first = listeners[0]!;
  const scheme = first.tls_disable ? 'http' : 'https';
  // `:8200` is every address; a client on this machine reaches one of them.
  const reached = first.address.replace(/^:/, '127.0.0.1:');
  const reachedAt = `${scheme}://${reached}`;
  const clusterAddress = config?.clusterAddress ?? env.VAULT_CLUSTER_ADDR ?? `https://${nextPort(reached)}`;
  const settings: NodeSettings = {
    storage: flags.dev ? devStorage(flags, config) : storageOf(config!.storage!),
    cluster: config?.cluster && clusterOf(config, config.cluster, clusterAddress, env),
    listeners,
    apiAddress: config?.apiAddress ?? env.VAULT_API_ADDR ?? reachedAt,
    reachedAt,
    clusterAddress: clusterAddress.includes('://') ? clusterAddress : `https://${clusterAddress}`,
    clusterName: config?.clusterName,
    defaultLeaseTtl: config?.defaultLeaseTtl ?? LEASE_TTL_DEFAULT_S,
    maxLeaseTtl: config?.maxLeaseTtl ?? LEASE_TTL_DEFAULT_S,
    log: logOf(flags, config),
    requestsLevel: config?.logRequestsLevel,
    telemetry: telemetryOf(config),
    ui: flags.dev || config?.ui === true,
    hostname: config?.responseHeaderHostname ? hostname() : undefined,
    pidFile: config?.pidFile,
    // As in Vault's dev mode.
    rawStorage: flags.dev || config?.rawStorageEndpoint === true,
    introspection: flags.dev || config?.introspectionEndpoint === true,
    warnings: [...(loaded?.warnings ?? []), ...flags.warnings, ...unheeded(flags)],
  };
  const number = nodeNumber(env);
  if (number === undefined) return settings;
  // What is to be said about the configuration was said by the process that started all of them.
  return { ...asOneOfMany(settings, config?.nodeId ?? hostname(), number), warnings: [] };
}

/** Metrics without a token, as in Vault's dev mode. */
function devListener(
  flags: ServerFlags,
  devTls: DevTlsFiles | undefined,
  maxRequestDuration: number | undefined,
): ListenerOptions {
  const tls = devTls
    ? { tls_cert_file: devTls.certFile, tls_key_file: devTls.keyFile }
    : { tls_disable: true };
  return {
    address: flags.devListenAddress ?? DEV_ADDRESS,
    ...tls,
    telemetry: { unauthenticated_metrics_access: true },
    ...(maxRequestDuration === undefined ? {} : { max_request_duration: maxRequestDuration }),
  };
}

/** @throws Error where flags and files want different ones, or one of several nodes. */
function devStorage(flags: ServerFlags, config: ServerConfig | undefined): NodeSettings['storage'] {
  const asked = config?.storage;
  if (flags.devData !== undefined) {
    if (asked) throw new Error('-dev-data: expected no storage in the configuration, or no -dev-data');
    return { type: 'file', folder: join(resolve(flags.devData), 'store') };
  }
  return asked ? storageOf(asked) : { type: 'inmem' };
}

function storageOf(storage: StorageConfig): NodeSettings['storage'] {
  return storage.type === 'file' ? { type: 'file', folder: resolve(storage.folder) } : { type: 'inmem' };
}

/** Sentences about flags that count only in dev mode. */
function unheeded(flags: ServerFlags): string[] {
  if (flags.dev || flags.devRootTokenId === undefined) return [];
  return ['You cannot specify a custom root token ID outside of "dev" mode. Your request has been ignored.'];
}

function clusterOf(
  config: ServerConfig,
  cluster: ClusterConfig,
  clusterAddress: string,
  env: NodeJS.ProcessEnv,
): ClusterSettings {
  const nodeId = config.nodeId ?? hostname();
  const storage = config.storage as ClusterSettings['storage'];
  const { host } = new URL(clusterAddress.includes('://') ? clusterAddress : `https://${clusterAddress}`);
  return {
    ...cluster,
    storage: storage.type === 'file' ? { type: 'file', folder: resolve(storage.folder) } : storage,
    coordinator: config.coordinator ?? coordinatorBeside(storage),
    nodeId,
    // Where systemd gives a service its state, that is the place.
    dataFolder: resolve(cluster.dataFolder ?? env.STATE_DIRECTORY ?? join(config.folder, `coffer-${nodeId}`)),
    listen: cluster.single ? undefined : (config.listeners[0]?.cluster_address ?? host),
    address: host,
  };
}

/** The storage's own system, under keys of its own. */
function coordinatorBeside(storage: ClusterSettings['storage']): CoordinatorConfig {
  if (storage.type === 'file')
    return { type: 'embedded', folder: join(resolve(storage.folder), 'coordinator') };
  return storage;
}

function logOf(flags: ServerFlags, config: ServerConfig | undefined): LogOptions {
  const level = flags.logLevel === undefined ? (config?.logLevel ?? 'info') : parseLogLevel(flags.logLevel);
  if (level === undefined) throw new Error(`-log-level: expected trace, debug, info, warn or error`);
  const format =
    flags.logFormat === undefined ? (config?.logFormat ?? 'standard') : parseLogFormat(flags.logFormat);
  if (format === undefined) throw new Error(`-log-format: expected standard or json`);
  return { level, format, file: flags.logFile ?? config?.logFile };
}

function telemetryOf(config: ServerConfig | undefined): Telemetry {
  if (config === undefined) return { prometheus: true };
  const { prometheusRetentionTime, metricsPrefix, enableHostnameLabel } = config.telemetry;
  return {
    prometheus: prometheusRetentionTime > 0,
    prefix: metricsPrefix,
    host: enableHostnameLabel ? hostname() : undefined,
  };
}

/** Vault's cluster port stands beside the API's. */
function nextPort(address: string): string {
  return address.replace(/\d+$/, (port) => String(Number(port) + 1));
}
