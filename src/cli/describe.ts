/**
 * A request as text instead of as bytes: the curl command that sends it, or the policy that allows it.
 *
 * @module
 */

import { quote } from '../model/printable.ts';
import type { Call, ClientSettings } from './client.ts';

/** The token is never shown: the command asks the token helper for it when it runs. Headers come in order of their names. */
export function describeAsCurl(
  call: Call,
  url: string,
  headers: ReadonlyMap<string, string | string[]>,
  settings: Pick<ClientSettings, 'program' | 'tlsFiles'>,
): string {
  const tls = settings.tlsFiles;
  const words = ['curl'];
  if (tls.skipVerify) words.push('--insecure');
  if (call.method !== 'GET') words.push(`-X ${call.method}`);
  if (tls.caCert) words.push(`--cacert ${shellQuote(tls.caCert)}`);
  if (tls.caPath) words.push(`--capath ${shellQuote(tls.caPath)}`);
  if (tls.clientCert) words.push(`--cert ${shellQuote(tls.clientCert)}`);
  if (tls.clientKey) words.push(`--key ${shellQuote(tls.clientKey)}`);
  for (const name of [...headers.keys()].sort()) {
    for (const value of [headers.get(name) as string | string[]].flat()) {
      words.push(`-H "${name}: ${name === 'X-Vault-Token' ? `$(${settings.program} print token)` : value}"`);
    }
  }
  if (call.body) words.push(`-d ${shellQuote(call.body)}`);
  return [...words, quote(url)].join(' ');
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

const CAPABILITIES: Readonly<Record<Call['method'], readonly string[]>> = {
  GET: ['read'],
  PUT: ['create', 'update'],
  POST: ['create', 'update'],
  PATCH: ['patch'],
  DELETE: ['delete'],
};

/** Paths that need `sudo` besides (contract §15). */
const SUDO_PATHS = [
  /^auth\/token\/(accessors\/?|revoke-orphan)$/,
  /^pki\/root(\/sign-self-issued)?$/,
  /^sys\/audit(\/.+)?$/,
  /^sys\/auth\/.+$/,
  /^sys\/config\/(auditing\/request-headers(\/.+)?|cors|ui\/headers(\/.*)?)$/,
  /^sys\/internal\/inspect\/.+$/,
  /^sys\/leases(\/lookup(\/.*)?|\/revoke-(force|prefix)\/.+)?$/,
  /^sys\/plugins\/catalog\/.+$/,
  /^sys\/raw(\/.+)?$/,
  /^sys\/(remount|rotate|seal|step-down)$/,
  /^sys\/revoke-(force|prefix)\/.+$/,
];

export function describeAsPolicy(call: Call): string {
  const isList = call.query?.get('list')?.[0] === 'true';
  const capabilities = isList ? ['list'] : [...CAPABILITIES[call.method]];
  const path = call.path.replace(/^\/+/, '').replace(/\/+$/, '');
  if (SUDO_PATHS.some((pattern) => pattern.test(path))) capabilities.push('sudo');
  return `path "${path}" {\n  capabilities = [${capabilities.map((name) => `"${name}"`).join(', ')}]\n}`;
}
