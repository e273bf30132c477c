/**
 * The configuration as `sys/config/state/sanitized` shows it: Vault's names, and nothing that is secret. Storage and coordinator have
 * passwords and tokens, so no more than their type is told.
 *
 * @module
 */
import type { ListenerOptions } from '../http/listener-options.ts';
import type { Encodable } from '../model/json.ts';
import type { LogLevel } from '../model/log.ts';

export interface ShownSettings {
  readonly storage: { readonly type: string };
  readonly cluster?: { readonly storage: { readonly type: string } } | undefined;
  readonly listeners: readonly ListenerOptions[];
  readonly apiAddress: string;
  readonly clusterAddress: string;
  readonly clusterName: string | undefined;
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  readonly log: { readonly level: LogLevel; readonly format: string };
  readonly requestsLevel: LogLevel | 'off' | undefined;
  readonly telemetry: { readonly prefix?: string | undefined };
  readonly ui: boolean;
  readonly hostname: string | undefined;
  readonly pidFile: string | undefined;
  readonly rawStorage: boolean;
  readonly introspection: boolean;
}

export function sanitizedConfig(settings: ShownSettings): { [key: string]: Encodable } {
  const { listeners, log, cluster } = settings;
  return {
    api_addr: settings.apiAddress,
    cache_size: 0,
    cluster_addr: settings.clusterAddress,
    cluster_cipher_suites: '',
    cluster_name: settings.clusterName ?? '',
    default_lease_ttl: settings.defaultLeaseTtl,
    default_max_request_duration: 0,
    detect_deadlocks: '',
    disable_cache: false,
    disable_clustering: cluster === undefined,
    disable_indexing: false,
    disable_mlock: true,
    disable_performance_standby: false,
    disable_printable_check: false,
    disable_sealwrap: false,
    disable_sentinel_trace: false,
    enable_response_header_hostname: settings.hostname !== undefined,
    enable_response_header_raft_node_id: false,
    enable_ui: settings.ui,
    experiments: null,
    introspection_endpoint: settings.introspection,
    listeners: listeners.map((listener) => ({ config: listenerConfig(listener), type: 'tcp' })),
    log_format: log.format,
    log_level: log.level,
    log_requests_level: settings.requestsLevel ?? '',
    max_lease_ttl: settings.maxLeaseTtl,
    pid_file: settings.pidFile ?? '',
    plugin_directory: '',
    plugin_file_permissions: 0,
    plugin_file_uid: 0,
    raw_storage_endpoint: settings.rawStorage,
    seals: [{ disabled: false, type: 'shamir' }],
    storage: {
      cluster_addr: settings.clusterAddress,
      disable_clustering: cluster === undefined,
      redirect_addr: settings.apiAddress,
      type: (cluster ?? settings).storage.type,
    },
    telemetry: { metrics_prefix: settings.telemetry.prefix ?? 'vault' },
  };
}

/** Paths of files and what is switched on: a listener has no secret. Headers of the operator's own may have one. */
function listenerConfig(listener: ListenerOptions): { [key: string]: Encodable } {
  const { custom_response_headers: _headers, ...shown } = listener;
  return JSON.parse(JSON.stringify(shown));
}
