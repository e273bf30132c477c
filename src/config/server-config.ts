/**
 * The configuration of a server, complete: what `loadConfig` makes and the program is built from.
 *
 * @module
 */
import type { ListenerOptions } from '../http/listener-options.ts';
import type { LogLevel } from '../model/log.ts';
import type { ClusterConfig } from './cluster.ts';
import type { CoordinatorConfig, StorageConfig } from './storage.ts';

/** One `listener "tcp"`. Names are those of the configuration, durations are seconds. */
export interface ListenerConfig extends ListenerOptions {
  /** `host:port` for other nodes; one port above `address` where absent. */
  readonly cluster_address?: string;
}

/** Durations are seconds. */
export interface TelemetryConfig {
  /** 0: Prometheus' format is not served. 86,400 where absent. */
  readonly prometheusRetentionTime: number;
  /** Each metric has the label `host`, this machine's name. */
  readonly enableHostnameLabel: boolean;
  /** First word of every name; `vault` where absent. */
  readonly metricsPrefix: string;
}

export interface ServerConfig {
  /** At least one, save for dev mode, which brings its own. */
  readonly listeners: readonly ListenerConfig[];
  /** `folder` is as written: relative to where the server is started. Undefined: none was named, in dev mode, which brings its own. */
  readonly storage: StorageConfig | undefined;
  /** The storage's own where absent: the same etcd or Consul, or the folder's. */
  readonly coordinator: CoordinatorConfig | undefined;
  /** Undefined: a node alone on its embedded store. */
  readonly cluster: ClusterConfig | undefined;
  /** What an operator calls this node; the machine's name where absent. */
  readonly nodeId: string | undefined;
  /** The folder of the first configuration file. */
  readonly folder: string;
  /** How clients reach this node: `https://host:port`. Undefined: to be made from the first listener. */
  readonly apiAddress: string | undefined;
  /** How other nodes reach it. */
  readonly clusterAddress: string | undefined;
  /** Drawn at init where undefined. */
  readonly clusterName: string | undefined;
  /** Seconds; 2,764,800 (32 days) where absent. Not above `maxLeaseTtl`. */
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  /** Seconds; of listeners that do not say. Undefined: not set. */
  readonly maxRequestDuration: number | undefined;
  readonly ui: boolean;
  /** False asks for locked memory, which Node cannot give: see the warning of `loadConfig`. */
  readonly disableMlock: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: 'standard' | 'json';
  /** Undefined: standard error. */
  readonly logFile: string | undefined;
  /** Level at which each finished request is logged; undefined: `trace`. */
  readonly logRequestsLevel: LogLevel | 'off' | undefined;
  readonly telemetry: TelemetryConfig;
  /** Where our process id is written while we run. */
  readonly pidFile: string | undefined;
  /** Serve `sys/raw`. */
  readonly rawStorageEndpoint: boolean;
  /** Serve `sys/internal/inspect`. */
  readonly introspectionEndpoint: boolean;
  /** Add `X-Vault-Hostname` to every reply. */
  readonly responseHeaderHostname: boolean;
}
