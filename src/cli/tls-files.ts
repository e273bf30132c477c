/**
 * Certificates and keys that the client's flags and variables name.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, readVariable } from './environment.ts';
import { fileReason } from './file-reason.ts';
import { CERTIFICATE } from './pem.ts';
import type { TlsSettings } from './transport.ts';

export interface TlsSources {
  caCert: string;
  caPath: string;
  clientCert: string;
  clientKey: string;
  serverName: string;
  skipVerify: boolean;
}

/**
 * Reads what `sources` names; `VAULT_CACERT_BYTES` and the like stand in for files that are not given. A file goes before a folder.
 * @throws Error that names the file.
 */
export function loadTls(sources: TlsSources, env: Environment): TlsSettings {
  const certificate = sources.clientCert || readVariable(env, 'VAULT_CLIENT_CERT_BYTES');
  const key = sources.clientKey || readVariable(env, 'VAULT_CLIENT_KEY_BYTES');
  if ((certificate === '') !== (key === ''))
    throw new Error('both client cert and client key must be provided');
  return {
    rejectUnauthorized: !sources.skipVerify,
    minVersion: 'TLSv1.2',
    ca: authorities(sources, env),
    cert: sources.clientCert ? readPem(sources.clientCert) : certificate || undefined,
    key: sources.clientKey ? readPem(sources.clientKey) : key || undefined,
    servername: sources.serverName || undefined,
  };
}

function authorities(sources: TlsSources, env: Environment): string[] | undefined {
  if (sources.caCert) return [authority(sources.caCert)];
  const bytes = readVariable(env, 'VAULT_CACERT_BYTES');
  if (bytes) return [bytes];
  if (!sources.caPath) return undefined;
  // Other files in the folder, a key for instance, are passed over: only certificates in them count.
  return filesIn(sources.caPath).map(readPem);
}

function authority(path: string): string {
  try {
    const pem = readPem(path);
    if (pem.includes(CERTIFICATE)) return pem;
  } catch (error) {
    throw new Error(`Error loading CA File: ${(error as Error).message}`);
  }
  throw new Error(`Error loading CA File: Couldn't parse PEM in: ${path}`);
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    throw new Error(`lstat ${folder}: ${fileReason(error)}`);
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`open ${path}: ${fileReason(error)}`);
  }
}
