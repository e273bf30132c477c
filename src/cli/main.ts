/**
 * The command line client: finds the command, reads its flags, runs it, turns what it throws into an exit code.
 *
 * @module
 */
import type { Client, Describe } from './client.ts';
import type { Command, Run } from './command.ts';
import { findCommand, loadCommand } from './command-table.ts';
import { type Environment, readVariable } from './environment.ts';
import { CommandFailure, messageOf, RequestDescribed, remoteFailure } from './failure.ts';
import { type FlagTable, parseFlags } from './flags.ts';
import { httpFlags, outputFlags } from './global-flags.ts';
import { FORMATS, type Format } from './output.ts';
import { makeTerminal, type Streams, type Terminal } from './terminal.ts';

/** Exit code where there is no such command. */
const UNKNOWN_COMMAND = 127;

/**
 * Runs one command.
 * @param argv - without program and script.
 * @returns the exit code: 0, 1 for local errors, 2 for remote ones, 127 for no such command; `status` has its own.
 */
export async function runCli(argv: string[], env: Environment, streams: Streams): Promise<number> {
  const program = programName(env);
  // A shell asks, whatever the arguments: bash gives words of the line.
  if (env.COMP_LINE)
    return (await import('./completion/complete.ts')).complete(program, argv, env, streams.stdout);
  const globals = scanGlobals(argv, env);
  const complaints: string[] | undefined = globals.describe === 'send' ? undefined : [];
  const terminal = makeTerminal(streams, env, globals.format, complaints);
  if (!(FORMATS as readonly string[]).includes(globals.format)) {
    streams.stderr.write(`Invalid output format: ${globals.format}\n`);
    return 1;
  }
  const version = argv.length === 1 && /^(?:-v|--?version)$/.test(argv[0] as string);
  const installing = argv.length === 1 && /^--?autocomplete-(un)?install$/.exec(argv[0] as string);
  if (installing) return installCompletion(installing[1] === undefined, program, env, terminal);
  const found = findCommand(version ? ['version'] : argv);
  const help = async () => import('./help.ts');
  if (found.help && found.path === '') return (await help()).printOverview(program, streams.stdout, 0);
  if (found.path === undefined) return (await help()).printOverview(program, streams.stderr, UNKNOWN_COMMAND);
  if (found.path === '') return (await help()).printOverview(program, streams.stderr, UNKNOWN_COMMAND);
  if (found.help) return (await help()).printHelp(program, found.path, streams.stdout, 0);
  if (found.flagsBefore) return (await help()).printMisplacedFlags(program, found.path, streams.stderr);
  const command = await loadCommand(found.path);
  if (!command) return (await help()).printHelp(program, found.path, streams.stderr, 1);
  let code: number;
  try {
    code = await runCommand(command, found.args, {
      program,
      env,
      terminal,
      ...globals,
      format: globals.format as Format,
    });
  } catch (error) {
    if (error instanceof RequestDescribed) {
      streams.stdout.write(`${error.text}\n`);
      return 0;
    }
    terminal.error(messageOf(error));
    code = error instanceof CommandFailure ? error.exitCode : 1;
  }
  return complaints ? nothingDescribed(globals.describe, code, complaints, streams) : code;
}

async function installCompletion(
  isWanted: boolean,
  program: string,
  env: Environment,
  terminal: Terminal,
): Promise<number> {
  const [{ install, uninstall }, { programCall }] = await Promise.all([
    import('./completion/install.ts'),
    import('./completion/scripts.ts'),
  ]);
  try {
    return isWanted
      ? install(env, program, programCall(program, env), terminal)
      : uninstall(env, program, terminal);
  } catch (error) {
    terminal.error(messageOf(error));
    return 1;
  }
}

/** Under the name `vault` only names in texts differ. The launcher says which it is. */
export function programName(env: Environment): string {
  return env.COFFER_ARGV0 === 'vault' ? 'vault' : 'coffer';
}

interface Globals {
  format: string;
  detailed: boolean;
  describe: Describe;
}

