/**
 * From flags and environment to the settings of a client.
 *
 * @module
 */
import { CLI_TIMEOUT_MS } from '../model/limits.ts';
import { quote } from '../model/printable.ts';
import { Client, type ClientSettings, type Describe } from './client.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { type Environment, readVariable } from './environment.ts';
import { messageOf, remoteFailure } from './failure.ts';
import { type FlagValues, parseBool } from './flags.ts';
import { type httpFlags, NOT_SET } from './global-flags.ts';
import { CERTIFICATE } from './pem.ts';
import { parseAddress, type ServerAddress } from './request-url.ts';
import type { TlsSources } from './tls-files.ts';
import type { TlsSettings } from './transport.ts';

/** @throws CommandFailure, with exit code 2 as in Vault, for settings that cannot be right. */
export async function makeClient(
  program: string,
  flags: FlagValues<typeof httpFlags>,
  env: Environment,
  describe: Describe,
): Promise<Client> {
  try {
    return new Client(await settingsOf(program, flags, env, describe));
  } catch (error) {
    throw remoteFailure(messageOf(error));
  }
}

async function settingsOf(
  program: string,
  flags: FlagValues<typeof httpFlags>,
  env: Environment,
  describe: Describe,
): Promise<ClientSettings> {
  const tlsFiles = {
    caCert: flags['ca-cert'],
    caPath: flags['ca-path'],
    clientCert: flags['client-cert'],
    clientKey: flags['client-key'],
    skipVerify: flags['tls-skip-verify'],
  };
  checkEnvironment(env);
  return {
    program,
    address: serverAddress(flags['agent-address'] || flags.address),
    token: readVariable(env, 'VAULT_TOKEN'),
    namespace: canonicalNamespace(flags.ns !== NOT_SET ? flags.ns : flags.namespace),
    mfa: flags.mfa,
    headers: allowedHeaders(flags.header),
    policyOverride: flags['policy-override'],
    wrapTtl: flags['wrap-ttl'] === 0n ? '' : formatDuration(flags['wrap-ttl']),
    timeoutMs: timeout(env),
    retriesMax: retries(env),
    followRedirect: !flags['disable-redirects'],
    describe,
    tlsFiles,
    tls: await tlsSettings({ ...tlsFiles, serverName: flags['tls-server-name'] }, env),
    findProxy: async (address) => {
      if (!namesProxy(env)) return undefined;
      return (await import('./proxy.ts')).chooseProxy(env, address);
    },
  };
}

function serverAddress(text: string): ServerAddress {
  try {
    return parseAddress(text);
  } catch (error) {
    throw new Error(`failed to create client: ${messageOf(error)}`);
  }
}

/** Files that are named are read even where the address is a plain one: a wrong name is told at once. */
async function tlsSettings(sources: TlsSources, env: Environment): Promise<TlsSettings> {
  const usual = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const;
  const bytes = ['VAULT_CACERT_BYTES', 'VAULT_CLIENT_CERT_BYTES', 'VAULT_CLIENT_KEY_BYTES'];
  const named = Object.values(sources).some((source) => source !== '' && source !== false);
  if (!named && bytes.every((name) => readVariable(env, name) === '')) return usual;
  const { loadTls } = await import('./tls-files.ts');
  try {
    return loadTls(sources, env);
  } catch (error) {
    throw new Error(`failed to setup TLS config: ${messageOf(error)}`);
  }
}

/** A wrong value here is not passed over, even where a flag gives another: the user believes it is in force. */
function checkEnvironment(env: Environment): void {
  for (const name of ['VAULT_SKIP_VERIFY', 'VAULT_DISABLE_REDIRECTS']) {
    const text = readVariable(env, name);
    if (text === '') continue;
    try {
      parseBool(text);
    } catch {
      throw new Error(`failed to read environment: could not parse ${name}`);
    }
  }
  if (!isRateLimit(readVariable(env, 'VAULT_RATE_LIMIT')))
    throw new Error('failed to read environment: VAULT_RATE_LIMIT was provided but incorrectly formatted');
  const authority = readVariable(env, 'VAULT_CACERT') === '' ? readVariable(env, 'VAULT_CACERT_BYTES') : '';
  if (authority !== '' && !authority.includes(CERTIFICATE))
    throw new Error("failed to read environment: Error appending CA: Couldn't parse PEM");
}

/** Requests a second, and behind a colon how many at once. One command asks for too little to be held back, so it is only checked. */
function isRateLimit(text: string): boolean {
  return text === '' || /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?::[+-]?\d.*)?$/.test(text);
}

function timeout(env: Environment): number {
  const text = readVariable(env, 'VAULT_CLIENT_TIMEOUT');
  if (text === '') return CLI_TIMEOUT_MS;
  try {
    const ms = Number(parseDuration(text) / 1_000_000n);
    return ms > 0 ? Math.min(ms, 2 ** 31 - 1) : CLI_TIMEOUT_MS;
  } catch {
    throw new Error('failed to read environment: could not parse "VAULT_CLIENT_TIMEOUT"');
  }
}

/** The library retries twice, the command line not at all unless the variable says so: a script sees at once what is wrong. */
function retries(env: Environment): number {
  const text = readVariable(env, 'VAULT_MAX_RETRIES');
  if (text === '') return 0;
  if (!/^-?\d+$/.test(text)) {
    throw new Error(`failed to read environment: strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  }
  return Math.max(0, Number(text));
}

/** Vault's canonical form ends with a slash and starts with none; the root namespace is empty. */
function canonicalNamespace(text: string): string {
  if (text === NOT_SET) return '';
  const path = text.replace(/^\/+/, '');
  if (path === '' || path === 'root' || path === 'root/') return '';
  return path.endsWith('/') ? path : `${path}/`;
}

function allowedHeaders(headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const forbidden = [...headers.keys()].filter((name) => name.toLowerCase().startsWith('x-vault-'));
  if (forbidden.length > 0) {
    throw new Error(
      `failed to setup Headers[${forbidden.join(', ')}]: Header starting by 'X-Vault-' are for internal usage only`,
    );
  }
  return headers;
}

function namesProxy(env: Environment): boolean {
  const usual = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'].some((name) => env[name]);
  return (
    usual || readVariable(env, 'VAULT_PROXY_ADDR') !== '' || readVariable(env, 'VAULT_HTTP_PROXY') !== ''
  );
}
