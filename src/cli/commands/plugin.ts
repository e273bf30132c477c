/**
 * `plugin list` and `plugin info`.
 *
 * @module
 */
import type { Json, JsonMap } from '../../model/json.ts';
import { command } from '../command.ts';
import { describing, localFailure, remoteFailure } from '../failure.ts';
import { stringFlag } from '../flags.ts';
import { display } from '../go-text.ts';
import { printData } from '../output.ts';
import { asMap } from '../secret.ts';
import { readSecret } from '../secret-requests.ts';
import { table } from '../table.ts';

const TYPES = ['auth', 'database', 'secret'];

export const pluginList = command({
  usage: 'plugin list [options] [TYPE]',
  about: `
Lists the plugins: those that are built in. TYPE is auth, database or secret.

    $ vault plugin list
    $ vault plugin list -detailed secret`,
  output: { format: true, detailed: true },
  async run({ args, client: connect, printer, terminal }) {
    oneOrTwo(args, 0, '0 or 1');
    const type = args[0] === undefined ? undefined : typeGiven(args[0]);
    const client = await connect();
    const secret = await describing(
      'Error listing available plugins',
      readSecret(client, 'sys/plugins/catalog'),
    );
    if (!secret?.data) throw remoteFailure('No response from server when listing plugins');
    const listed = secret.data.get('detailed');
    const details = (Array.isArray(listed) ? listed : [])
      .map((entry: Json): JsonMap => asMap(entry) ?? new Map())
      .filter((entry) => type === undefined || entry.get('type') === type);
    if (printer.format !== 'table') {
      const byType = TYPES.filter((one) => type === undefined || one === type).map(
        (one) => [one, secret.data?.get(one) ?? []] as const,
      );
      return printData(printer, new Map<string, Json>([...byType, ['details', details]]));
    }
    const columns = printer.detailed
      ? { Name: 'name', Type: 'type', Version: 'version', 'Deprecation Status': 'deprecation_status' }
      : { Name: 'name', ...(type === undefined && { Type: 'type' }), Version: 'version' };
    const rows = details.map((entry) => Object.values(columns).map((name) => display(entry.get(name) ?? '')));
    terminal.output(table([Object.keys(columns), ...rows]));
    return 0;
  },
});

export const pluginInfo = command({
  usage: 'plugin info [options] [TYPE] NAME',
  about: `
Shows a plugin. TYPE is auth, database or secret.

    $ vault plugin info secret kv`,
  flags: { version: stringFlag('Which version of it.') },
  output: { format: true },
  async run({ args, flags, client: connect, printer }) {
    oneOrTwo(args, 1, '1 or 2');
    // Without a type the server is asked as in Vault, whose older versions knew plugins by name alone.
    const type = args.length === 2 ? `${typeGiven(args[0] as string)}/` : '';
    const name = (args.at(-1) as string).trim();
    const client = await connect();
    const query = new Map(flags.version === '' ? [] : [['version', [flags.version]]]);
    const secret = await describing(
      `Error reading plugin named ${name}`,
      readSecret(client, `sys/plugins/catalog/${type}${name}`, query),
    );
    if (!secret?.data) throw remoteFailure(`No value found for plugin "${name}"`);
    return printData(printer, secret.data);
  },
});

/** @throws CommandFailure in Vault's words, unless there are `min` arguments or one more. */
function oneOrTwo(args: readonly string[], min: number, expected: string): void {
  if (args.length >= min && args.length <= min + 1) return;
  const many = args.length < min ? 'Not enough' : 'Too many';
  throw localFailure(`${many} arguments (expected ${expected}, got ${args.length})`);
}

function typeGiven(given: string): string {
  const type = given.trim();
  if (!TYPES.includes(type))
    throw remoteFailure(`Error parsing type: "${type}" is not a supported plugin type`);
  return type;
}
