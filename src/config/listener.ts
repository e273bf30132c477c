/**
 * `listener "tcp" { … }`.
 *
 * @module
 */
import { hostAndPort } from '../http/listener-options.ts';
import { type Block, HclError, type HclItem } from '../model/hcl.ts';
import { JSON_DEPTH_CEILING } from '../model/limits.ts';
import {
  block,
  blockBody,
  ConfigError,
  placeOf,
  readFields,
  refused,
  refusedUnlessFalse,
  type Scope,
  unused,
  value,
} from './fields.ts';
import type { ListenerConfig } from './server-config.ts';
import { bool, integer, networks, oneOf, seconds, stringsIn, text, textThat } from './values.ts';

const hostPort = textThat(isHostAndPort, 'host:port such as "127.0.0.1:8200"');
const tlsVersion = oneOf({ tls12: 'tls12', tls13: 'tls13' }, '"tls12" or "tls13"');
const headers = value((node) => responseHeaders(blockBody(node).items));
const noProxyProtocol = refused('the PROXY protocol is not supported; x_forwarded_for_authorized_addrs is');
const noSocket = refused('expected a listener "tcp": Unix sockets are not supported');
const notRedacted = refusedUnlessFalse('not supported yet');
const bodyBounds = unused(
  'bodies are bounded by max_request_size, max_json_depth and 1,000,000 values in all',
);

export const LISTENER = {
  address: hostPort,
  cluster_address: hostPort,
  role: oneOf({ default: 'default', '': 'default' }, '"default"'),
  purpose: unused('every listener serves the whole API'),

  max_request_size: integer(Number.MIN_SAFE_INTEGER),
  max_request_duration: seconds,
  max_json_depth: integer(1, JSON_DEPTH_CEILING),
  max_json_string_value_length: bodyBounds,
  max_json_object_entry_count: bodyBounds,
  max_json_object_element_count: bodyBounds,
  max_json_array_element_count: bodyBounds,
  max_json_token: bodyBounds,
  max_request_json_memory: bodyBounds,
  max_request_json_strings: bodyBounds,
  http_read_header_timeout: seconds,
  http_read_timeout: seconds,
  http_write_timeout: seconds,
  http_idle_timeout: seconds,
  require_request_header: unused('it is a setting of Vault Agent'),
  disable_request_limiter: unused('there is no request limiter'),

  tls_disable: bool,
  tls_cert_file: text,
  tls_key_file: text,
  tls_client_ca_file: text,
  tls_min_version: tlsVersion,
  tls_max_version: tlsVersion,
  tls_require_and_verify_client_cert: bool,
  tls_disable_client_certs: bool,
  tls_cipher_suites: unused('only suites with forward secrecy and authenticated encryption are offered'),
  tls_prefer_server_cipher_suites: unused('the server chooses the cipher suite'),

  proxy_protocol_behavior: noProxyProtocol,
  proxy_protocol_authorized_addrs: noProxyProtocol,
  x_forwarded_for_authorized_addrs: networks,
  x_forwarded_for_hop_skips: integer(0),
  x_forwarded_for_reject_not_present: bool,
  x_forwarded_for_reject_not_authorized: bool,
  x_forwarded_for_client_cert_header: refused('client certificates are taken from TLS only'),
  x_forwarded_for_client_cert_header_decoders: refused('client certificates are taken from TLS only'),

  custom_response_headers: headers,
  telemetry: block('telemetry', {
    unauthenticated_metrics_access: bool,
    disallow_metrics: bool,
    metrics_only: bool,
    metrics_path: unused('metrics are served at sys/metrics'),
  }),
  profiling: block('profiling', {
    unauthenticated_pprof_access: bool,
    unauthenticated_in_flight_request_access: unused('it stands in inflight_requests_logging'),
  }),
  inflight_requests_logging: block('inflight_requests_logging', {
    unauthenticated_in_flight_requests_access: bool,
  }),

  redact_addresses: notRedacted,
  redact_cluster_name: notRedacted,
  redact_version: notRedacted,
  chroot_namespace: refusedUnlessFalse('a listener serves all namespaces'),
  disable_replication_status_endpoints: unused('there are no such endpoints'),
  disable_unauthed_rekey_endpoints: unused('there are no such endpoints yet'),
  disable_unauthed_generate_root_endpoints: unused('there are no such endpoints yet'),
  agent_api: unused('it is a setting of Vault Agent'),
  proxy_api: unused('it is a setting of Vault Proxy'),
  socket_mode: noSocket,
  socket_user: noSocket,
  socket_group: noSocket,
};

