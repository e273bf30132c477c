/**
 * `operator usage`: how many clients used the server.
 *
 * @module
 */
import { type JsonMap, JsonNumber } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { describing, localFailure } from '../failure.ts';
import { type FlagTable, stringFlag } from '../flags.ts';
import { display } from '../go-text.ts';
import { printData } from '../output.ts';
import { asMap, secretToJson } from '../secret.ts';
import { readSecret } from '../secret-requests.ts';
import { table } from '../table.ts';

const flags = {
  'start-time': stringFlag('From when on: RFC 3339, YYYY-MM-DD, YYYY-MM, or seconds since 1970.'),
  'end-time': stringFlag('Until when, written likewise.'),
} satisfies FlagTable;

export const operatorUsage = command({
  usage: 'operator usage [options]',
  about: `
Counts the clients of the server, by namespace.

    $ vault operator usage
    $ vault operator usage -start-time=2026-06 -end-time=2026-09`,
  flags,
  output: { format: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, 0);
    const query = new Map<string, string[]>();
    for (const name of ['start', 'end'] as const) {
      const text = flags[`${name}-time`];
      if (text !== '') query.set(`${name}_time`, [timeIn(text)]);
    }
    const client = await connect();
    const secret = await describing(
      'Error retrieving client counts',
      readSecret(client, 'sys/internal/counters/activity', query),
    );
    if (!secret?.data) {
      terminal.warn(
        (await isReportAvailable(client))
          ? 'There is no data for that time.'
          : 'There is no data yet: a report is made after the first month in which clients are counted.',
      );
      return 0;
    }
    if (printer.format !== 'table') return printData(printer, secretToJson(secret));
    const { data } = secret;
    const text = (name: string) => display(data.get(name) ?? '');
    terminal.output(`Period start: ${text('start_time')}\nPeriod end: ${text('end_time')}\n`);
    terminal.output(table([HEADER, ...namespaces(data), ['Total', ...counts(asMap(data.get('total')))]]));
    return 0;
  },
});

const HEADER = [
  'Namespace path',
  'Entity Clients',
  'Non-Entity clients',
  'Secret syncs',
  'ACME clients',
  'Active clients',
];

function namespaces(data: JsonMap): string[][] {
  const list = data.get('by_namespace');
  return (Array.isArray(list) ? list : []).map((one) => {
    const namespace = asMap(one);
    const path = display(namespace?.get('namespace_path') ?? '');
    const id = display(namespace?.get('namespace_id') ?? '');
    const name = path === '' ? (id === 'root' ? '[root]' : `[deleted ${id}]`) : path;
    return [name, ...counts(asMap(namespace?.get('counts')))];
  });
}

function counts(map: JsonMap | null | undefined): string[] {
  const names = ['entity_clients', 'non_entity_clients', 'secret_syncs', 'acme_clients', 'clients'];
  return names.map((name) => display(map?.get(name) ?? new JsonNumber('0')));
}

async function isReportAvailable(client: Client): Promise<boolean> {
  const secret = await readSecret(client, 'sys/internal/counters/config').catch(() => undefined);
  return secret?.data?.get('report_available') === true;
}

/** RFC 3339, in UTC. @throws CommandFailure where it is no time. */
function timeIn(text: string): string {
  const whole = /^\d{4}-\d\d$/.test(text) ? `${text}-01` : text;
  const time = new Date(/^\d{1,12}$/.test(text) ? Number(text) * 1_000 : whole);
  if (Number.isNaN(time.getTime())) throw localFailure(`could not parse ${JSON.stringify(text)} as a time`);
  return time.toISOString().replace('.000Z', 'Z');
}
