/**
 * Dev mode's TLS: an authority and a server certificate made at start, in the three files that Vault's users know.
 *
 * @module
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificate } from './crypto/certificate.ts';
import { systemReason } from './model/system-reason.ts';

export interface DevTlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const DAY_MS = 86_400_000;

/**
 * @param folder - where the files go; a new temporary folder where absent.
 * @param names - more DNS names and addresses.
 * @throws Error with one sentence where they cannot be written.
 */
export function makeDevTls(folder: string | undefined, names: readonly string[], nowMs: number): DevTlsFiles {
  const at = folder ?? mkdtempSync(join(tmpdir(), 'vault-tls'));
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const common = {
    issuerName: 'Coffer dev CA',
    issuerKey: ca.privateKey,
    notBeforeMs: nowMs - 60_000,
  };
  const caPem = issueCertificate({
    ...common,
    commonName: common.issuerName,
    publicKey: ca.publicKey,
    serial: randomBytes(16),
    notAfterMs: nowMs + 365 * DAY_MS,
    isCa: true,
    altNames: [],
  });
  const certificate = issueCertificate({
    ...common,
    commonName: hostname(),
    publicKey: server.publicKey,
    serial: randomBytes(16),
    notAfterMs: nowMs + 30 * DAY_MS,
    isCa: false,
    altNames: [...new Set(['localhost', hostname(), '127.0.0.1', '::1', ...names])],
  });
  const files: DevTlsFiles = {
    caFile: join(at, 'vault-ca.pem'),
    certFile: join(at, 'vault-cert.pem'),
    keyFile: join(at, 'vault-key.pem'),
  };
  try {
    writeFileSync(files.caFile, caPem);
    writeFileSync(files.certFile, certificate);
    writeFileSync(files.keyFile, server.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  } catch (error) {
    throw new Error(`the certificates of dev mode cannot be written to ${at}: ${systemReason(error)}`);
  }
  return files;
}
