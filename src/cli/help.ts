/**
 * Usage texts: of the whole program, of a group, of one command with its flags.
 *
 * @module
 */
import type { Writable } from 'node:stream';
import { COMMANDS, loadCommand } from './command-table.ts';
import type { Flag, FlagTable } from './flags.ts';
import { httpFlags, outputFlags } from './global-flags.ts';
import { wrapPadded } from './go-text.ts';
import { GROUP_ABOUT } from './group-help.ts';

const COMMON = ['read', 'write', 'delete', 'list', 'login', 'server', 'status', 'unwrap'];

/** Prints what there is. @returns `code`. */
export function printOverview(program: string, out: Writable, code: number): number {
  const top = Object.keys(COMMANDS).filter((path) => !path.includes(' '));
  const others = top.filter((path) => !COMMON.includes(path) && path !== 'version');
  const lines = [
    `Usage: ${program} <command> [args]`,
    '',
    'Common commands:',
    ...synopses(COMMON.map((path) => [path, path])),
    '',
    'Other commands:',
    ...synopses(others.map((path) => [path, path])),
  ];
  out.write(`${lines.join('\n')}\n`);
  return code;
}

/** Prints how to use the command or group at `path`. @returns `code`. */
export async function printHelp(program: string, path: string, out: Writable, code: number): Promise<number> {
  out.write(`${await helpText(program, path)}\n`);
  return code;
}

export async function printMisplacedFlags(program: string, path: string, out: Writable): Promise<number> {
  out.write(
    'Invalid flags before the subcommand. If these flags are for\nthe subcommand, please put them after the subcommand.\n\n',
  );
  return printHelp(program, path, out, 1);
}

async function helpText(program: string, path: string): Promise<string> {
  const command = await loadCommand(path);
  const usage = command?.usage ?? `${path} <subcommand> [options] [args]`;
  const about = command?.about ?? GROUP_ABOUT[path] ?? '';
  const parts = [`Usage: ${program} ${usage}`, indented(about.replaceAll('$ vault ', `$ ${program} `))];
  if (command) parts.push(...flagSections(command.flags, outputFlags(command.output)));
  const children = Object.keys(COMMANDS)
    .filter((other) => other.startsWith(`${path} `) && !other.slice(path.length + 1).includes(' '))
    .map((other): [string, string] => [other.slice(path.length + 1), other]);
  if (children.length > 0) parts.push(['Subcommands:', ...synopses(children)].join('\n'));
  return parts.filter((part) => part !== '').join('\n\n');
}

function synopses(names: [shown: string, path: string][]): string[] {
  const width = Math.max(...names.map(([shown]) => shown.length));
  return names.map(([shown, path]) => `    ${shown.padEnd(width)}    ${COMMANDS[path]?.synopsis}`);
}

function indented(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}

/** The flags of a command, grouped as Vault does; those it shares with all others come first. */
export function flagSections(own: FlagTable, output: FlagTable = {}, http: FlagTable = httpFlags): string[] {
  return [
    section('HTTP Options', http),
    section('Output Options', output),
    section('Command Options', own),
  ].filter((text) => text !== '');
}

function section(title: string, flags: FlagTable): string {
  const shown = Object.entries(flags).filter(([, flag]) => !flag.hidden);
  if (shown.length === 0) return '';
  shown.sort(([a], [b]) => (a < b ? -1 : 1));
  return [`${title}:`, ...shown.map(([name, flag]) => flagText(name, flag))].join('\n\n');
}

function flagText(name: string, flag: Flag<unknown>): string {
  const head = flag.example === '' ? `  -${name}` : `  -${name}=<${flag.example}>`;
  const more = [flag.usage];
  if (flag.aliases?.length) more.push(`Also ${flag.aliases.map((alias) => `-${alias}`).join(', ')}.`);
  if (typeof flag.absent === 'string' && !['', '(not set)'].includes(flag.absent))
    more.push(`Default: ${flag.absent}.`);
  if (flag.absent === true || (typeof flag.absent === 'number' && flag.absent > 0))
    more.push(`Default: ${flag.absent}.`);
  if (flag.env) more.push(`Environment: ${flag.env}.`);
  return `${head}\n${wrapPadded(more.join(' '), 6)}`;
}
