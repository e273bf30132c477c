/**
 * What a command line can go on with: commands, flags, values of flags, names on the server.
 *
 * @module
 */
import { COMPLETION_WAIT_MS } from '../../model/limits.ts';
import type { Client } from '../client.ts';
import type { Command } from '../command.ts';
import { COMMANDS, loadCommand } from '../command-table.ts';
import { type Environment, readVariable } from '../environment.ts';
import { type Flag, type FlagTable, parseFlags } from '../flags.ts';
import { httpFlags, outputFlags } from '../global-flags.ts';
import { apiPaths, kvPaths, listed, mountPaths } from './server-names.ts';
import type { Line } from './words.ts';

export interface Candidate {
  readonly text: string;
  /** What it is; ''. */
  readonly about: string;
  /** Nothing follows it in the same word. */
  readonly isWhole: boolean;
}

/** In no order; those that do not begin with `line.current` are left out. Never throws. */
export async function candidatesFor(line: Line, program: string, env: Environment): Promise<Candidate[]> {
  const found = await allFor(line, program, env).catch(() => []);
  // What a terminal would take for more than text is not offered.
  return found.filter(({ text }) => text.startsWith(line.current) && !/\p{Cc}/u.test(text));
}

async function allFor({ words, current }: Line, program: string, env: Environment): Promise<Candidate[]> {
  const args = words.slice(1);
  let path = '';
  let count = 0;
  for (const word of args) {
    const longer = path === '' ? word : `${path} ${word}`;
    if (!Object.hasOwn(COMMANDS, longer)) break;
    path = longer;
    count++;
  }
  const rest = args.slice(count);
  const command = await loadCommand(path);
  if (!command || (rest.length === 0 && !current.startsWith('-'))) {
    const names = rest.length === 0 ? subcommands(path) : [];
    if (!command) return path === 'server' ? serverFlags() : names;
    if (names.length > 0) return names;
  }
  return ofCommand({ command: command as Command, path, rest, current, program, env });
}

function subcommands(path: string): Candidate[] {
  const before = path === '' ? '' : `${path} `;
  return Object.entries(COMMANDS)
    .filter(([name]) => name.startsWith(before) && !name.slice(before.length).includes(' ') && name !== path)
    .map(([name, { synopsis }]) => ({ text: name.slice(before.length), about: synopsis, isWhole: true }));
}

async function serverFlags(): Promise<Candidate[]> {
  const { SERVER_HELP } = await import('../../server-flags.ts');
  return [...SERVER_HELP.matchAll(/^ {2,6}(-[a-z][a-z-]*)(=?)/gm)].map(([, name, value]) => ({
    text: `${name}${value}`,
    about: '',
    isWhole: value === '',
  }));
}

interface Asked {
  readonly command: Command;
  readonly path: string;
  /** After the command's name. */
  readonly rest: readonly string[];
  readonly current: string;
  readonly program: string;
  readonly env: Environment;
}

async function ofCommand(asked: Asked): Promise<Candidate[]> {
  const { command, rest, current, env } = asked;
  const table: FlagTable = { ...httpFlags, ...outputFlags(command.output), ...command.flags };
  const parsed = parseFlags(table, rest, env);
  const waiting = /^flag needs an argument: -(.*)$/.exec(parsed.fault ?? '')?.[1];
  if (parsed.fault !== undefined && waiting === undefined) return [];
  if (waiting !== undefined) return values(waiting, '', asked, parsed.values);
  const args = parsed.rest;
  if (args.length === 0 && current.startsWith('-')) {
    const [, dashes, name, given] = /^(--?)([\w-]*)(=.*)?$/s.exec(current) ?? [];
    if (given !== undefined) return values(name!, `${dashes}${name}=`, asked, parsed.values);
    return Object.entries(table)
      .filter(([, flag]) => !flag.hidden)
      .map(([flag, { boolean, usage }]) => ({
        text: `${dashes ?? '-'}${flag}${boolean ? '' : '='}`,
        about: firstSentence(usage),
        isWhole: boolean,
      }));
  }
  const names = await argumentNames(asked, args, parsed.values);
  return names.map(asName);
}

function firstSentence(text: string): string {
  return text.split(/[.:;] /)[0]!.replace(/\.$/, '');
}

function asName(text: string): Candidate {
  return { text, about: '', isWhole: !text.endsWith('/') };
}

/** @param before - of the word, up to the value. */
async function values(flag: string, before: string, asked: Asked, given: Given): Promise<Candidate[]> {
  const all =
    flag === 'format'
      ? ['table', 'json', 'yaml', 'pretty', ...(asked.command.output.raw ? ['raw'] : [])]
      : flag === 'mount'
        ? await fromServer(asked, given, (client) => mountPaths(client, 'kv'))
        : [];
  return all.map((text) => ({ text: before + text.replace(/\/$/, ''), about: '', isWhole: true }));
}

type Given = Record<string, Flag<unknown>['absent']>;

/** Names for the argument at the cursor: of what most commands take, the first. */
async function argumentNames(asked: Asked, args: readonly string[], given: Given): Promise<string[]> {
  const { path, current } = asked;
  const ask = (names: (client: Client) => Promise<string[]>) => fromServer(asked, given, names);
  const [group, action = ''] = path.split(' ');
  if (path === 'policy explain') {
    const methods = ['DELETE', 'GET', 'HEAD', 'LIST', 'PATCH', 'POST', 'PUT'];
    return methods.includes(args.at(-1)?.toUpperCase() ?? '')
      ? ask((client) => apiPaths(client, current))
      : methods;
  }
  if (path === 'completion') return args.length === 0 ? ['bash', 'fish', 'zsh'] : [];
  if (args.length > 0) return [];
  if (group === 'kv' && action !== 'enable-versioning')
    return ask((client) => kvPaths(client, String(given.mount ?? ''), current));
  if (['read', 'write', 'list', 'delete', 'patch', 'path-help'].includes(path))
    return ask((client) => apiPaths(client, current));
  if (path === 'token capabilities') return ask((client) => apiPaths(client, current));
  if (group === 'policy' && ['read', 'write', 'delete'].includes(action))
    return ask((client) => listed(client, 'sys/policies/acl'));
  if (
    ['disable', 'move', 'tune', 'enable-versioning'].includes(action) &&
    (group === 'secrets' || group === 'kv')
  )
    return ask((client) => mountPaths(client, 'secret'));
  if (group === 'auth' && ['disable', 'move', 'tune'].includes(action))
    return ask((client) => mountPaths(client, 'auth'));
  return [];
}

/** Where the environment or the line says which server, and there is a token: nobody's else is asked by a key that was pressed. */
async function fromServer(
  { program, env }: Asked,
  given: Given,
  names: (client: Client) => Promise<string[]>,
): Promise<string[]> {
  const address = String(given.address ?? '');
  if (readVariable(env, 'VAULT_ADDR') === '' && address === httpFlags.address.absent) return [];
  const [{ makeClient }, { chooseTokenHelper }] = await Promise.all([
    import('../settings.ts'),
    import('../token-helper.ts'),
  ]);
  const made = await makeClient(program, given as Parameters<typeof makeClient>[1], env, 'send');
  const token = made.token === '' ? await chooseTokenHelper(env).get() : made.token;
  if (token === '') return [];
  // Who says how long a client waits has their reasons.
  const isSaid = readVariable(env, 'VAULT_CLIENT_TIMEOUT') !== '';
  const timeoutMs = isSaid ? made.settings.timeoutMs : COMPLETION_WAIT_MS;
  const client = made.with({ token, timeoutMs, retriesMax: 0, wrapTtl: '' });
  return names(client);
}
