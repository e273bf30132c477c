/**
 * `audit enable`, `audit disable`, `audit list`.
 *
 * @module
 */
import type { Encodable, JsonMap } from '../../model/json.ts';
import { command, expectArguments } from '../command.ts';
import { describing, localFailure } from '../failure.ts';
import { boolFlag, type FlagTable, stringFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { compareBytes, display } from '../go-text.ts';
import { asTexts, parseKeyValues, stdinReader } from '../key-values.ts';
import { printData } from '../output.ts';
import { sanitizePath, withTrailingSlash } from '../paths.ts';
import { asMap } from '../secret.ts';
import { ask } from '../secret-requests.ts';
import { table } from '../table.ts';

const enableFlags = {
  description: stringFlag('What this device is for.'),
  path: stringFlag('Where to mount. Without it, the type is the path.'),
  local: boolFlag('Keep the device on this cluster: it is not replicated.'),
} satisfies FlagTable;

export const auditEnable = command({
  usage: 'audit enable [options] TYPE [CONFIG K=V...]',
  about: `
Enables an audit device. What K=V pairs it takes is up to its type.

    $ vault audit enable file file_path=/var/log/audit.log`,
  flags: enableFlags,
  async run(run) {
    const { args, flags, terminal } = run;
    if (args.length < 1) {
      throw localFailure(
        "Error enabling audit device: audit type missing. Valid types include 'file', 'socket' and 'syslog'.",
      );
    }
    const type = (args[0] as string).trim();
    const path = withTrailingSlash(flags.path || type);
    const stdin = stdinReader(terminal.streams.stdin, flags['non-interactive']);
    const options = asTexts(await parseKeyValues(args.slice(1), stdin), 'Failed to parse K=V data');
    const client = await run.client();
    const body = encodeJson({ type, description: flags.description, options, local: flags.local });
    await describing(
      'Error enabling audit device',
      client.request({ method: 'PUT', path: `sys/audit/${path}`, body }),
    );
    terminal.output(`Success! Enabled the ${type} audit device at: ${path}`);
    return 0;
  },
});

export const auditDisable = command({
  usage: 'audit disable [options] PATH',
  about: `
Disables the audit device at PATH. Its key goes too: what it hashed can no longer be compared.

    $ vault audit disable file/`,
  async run({ args, client: connect, terminal }) {
    expectArguments(args, 1);
    const path = withTrailingSlash(sanitizePath(args[0] as string));
    const client = await connect();
    await describing(
      'Error disabling audit device',
      client.request({ method: 'DELETE', path: `sys/audit/${path}` }),
    );
    terminal.output(`Success! Disabled audit device (if it was enabled) at: ${path}`);
    return 0;
  },
});

export const auditList = command({
  usage: 'audit list [options]',
  about: `
Lists the enabled audit devices. The exit code is 2 where there is none.

    $ vault audit list -detailed`,
  flags: { detailed: boolFlag('Print options and replication too.') },
  output: { format: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, 0);
    const client = await connect();
    const secret = await describing(
      'Error listing audits',
      ask(client, { method: 'GET', path: 'sys/audit' }),
    );
    const devices = [...(secret?.data ?? [])]
      .map(([name, value]): [string, JsonMap] => [name, asMap(value) ?? new Map()])
      .sort(([a], [b]) => compareBytes(a, b));
    if (printer.format !== 'table') {
      return printData(printer, new Map(devices.map(([name, device]) => [name, deviceStruct(device)])));
    }
    if (devices.length === 0) {
      terminal.output('No audit devices are enabled.');
      return 2;
    }
    const header = ['Path', 'Type', 'Description', ...(flags.detailed ? ['Replication', 'Options'] : [])];
    const rows = devices.map(([name, device]) => {
      const text = (member: string) => display(device.get(member) ?? '');
      const simple = [flags.detailed ? name : text('path'), text('type'), text('description')];
      return flags.detailed ? [...simple, replication(device), options(device)] : simple;
    });
    terminal.output(table([header, ...rows]));
    return 0;
  },
});

function replication(device: JsonMap): string {
  return device.get('local') === true ? 'local' : 'replicated';
}

function options(device: JsonMap): string {
  const all = [...(asMap(device.get('options')) ?? [])].sort(([a], [b]) => compareBytes(a, b));
  return all.map(([key, value]) => `${key}=${display(value)}`).join(' ');
}

/** In the order of Vault's struct. */
function deviceStruct(device: JsonMap): Encodable {
  return {
    type: device.get('type') ?? '',
    description: device.get('description') ?? '',
    options: device.get('options') ?? null,
    local: device.get('local') ?? false,
    path: device.get('path') ?? '',
  };
}
