/**
 * Where the token is kept between commands: a file, or a program that `~/.vault` names.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { quote } from '../model/printable.ts';
import { type Environment, readVariable } from './environment.ts';

export interface TokenHelper {
  /** The stored token, or the empty string. */
  get(): Promise<string>;
  store(token: string): Promise<void>;
}

/** @throws Error where the configuration file cannot be read or makes no sense. */
export function chooseTokenHelper(env: Environment): TokenHelper {
  const program = configuredHelper(env);
  return program === undefined ? fileHelper(tokenPath(env)) : programHelper(resolve(program), env);
}

function tokenPath(env: Environment): string {
  return readVariable(env, 'VAULT_TOKEN_PATH') || join(homeFolder(env), '.vault-token');
}

function homeFolder(env: Environment): string {
  if (!env.HOME) throw new Error('could not expand home directory: HOME is not set');
  return env.HOME;
}

/** The file's owner alone may read it. It is replaced as a whole, so that a crash leaves the old token or the new one. */
function fileHelper(path: string): TokenHelper {
  return {
    async get() {
      return readIfThere(path).trim();
    },
    async store(token) {
      const next = `${path}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        // `wx` refuses a file or a link that somebody else put there first.
        writeFileSync(next, token, { mode: 0o600, flag: 'wx' });
        renameSync(next, path);
      } finally {
        rmSync(next, { force: true });
      }
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The program is run by the shell with `get`, `store` (token on its standard input) or `erase` as its last argument, as Vault does. */
function programHelper(path: string, env: Environment): TokenHelper {
  const call = async (operation: string, input?: string): Promise<string> => {
    const { spawnSync } = await import('node:child_process');
    const shell = env.SHELL || '/bin/sh';
    const script = `${path.replaceAll('\\', '\\\\')} ${operation}`;
    const done = spawnSync(shell, ['-c', script], { input, env: env as NodeJS.ProcessEnv, encoding: 'utf8' });
    if (done.error) throw done.error;
    if (done.status !== 0)
      throw new Error(`${quote(done.stderr)}: exit status ${done.status ?? done.signal}`);
    return done.stdout;
  };
  return {
    get: () => call('get'),
    store: async (token) => void (await call('store', token)),
  };
}

/** `token_helper` of `~/.vault` or the file that VAULT_CONFIG_PATH names; undefined where there is none. */
function configuredHelper(env: Environment): string | undefined {
  const given = readVariable(env, 'VAULT_CONFIG_PATH');
  if (given === '' && !env.HOME) return undefined;
  const path =
    given === '' ? join(homeFolder(env), '.vault') : given.replace(/^~(?=\/|$)/, () => homeFolder(env));
  const text = readIfThere(path);
  try {
    return parseClientConfig(text).get('token_helper') || undefined;
  } catch (error) {
    throw new Error(
      `error parsing config file at ${quote(path)}: ${(error as Error).message}; ensure that the file is valid`,
    );
  }
}

/**
 * Reads the client's configuration: HCL assignments of strings, or a JSON object of strings. Only `token_helper` is known.
 * @throws Error that names the line or the key.
 */
export function parseClientConfig(text: string): Map<string, string> {
  const entries = text.trimStart().startsWith('{') ? jsonEntries(text) : hclEntries(text);
  for (const [key] of entries) {
    if (key !== 'token_helper') throw new Error(`invalid key ${quote(key)}`);
  }
  return new Map(entries);
}

function jsonEntries(text: string): [string, string][] {
  return Object.entries(JSON.parse(text) as Record<string, unknown>).map(([key, value]) => [
    key,
    String(value),
  ]);
}

function hclEntries(text: string): [string, string][] {
  const withoutBlocks = text.replace(/^(\s*)\/\*[\s\S]*?\*\//gm, '$1');
  const entries: [string, string][] = [];
  for (const [i, line] of withoutBlocks.split(/\r?\n/).entries()) {
    if (/^\s*(?:(?:#|\/\/).*)?$/.test(line)) continue;
    const match = /^\s*"?([\w-]+)"?\s*=\s*("(?:[^"\\]|\\.)*")\s*(?:(?:#|\/\/).*)?$/.exec(line);
    if (!match) throw new Error(`line ${i + 1}: expected key = "value"`);
    entries.push([match[1] as string, JSON.parse(match[2] as string) as string]);
  }
  return entries;
}
