/**
 * Flags of `server`, as Vault has them: one dash or two, `-flag=value` or `-flag value`, booleans without a value.
 *
 * @module
 */
import { NO_LOG_ROTATION } from './config/no-log-rotation.ts';
import { NODES_MAX } from './model/limits.ts';

export interface ServerFlags {
  readonly config: readonly string[];
  readonly dev: boolean;
  readonly devRootTokenId: string | undefined;
  readonly devListenAddress: string | undefined;
  readonly devTls: boolean;
  readonly devTlsCertDir: string | undefined;
  readonly devTlsSan: readonly string[];
  readonly devNoStoreToken: boolean;
  /** Of the key-value engine at `secret/`; undefined: none is mounted. */
  readonly devKvVersion: '1' | '2' | undefined;
  readonly devData: string | undefined;
  /** How many nodes, each a process of its own; undefined: one, this process. */
  readonly nodes: number | undefined;
  readonly logLevel: string | undefined;
  readonly logFormat: string | undefined;
  readonly logFile: string | undefined;
  readonly help: boolean;
  /** Sentences for the operator, about flags that do nothing. */
  readonly warnings: readonly string[];
}

const VALUES = [
  'config',
  'dev-root-token-id',
  'dev-listen-address',
  'dev-tls-cert-dir',
  'dev-tls-san',
  'dev-data',
  'nodes',
  'log-level',
  'log-format',
  'log-file',
  'log-rotate-bytes',
  'log-rotate-duration',
  'log-rotate-max-files',
] as const;
/** Vault's flags that do nothing here, with the reason that their configuration keys give. */
const UNHEEDED: Partial<Record<ValueFlag, string>> = {
  'log-rotate-bytes': NO_LOG_ROTATION,
  'log-rotate-duration': NO_LOG_ROTATION,
  'log-rotate-max-files': NO_LOG_ROTATION,
};
const SWITCHES = [
  'dev',
  'dev-tls',
  'dev-no-store-token',
  'dev-kv-v1',
  'dev-no-kv',
  'help',
  'h',
  'exit-on-core-shutdown',
] as const;
const IMPLY_DEV = ['dev', 'dev-tls', 'dev-kv-v1', 'dev-no-kv'] as const;
type ValueFlag = (typeof VALUES)[number];
type Switch = (typeof SWITCHES)[number];

/** @throws Error with one sentence naming the flag. */
export function parseServerFlags(args: readonly string[], env: NodeJS.ProcessEnv): ServerFlags {
  const values = new Map<ValueFlag, string[]>();
  const switches = new Map<Switch, boolean>();
  const program = env.COFFER_ARGV0 === 'vault' ? 'vault' : 'coffer';
  for (let at = 0; at < args.length; at++) {
    const match = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(args[at]!);
    if (!match)
      throw new Error(
        `unexpected argument "${args[at]}": server takes only flags (see ${program} server -help)`,
      );
    const [, name, given] = match as unknown as [string, string, string | undefined];
    if ((VALUES as readonly string[]).includes(name)) {
      const value = given ?? args[++at];
      if (value === undefined) throw new Error(`flag needs an argument: -${name}`);
      values.set(name as ValueFlag, [...(values.get(name as ValueFlag) ?? []), value]);
    } else if ((SWITCHES as readonly string[]).includes(name)) {
      if (given !== undefined && !/^(1|t|true|0|f|false)$/i.test(given)) {
        throw new Error(`invalid boolean value "${given}" for -${name}`);
      }
      switches.set(name as Switch, given === undefined || /^(1|t|true)$/i.test(given));
    } else {
      throw new Error(`flag provided but not defined: -${name} (see ${program} server -help)`);
    }
  }
  const last = (name: ValueFlag) => values.get(name)?.at(-1);
  const on = (name: Switch) => switches.get(name) ?? false;
  const devRootTokenId = last('dev-root-token-id') ?? env.VAULT_DEV_ROOT_TOKEN_ID;
  return {
    config: values.get('config') ?? [],
    // As in Vault, whose other -dev-… flags start no dev mode.
    dev: IMPLY_DEV.some(on) || last('dev-data') !== undefined,
    devRootTokenId: devRootTokenId === '' ? undefined : devRootTokenId,
    devListenAddress: last('dev-listen-address') ?? env.VAULT_DEV_LISTEN_ADDRESS,
    devTls: on('dev-tls'),
    devTlsCertDir: last('dev-tls-cert-dir'),
    devTlsSan: values.get('dev-tls-san') ?? [],
    devNoStoreToken: on('dev-no-store-token'),
    devKvVersion: on('dev-no-kv') ? undefined : on('dev-kv-v1') ? '1' : '2',
    devData: last('dev-data'),
    nodes: nodesOf(last('nodes')),
    logLevel: last('log-level') ?? env.VAULT_LOG_LEVEL,
    logFormat: last('log-format') ?? env.VAULT_LOG_FORMAT,
    logFile: last('log-file'),
    help: on('help') || on('h'),
    warnings: [...values.keys()]
      .filter((name) => UNHEEDED[name] !== undefined)
      .map((name) => `-${name} has no effect: ${UNHEEDED[name]}`),
  };
}

/** @throws Error */
function nodesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= NODES_MAX) return count;
  throw new Error(`invalid value "${text}" for -nodes: expected a number from 1 to ${NODES_MAX}`);
}

export const SERVER_HELP = `Usage: coffer server [options]

  Starts a server. Without -dev it needs a configuration file:

      $ coffer server -config=/etc/coffer/config.hcl

  For a first look, unsealed, with a key-value engine at secret/:

      $ coffer server -dev

Options:

  -config=<path>               Configuration file, or a folder of .hcl and .json files. May be given several times.
  -nodes=<number>              So many nodes, each a process of its own, which share addresses and store: for as many cores.
  -log-level=<level>           trace, debug, info, warn or error.
  -log-format=<format>         standard or json.
  -log-file=<path>             Where the log goes instead of standard error.

Dev mode:

  -dev                         Starts unsealed; everything is lost when it stops.
  -dev-data=<folder>           Keeps data, unseal key and root token in this folder; a later start unseals itself.
  -dev-root-token-id=<token>   The root token. VAULT_DEV_ROOT_TOKEN_ID
  -dev-listen-address=<addr>   Where it listens; 127.0.0.1:8200. VAULT_DEV_LISTEN_ADDRESS
  -dev-tls                     Serves HTTPS with certificates made at start.
  -dev-tls-cert-dir=<folder>   Where these certificates go.
  -dev-tls-san=<name>          One more name in the certificate. May be given several times.
  -dev-no-store-token          Does not write the root token into the token helper.
  -dev-kv-v1                   Mounts version 1 of the key-value engine at secret/.
  -dev-no-kv                   Mounts nothing at secret/.

  -dev-tls, -dev-data, -dev-kv-v1 and -dev-no-kv start dev mode also without -dev. With -config too, what the files say counts,
  and their listeners are added.
`;
