/**
 * TLS as a listener speaks it: 1.2 or newer, forward secrecy and AEAD only, and the post-quantum hybrid X25519MLKEM768 before all other
 * key exchanges, so that traffic recorded today stays closed to a quantum computer.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import {
  createSecureContext,
  type SecureContextOptions,
  type SecureVersion,
  type TlsOptions,
} from 'node:tls';
import { systemReason } from '../model/system-reason.ts';
import type { ListenerOptions } from './listener-options.ts';

/**
 * In the order preferred. The slash makes the first a choice of its own: a client that can do it but sent a share for another group is
 * asked again (one round trip more), where a colon would let its guess decide.
 */
export const TLS_GROUPS = 'X25519MLKEM768/X25519:P-256:P-384';

/** Those of TLS 1.3, then of 1.2 those that Go's server offers and that are not known to be weak. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const VERSIONS: Record<string, SecureVersion | undefined> = { tls12: 'TLSv1.2', tls13: 'TLSv1.3' };

/**
 * What can change while the server runs: reads the files anew.
 * @throws Error naming the key and the file of what cannot be used.
 */
export function secureContext(options: ListenerOptions): SecureContextOptions {
  const context: SecureContextOptions = {
    cert: readPem('tls_cert_file', options.tls_cert_file),
    key: readPem('tls_key_file', options.tls_key_file),
    ca:
      options.tls_client_ca_file === undefined
        ? undefined
        : readPem('tls_client_ca_file', options.tls_client_ca_file),
    minVersion: version('tls_min_version', options.tls_min_version) ?? 'TLSv1.2',
    maxVersion: version('tls_max_version', options.tls_max_version) ?? 'TLSv1.3',
    ciphers: CIPHERS,
    ecdhCurve: TLS_GROUPS,
    honorCipherOrder: true,
  };
  try {
    createSecureContext(context);
  } catch (error) {
    const files = [options.tls_cert_file, options.tls_key_file, options.tls_client_ca_file]
      .filter(Boolean)
      .join(', ');
    throw new Error(`tls_cert_file, tls_key_file or tls_client_ca_file cannot be used (${files})`, {
      cause: error,
    });
  }
  return context;
}

/** What holds for the whole life of a listener. A client certificate is asked for, as Vault does, and verified where that is required. */
export function clientCertificates(options: ListenerOptions): TlsOptions {
  const required = options.tls_require_and_verify_client_cert === true;
  if (required && options.tls_disable_client_certs) {
    throw new Error('tls_require_and_verify_client_cert and tls_disable_client_certs exclude each other');
  }
  return { requestCert: !options.tls_disable_client_certs, rejectUnauthorized: required };
}

function readPem(key: string, file: string | undefined): Buffer {
  if (file === undefined || file === '') throw new Error(`${key} is not set, and tls_disable is not true`);
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`${key}: cannot read ${file}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

function version(key: string, text: string | undefined): SecureVersion | undefined {
  if (text === undefined || text === '') return undefined;
  const found = Object.hasOwn(VERSIONS, text) ? VERSIONS[text] : undefined;
  if (found === undefined) throw new Error(`${key} must be "tls12" or "tls13"`);
  return found;
}
