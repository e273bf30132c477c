/**
 * `operator key-status` and `operator rotate`: the key that encrypts what is stored.
 *
 * @module
 */
import { type JsonMap, JsonNumber } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { describing } from '../failure.ts';
import { display } from '../go-text.ts';
import { type Printer, printData } from '../output.ts';
import { ask } from '../secret-requests.ts';
import { columns } from '../table.ts';

export const operatorKeyStatus = command({
  usage: 'operator key-status [options]',
  about: `
Shows the encryption key in use: its term, since when, and how much it has encrypted.

    $ vault operator key-status`,
  output: { format: true },
  async run({ args, client: connect, printer }) {
    expectArguments(args, 0);
    return printKeyStatus(printer, await keyStatus(await connect()), '');
  },
});

export const operatorRotate = command({
  usage: 'operator rotate [options]',
  about: `
Makes a new encryption key for what is written from now on. What was written before stays readable.

    $ vault operator rotate`,
  output: { format: true },
  async run({ args, client: connect, printer }) {
    expectArguments(args, 0);
    const client = await connect();
    await describing('Error rotating key', client.request({ method: 'POST', path: 'sys/rotate' }));
    return printKeyStatus(printer, await keyStatus(client), 'Success! Rotated key\n\n');
  },
});

function keyStatus(client: Client): Promise<JsonMap> {
  const asking = ask(client, { method: 'GET', path: 'sys/key-status' }).then((secret) => {
    if (!secret?.data) throw new Error('data from server response is empty');
    for (const name of ['term', 'install_time']) {
      if (!secret.data.has(name)) throw new Error(`${name} not found in response`);
    }
    return secret.data;
  });
  return describing('Error reading key status', asking);
}

async function printKeyStatus(printer: Printer, status: JsonMap, before: string): Promise<number> {
  const text = (name: string) => display(status.get(name) ?? '0');
  if (printer.format !== 'table') {
    const encryptions = status.get('encryptions') ?? new JsonNumber('0');
    return printData(printer, {
      term: status.get('term'),
      install_time: status.get('install_time'),
      encryptions,
    });
  }
  const rows = [
    ['Key Term', text('term')],
    ['Install Time', shortTime(text('install_time'))],
    ['Encryption Count', text('encryptions')],
  ];
  printer.terminal.output(before + columns(rows));
  return 0;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Go's RFC822 form, in UTC: `02 Jan 26 15:04 UTC`. */
function shortTime(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${two(time.getUTCDate())} ${MONTHS[time.getUTCMonth()]} ${two(time.getUTCFullYear() % 100)}`;
  return `${date} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())} UTC`;
}
