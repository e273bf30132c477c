/**
 * What `status`, `operator unseal` and the like print: `sys/seal-status` and `sys/leader` together.
 *
 * @module
 */
import { type Encodable, type Json, type JsonMap, JsonNumber } from '../model/json.ts';
import type { Call, Client } from './client.ts';
import { CommandFailure, LOCAL, messageOf } from './failure.ts';
import { decodeJson } from './go-json.ts';
import { display } from './go-text.ts';
import { type Printer, printData } from './output.ts';
import { table } from './table.ts';

/** Asks `call`, which answers with a bare seal status. */
export async function askSealStatus(
  client: Client,
  call: Call = { method: 'GET', path: 'sys/seal-status' },
): Promise<JsonMap> {
  const status = decodeJson((await client.request(call)).body.toString('utf8'));
  if (!(status instanceof Map)) throw new Error('the answer is no seal status');
  return status;
}

/** A sealed server in a cluster cannot say who leads it, and says that it is sealed. */
async function askLeader(client: Client): Promise<JsonMap> {
  try {
    const leader = decodeJson(
      (await client.request({ method: 'GET', path: 'sys/leader' })).body.toString('utf8'),
    );
    return leader instanceof Map ? leader : new Map();
  } catch (error) {
    if (messageOf(error).includes('Vault is sealed')) return new Map([['ha_enabled', true as Json]]);
    throw new CommandFailure(LOCAL, `Error checking leader status: ${messageOf(error)}`);
  }
}

/** Prints `status` in the printer's format. */
export async function printSealStatus(printer: Printer, client: Client, status: JsonMap): Promise<number> {
  const leader = await askLeader(client);
  if (printer.format !== 'table') return printData(printer, members(status, leader));
  printer.terminal.output(table([['Key', 'Value'], ...rows(status, leader)]));
  return 0;
}

/** The members by name, with `ha_mode` besides, for `-field`. */
export async function sealStatusFields(client: Client, status: JsonMap): Promise<Record<string, Encodable>> {
  const leader = await askLeader(client);
  return { ...members(status, leader), ha_mode: leader.get('is_self') === true ? 'active' : 'standby' };
}

/** Members that are left out where they are empty. */
const OPTIONAL = [
  'cluster_name',
  'cluster_id',
  'recovery_seal_type',
  'storage_type',
  'removed_from_cluster',
  'warnings',
  'is_self',
  'leader_address',
  'leader_cluster_address',
  'performance_standby',
  'performance_standby_last_remote_wal',
  'last_wal',
  'raft_committed_index',
  'raft_applied_index',
];

/** In the order of Vault's struct. */
function members(status: JsonMap, leader: JsonMap): Record<string, Encodable> {
  const number = new JsonNumber('0');
  const all: [string, Json | undefined][] = [
    ['type', status.get('type') ?? ''],
    ['initialized', status.get('initialized') ?? false],
    ['sealed', status.get('sealed') ?? false],
    ['t', status.get('t') ?? number],
    ['n', status.get('n') ?? number],
    ['progress', status.get('progress') ?? number],
    ['nonce', status.get('nonce') ?? ''],
    ['version', status.get('version') ?? ''],
    ['build_date', status.get('build_date') ?? ''],
    ['migration', status.get('migration') ?? false],
    ['cluster_name', status.get('cluster_name')],
    ['cluster_id', status.get('cluster_id')],
    ['recovery_seal', status.get('recovery_seal') ?? false],
    ['recovery_seal_type', status.get('recovery_seal_type')],
    ['storage_type', status.get('storage_type')],
    ['removed_from_cluster', status.get('removed_from_cluster')],
    ['warnings', status.get('warnings')],
    ['ha_enabled', leader.get('ha_enabled') ?? false],
    ['is_self', leader.get('is_self')],
    ['active_time', leader.get('active_time') ?? '0001-01-01T00:00:00Z'],
    ['leader_address', leader.get('leader_address')],
    ['leader_cluster_address', leader.get('leader_cluster_address')],
    ['performance_standby', leader.get('performance_standby')],
    ['performance_standby_last_remote_wal', leader.get('performance_standby_last_remote_wal')],
    ['last_wal', leader.get('last_wal')],
    ['raft_committed_index', leader.get('raft_committed_index')],
    ['raft_applied_index', leader.get('raft_applied_index')],
  ];
  return Object.fromEntries(all.filter(([name, value]) => !OPTIONAL.includes(name) || !isEmpty(value)));
}

function isEmpty(value: Json | undefined): boolean {
  if (value instanceof JsonNumber) return Number(value.text) === 0;
  return value === undefined || value === null || value === '' || value === false;
}

function rows(status: JsonMap, leader: JsonMap): string[][] {
  const has = (name: string) => !isEmpty(status.get(name));
  const get = (name: string) => display(status.get(name) ?? '');
  const recovery = has('recovery_seal');
  const out = [['Seal Type', get('type')]];
  if (recovery) out.push(['Recovery Seal Type', get('recovery_seal_type')]);
  out.push(['Initialized', get('initialized')], ['Sealed', get('sealed')]);
  out.push([`Total ${recovery ? 'Recovery ' : ''}Shares`, get('n')], ['Threshold', get('t')]);
  if (has('sealed'))
    out.push(['Unseal Progress', `${get('progress')}/${get('t')}`], ['Unseal Nonce', get('nonce')]);
  if (has('migration')) out.push(['Seal Migration in Progress', get('migration')]);
  if (has('version')) out.push(['Version', get('version')]);
  if (has('build_date')) out.push(['Build Date', get('build_date')]);
  if (has('storage_type')) out.push(['Storage Type', get('storage_type')]);
  if (has('cluster_name') && has('cluster_id')) {
    out.push(['Cluster Name', get('cluster_name')], ['Cluster ID', get('cluster_id')]);
  }
  return [...out, ...leaderRows(leader, has('sealed'))];
}

function leaderRows(leader: JsonMap, sealed: boolean): string[][] {
  const has = (name: string) => !isEmpty(leader.get(name));
  const get = (name: string) => display(leader.get(name) ?? '');
  const out = [['HA Enabled', String(has('ha_enabled'))]];
  if (has('ha_enabled') && !sealed) {
    const standby = has('performance_standby') ? 'performance standby' : 'standby';
    out.push(['HA Cluster', get('leader_cluster_address')], ['HA Mode', has('is_self') ? 'active' : standby]);
    const known = has('active_time') && !get('active_time').startsWith('0001-');
    if (has('is_self') && known) out.push(['Active Since', get('active_time')]);
    if (!has('is_self') && has('leader_address')) out.push(['Active Node Address', get('leader_address')]);
  }
  if (has('raft_committed_index')) out.push(['Raft Committed Index', get('raft_committed_index')]);
  if (has('raft_applied_index')) out.push(['Raft Applied Index', get('raft_applied_index')]);
  return out;
}
