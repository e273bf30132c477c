/**
 * `operator members` and `operator step-down`.
 *
 * @module
 */
import type { Encodable, Json, JsonMap } from '../../model/json.ts';
import { command, expectArguments } from '../command.ts';
import { describing } from '../failure.ts';
import { decodeJson } from '../go-json.ts';
import { display } from '../go-text.ts';
import { printData } from '../output.ts';
import { asMap } from '../secret.ts';
import { table } from '../table.ts';

const HEADER = [
  'Host Name',
  'API Address',
  'Cluster Address',
  'Active Node',
  'Version',
  'Upgrade Version',
  'Redundancy Zone',
  'Last Echo',
];
const MEMBERS = [
  'hostname',
  'api_address',
  'cluster_address',
  'active_node',
  'version',
  'upgrade_version',
  'redundancy_zone',
  'last_echo',
];

export const operatorMembers = command({
  usage: 'operator members [options]',
  about: `
Lists the nodes of the cluster.

    $ vault operator members`,
  output: { format: true },
  async run({ client: connect, printer, terminal }) {
    const client = await connect();
    const reply = await describing('', client.request({ method: 'GET', path: 'sys/ha-status' }));
    const answer = asMap(decodeJson(reply.body.toString('utf8')));
    const listed = answer?.get('nodes') ?? asMap(answer?.get('data'))?.get('nodes');
    const nodes = Array.isArray(listed) ? listed.map((node: Json): JsonMap => asMap(node) ?? new Map()) : [];
    if (printer.format !== 'table') return printData(printer, { Nodes: nodes.map(nodeStruct) });
    terminal.output(
      table([HEADER, ...nodes.map((node) => MEMBERS.map((name) => display(node.get(name) ?? '')))]),
    );
    return 0;
  },
});

function nodeStruct(node: JsonMap): Encodable {
  return {
    hostname: node.get('hostname') ?? '',
    api_address: node.get('api_address') ?? '',
    cluster_address: node.get('cluster_address') ?? '',
    active_node: node.get('active_node') ?? false,
    last_echo: node.get('last_echo') ?? null,
    echo_duration_ms: node.get('echo_duration_ms') ?? 0,
    clock_skew_ms: node.get('clock_skew_ms') ?? 0,
    version: node.get('version') ?? '',
    upgrade_version: node.get('upgrade_version') || undefined,
    redundancy_zone: node.get('redundancy_zone') || undefined,
    replication_primary_canary_age_ms: node.get('replication_primary_canary_age_ms') ?? 0,
  };
}

export const operatorStepDown = command({
  usage: 'operator step-down [options]',
  about: `
Makes the active node give way to another one.

    $ vault operator step-down`,
  async run({ args, flags, client: connect, terminal }) {
    expectArguments(args, 0);
    const client = await connect();
    await describing('Error stepping down', client.request({ method: 'PUT', path: 'sys/step-down' }));
    terminal.output(`Success! Stepped down: ${flags['agent-address'] || flags.address}`);
    return 0;
  },
});
