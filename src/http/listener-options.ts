/**
 * One `listener "tcp"` block of the server's configuration. Names, units and defaults are Vault's.
 *
 * @module
 */
import type { CustomResponseHeaders } from './response-headers.ts';

export interface ListenerOptions {
  /** Other processes of ours listen there too, and the kernel gives each connection to one of them. Of no configuration. */
  readonly reuse_port?: boolean;
  /** `host:port`, `[::1]:8200`, `:8200` for every address; port 0 takes a free one. */
  readonly address: string;
  readonly tls_disable?: boolean;
  /** PEM: the certificate and, after it, what leads to its authority. */
  readonly tls_cert_file?: string;
  /** PEM, not encrypted. */
  readonly tls_key_file?: string;
  /** `tls12` (where absent) or `tls13`. */
  readonly tls_min_version?: string;
  readonly tls_max_version?: string;
  /** Only clients with a certificate from `tls_client_ca_file` (or, where absent, from a public authority) are served. */
  readonly tls_require_and_verify_client_cert?: boolean;
  readonly tls_client_ca_file?: string;
  /** No certificate is asked of clients. */
  readonly tls_disable_client_certs?: boolean;
  /** Seconds for a request's head; 10 where absent. */
  readonly http_read_header_timeout?: number;
  /** Seconds for a whole request, its body included; 30 where absent. */
  readonly http_read_timeout?: number;
  /**
   * Seconds a client may take to read a large reply, and in which nothing of a small one could be written, before the connection is cut;
   * 300 where absent or 0.
   */
  readonly http_write_timeout?: number;
  /** Seconds a connection is kept between requests; 300 where absent. */
  readonly http_idle_timeout?: number;
  /** Bytes of a body; 33,554,432 where absent, no bound for 0 or less (which is not wise). */
  readonly max_request_size?: number;
  /** Seconds a whole request may take to be answered; 90 where absent, 0 for ever. */
  readonly max_request_duration?: number;
  /** Levels of JSON; 500 where absent, at most JSON_DEPTH_CEILING. */
  readonly max_json_depth?: number;
  readonly custom_response_headers?: CustomResponseHeaders;
  /** From these peers X-Forwarded-For is believed: IP addresses and networks. */
  readonly x_forwarded_for_authorized_addrs?: readonly string[];
  /** How many addresses at the end of X-Forwarded-For are proxies behind the peer; 0 where absent. */
  readonly x_forwarded_for_hop_skips?: number;
  /** Refuse requests without the header; false where absent. */
  readonly x_forwarded_for_reject_not_present?: boolean;
  /** Refuse a peer that sends the header and may not; false where absent. */
  readonly x_forwarded_for_reject_not_authorized?: boolean;
  readonly telemetry?: {
    /** `sys/metrics` answers without a token. */
    readonly unauthenticated_metrics_access?: boolean;
    /** This listener does not serve `sys/metrics`. */
    readonly disallow_metrics?: boolean;
    /** This listener serves nothing else. */
    readonly metrics_only?: boolean;
  };
  readonly profiling?: {
    /** `sys/pprof` answers without a token. */
    readonly unauthenticated_pprof_access?: boolean;
  };
  readonly inflight_requests_logging?: {
    /** `sys/in-flight-req` answers without a token. */
    readonly unauthenticated_in_flight_requests_access?: boolean;
  };
}

/** What `listen` takes. @throws Error for an address without a port. */
export function hostAndPort(address: string): { host: string | undefined; port: number } {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(found?.[3]);
  if (found === null || port > 65_535) throw new Error(`listener address "${address}" is not host:port`);
  return { host: found[1] || found[2] || undefined, port };
}