/** @throws ConfigError */
export function readListener({ labels, body, item }: Block, scope: Scope): ListenerConfig {
  const place = placeOf(scope, item.keys[0]?.position ?? body.position);
  const type = labels[0]?.toLowerCase();
  if (labels.length !== 1 || type !== 'tcp') throw new ConfigError(`${place}: expected listener "tcp" { … }`);
  const inside = `${scope.inside}listener "tcp": `;
  const { values, places } = readFields(LISTENER, body.items, { ...scope, inside });
  const { role: _role, ...listener } = values;
  if (!listener.tls_disable) {
    for (const key of ['tls_cert_file', 'tls_key_file'] as const) {
      if (!listener[key]) throw new ConfigError(`${place}: ${inside}expected ${key}, or tls_disable = true`);
    }
  }
  if (listener.tls_require_and_verify_client_cert && listener.tls_disable_client_certs) {
    throw new ConfigError(
      `${places.tls_disable_client_certs}: ${inside}tls_disable_client_certs: expected false, since tls_require_and_verify_client_cert is true`,
    );
  }
  if (listener.tls_min_version === 'tls13' && listener.tls_max_version === 'tls12') {
    throw new ConfigError(
      `${places.tls_max_version}: ${inside}tls_max_version: expected at least tls_min_version`,
    );
  }
  if (!listener.x_forwarded_for_authorized_addrs?.length) {
    for (const key of FORWARDED) {
      if (places[key] === undefined) continue;
      scope.warnings.push(
        `${places[key]}: ${inside}${key} has no effect: x_forwarded_for_authorized_addrs is not set`,
      );
    }
  }
  return { ...listener, address: listener.address ?? '127.0.0.1:8200' };
}

const FORWARDED = [
  'x_forwarded_for_hop_skips',
  'x_forwarded_for_reject_not_present',
  'x_forwarded_for_reject_not_authorized',
] as const;

function isHostAndPort(address: string): boolean {
  try {
    hostAndPort(address);
    return true;
  } catch {
    return false;
  }
}

/** Status (`default`, `4xx`, `404`) → header → values. */
function responseHeaders(statuses: readonly HclItem[]): Record<string, Record<string, string[]>> {
  const all: Record<string, Record<string, string[]>> = {};
  for (const { keys, value } of statuses) {
    const status = keys[0]?.text ?? '';
    if (!/^(?:default|[1-5]xx|[1-5]\d\d)$/.test(status)) {
      throw new HclError(
        keys[0]?.position ?? value.position,
        'expected "default", a class of statuses such as "4xx", or a status such as "404"',
      );
    }
    all[status] = { ...all[status], ...headersOf(blockBody(value).items) };
  }
  return all;
}

function headersOf(items: readonly HclItem[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { keys, value } of items) {
    const name = keys[0]?.text ?? '';
    const position = keys[0]?.position ?? value.position;
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw new HclError(position, 'expected the name of a header');
    if (name.toLowerCase().startsWith('x-vault-'))
      throw new HclError(position, 'expected no header whose name starts with X-Vault-');
    const values = stringsIn(value, 'a list of header values');
    if (!values.every((one) => /^[\t\x20-\x7e]*$/.test(one))) {
      throw new HclError(value.position, 'expected header values of printable ASCII');
    }
    found[name] = values;
  }
  return found;
}
