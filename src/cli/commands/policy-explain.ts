/**
 * `policy explain`.
 *
 * @module
 */
import type { Encodable, Json, JsonMap } from '../../model/json.ts';
import { command, expectArguments } from '../command.ts';
import { describing, localFailure, REMOTE } from '../failure.ts';
import { boolFlag, durationFlag, type FlagTable, mapFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { printData } from '../output.ts';
import { asMap, asText, asTexts } from '../secret.ts';
import { ask } from '../secret-requests.ts';
import { table } from '../table.ts';

const METHODS = ['GET', 'HEAD', 'LIST', 'POST', 'PUT', 'PATCH', 'DELETE'];
const SECOND_NS = 1_000_000_000n;

const flags = {
  accessor: boolFlag('The first argument is an accessor.'),
  parameter: mapFlag('A field that the request would have, as key=value. May be given many times.'),
  'answer-wrap-ttl': durationFlag('TTL of the wrapping that the request would ask for.'),
} satisfies FlagTable;

export const policyExplain = command({
  usage: 'policy explain [options] [TOKEN | ACCESSOR] METHOD PATH',
  about: `
Explains why a request of a token would be let pass or not: which rule of which policy decides, which others
match, and which rule would be needed. Without TOKEN it is about the token in use; about others asks who has
sudo on sys/internal/policy-explain. Nothing is requested at PATH itself.

The exit code is 0 where the request would be let pass, 2 where not.

    $ vault policy explain GET secret/data/hello
    $ vault policy explain hvs.CAES… POST secret/data/hello
    $ vault policy explain -accessor p0Ya… LIST secret/metadata/
    $ vault policy explain -parameter=ttl=1h POST auth/token/create`,
  flags,
  output: { format: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, flags.accessor ? 3 : 2, 3);
    const [path, method] = [args.at(-1) as string, (args.at(-2) as string).toUpperCase()];
    if (!METHODS.includes(method)) throw localFailure(`METHOD must be one of ${METHODS.join(', ')}`);
    const client = await connect();
    const token = args.length === 3 ? (args[0] as string) : client.token;
    const isOther = flags.accessor || token !== client.token;
    const ttl = flags['answer-wrap-ttl'] / SECOND_NS;
    const body: Encodable = {
      ...(isOther ? { [flags.accessor ? 'accessor' : 'token']: token } : {}),
      method,
      path,
      parameters: flags.parameter,
      wrap_ttl: ttl === 0n ? undefined : String(ttl),
    };
    const call = { method: 'POST', path: `sys/internal/policy-explain${isOther ? '' : '-self'}` } as const;
    const secret = await describing('Error explaining', ask(client, { ...call, body: encodeJson(body) }));
    const data = secret?.data;
    if (!data) throw localFailure('The server did not explain it');
    if (printer.format === 'table') terminal.output(lines(data, method).join('\n'));
    else await printData(printer, data);
    return data.get('allowed') === true ? 0 : REMOTE;
  },
});

function lines(data: JsonMap, method: string): string[] {
  const rows: string[][] = [
    ['Allowed', data.get('allowed') === true ? 'yes' : 'no'],
    ['Because', asText(data.get('because'))],
    ['Request', `${method} ${asText(data.get('path'))}`],
  ];
  const wanted = asTexts(data.get('wanted_capabilities')) ?? [];
  if (wanted.length > 0)
    rows.push(['Needs', wanted.join(' or ') + (data.get('wanted_sudo') === true ? ' and sudo' : '')]);
  const rule = asMap(data.get('rule'));
  if (rule) {
    rows.push(['Rule', ruleText(rule)]);
    for (const block of maps(rule.get('blocks')))
      rows.push([`of ${asText(block.get('policy'))}`, ruleText(block)]);
  }
  for (const other of maps(data.get('passed_over'))) {
    const names = new Set(maps(other.get('blocks')).map((block) => asText(block.get('policy'))));
    rows.push(['Passed over', `${ruleText(other)} of ${[...names].join(', ')}`]);
  }
  for (const dropped of maps(data.get('dropped_rules')))
    rows.push([
      'Without effect',
      `${asText(dropped.get('path'))} of ${asText(dropped.get('policy'))}: ${asText(dropped.get('reason'))}`,
    ]);
  if (data.get('served') === false) rows.push(['Mind', 'nothing answers that method at this path']);
  const needed = asText(data.get('needed_policy'));
  const policy = needed === '' ? [] : ['', 'A rule that would let it pass:', '', needed];
  return [table([['Key', 'Value'], ...rows]), ...policy];
}

function ruleText(rule: JsonMap): string {
  return `${asText(rule.get('path'))} [${(asTexts(rule.get('capabilities')) ?? []).join(', ')}]`;
}

function maps(value: Json | undefined): JsonMap[] {
  return (Array.isArray(value) ? value : []).flatMap((one) => asMap(one) ?? []);
}
