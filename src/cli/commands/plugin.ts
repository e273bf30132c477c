/**
 * `plugin list` and `plugin info`.
 *
 * @module
 */
import type { Json, JsonMap } from '../../model/json.ts';
import { command, expectArguments } from '../command.ts';
import { describing, remoteFailure } from '../failure.ts';
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
    expectArguments(args, 0, 1);
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
  usage: 'plugin info [options] TYPE NAME',
  about: `
Shows a plugin.

    $ vault plugin info secret kv`,
  output: { format: true },
  async run({ args, client: connect, printer }) {
    expectArguments(args, 2);
    const type = typeGiven(args[0] as string);
    const name = (args[1] as string).trim();
    const client = await connect();
    const secret = await describing(
      `Error reading plugin named ${name}`,
      readSecret(client, `sys/plugins/catalog/${type}/${name}`),
    );
    if (!secret?.data) throw remoteFailure(`No value found for plugin "${name}"`);
    return printData(printer, secret.data);
  },
});

function typeGiven(given: string): string {
  const type = given.trim();
  if (!TYPES.includes(type))
    throw remoteFailure(`Error parsing type: "${type}" is not a supported plugin type`);
  return type;
}