/** A few flags count wherever they stand: Vault looks for them before it knows the command. */
function scanGlobals(argv: string[], env: Environment): Globals {
  let format = '';
  let detailed: boolean | undefined;
  let describe: Describe = 'send';
  for (const [i, arg] of argv.entries()) {
    if (arg === '--') break;
    const [name, value] = /^--?([\w-]+)(?:=(.*))?$/s.exec(arg)?.slice(1) ?? [];
    if (name === 'format') format = value ?? argv[i + 1] ?? '';
    if (name === 'detailed') detailed = value === undefined || /^(?:1|t|T|true|TRUE|True)$/.test(value);
    if (name === 'output-curl-string' && value === undefined) describe = 'curl';
    if (name === 'output-policy' && value === undefined) describe = 'policy';
  }
  detailed ??= /^(?:1|t|T|true|TRUE|True)$/.test(readVariable(env, 'VAULT_DETAILED'));
  format = (format || readVariable(env, 'VAULT_FORMAT')).toLowerCase() || 'table';
  return { format, detailed, describe };
}

interface Setting extends Globals {
  program: string;
  env: Environment;
  terminal: Terminal;
  format: Format;
}

async function runCommand(command: Command, args: string[], setting: Setting): Promise<number> {
  const { program, env, terminal, format } = setting;
  const flagTable: FlagTable = { ...httpFlags, ...outputFlags(command.output), ...command.flags };
  const parsed = parseFlags(flagTable, command.takesAnything ? [] : args, env);
  warnOfLateFlags(parsed.rest, setting);
  if (parsed.fault !== undefined) throw new CommandFailure(1, parsed.fault);
  if (format === 'raw' && !command.output.raw) {
    throw new CommandFailure(1, 'This command does not support the -format=raw option.');
  }
  const flags = parsed.values as Run['flags'];
  const clientWithoutHelper = async (): Promise<Client> => {
    const { makeClient } = await import('./settings.ts');
    const client = await makeClient(program, flags, env, setting.describe);
    warnOfDefaultAddress(parsed.given, flags, setting);
    return client;
  };
  const client = async (): Promise<Client> => {
    const made = await clientWithoutHelper();
    return made.token === '' ? made.with({ token: await storedToken(env) }) : made;
  };
  const printer = { terminal, format, detailed: setting.detailed };
  return command.run({
    program,
    env,
    flags,
    given: parsed.given,
    args: parsed.rest,
    terminal,
    printer,
    client,
    clientWithoutHelper,
  });
}

async function storedToken(env: Environment): Promise<string> {
  const { chooseTokenHelper } = await import('./token-helper.ts');
  let helper: ReturnType<typeof chooseTokenHelper>;
  try {
    helper = chooseTokenHelper(env);
  } catch (error) {
    throw remoteFailure(`failed to get token helper: ${messageOf(error)}`);
  }
  try {
    return await helper.get();
  } catch (error) {
    throw remoteFailure(`failed to get token from token helper: ${messageOf(error)}`);
  }
}

function warnOfLateFlags(rest: readonly string[], setting: Setting): void {
  const anywhere = ['output-curl-string', 'output-policy', 'format', 'detailed'];
  const late = rest.filter((arg) => arg.startsWith('-') && arg !== '-');
  const ignored = late.filter((arg) => !anywhere.includes(arg.replace(/^-+/, '').split('=')[0] as string));
  if (ignored.length === 0 || setting.format !== 'table') return;
  setting.terminal.warn(
    'Command flags must be provided before positional arguments. ' +
      `The following arguments will not be parsed as flags: [${ignored.join(',')}]`,
  );
}

/** Only to a person: a script that relies on the default has done so for years. */
function warnOfDefaultAddress(given: ReadonlySet<string>, flags: Run['flags'], setting: Setting): void {
  const { terminal, env } = setting;
  if (given.has('address') || flags['agent-address'] !== '' || readVariable(env, 'VAULT_ADDR') !== '') return;
  if (flags['non-interactive'] || !terminal.streams.stdin.isTTY) return;
  terminal.warn(`WARNING! VAULT_ADDR and -address unset. Defaulting to ${flags.address}.`);
}

/** A command was to describe its request but never came to send one. */
function nothingDescribed(describe: Describe, code: number, complaints: string[], streams: Streams): number {
  const curl = describe === 'curl';
  if (code === 0) {
    streams.stderr.write(`Could not generate ${curl ? 'cURL command' : 'policy'}`);
    return 1;
  }
  streams.stderr.write(complaints.join(''));
  streams.stderr.write(
    curl ? 'Unable to generate cURL string from command\n' : 'Unable to generate policy from command\n',
  );
  return code;
}
