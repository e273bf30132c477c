/**
 * `secrets list` and `auth list`.
 *
 * @module
 */
import { type Encodable, type Json, type JsonMap, JsonNumber } from '../../model/json.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing } from '../failure.ts';
import { boolFlag, type FlagTable } from '../flags.ts';
import { compareBytes, display, displayMap } from '../go-text.ts';
import { printData } from '../output.ts';
import { asMap } from '../secret.ts';
import { ask } from '../secret-requests.ts';
import { table } from '../table.ts';

const flags = { detailed: boolFlag('Print everything that is known of each mount.') } satisfies FlagTable;

export const secretsList = command({
  usage: 'secrets list [options]',
  about: `
Lists the enabled secrets engines.

    $ vault secrets list -detailed`,
  flags,
  output: { format: true },
  run: (run) => listMounts(run, 'sys/mounts', 'Error listing secrets engines', secretsColumns),
});

export const authList = command({
  usage: 'auth list [options]',
  about: `
Lists the enabled auth methods.

    $ vault auth list -detailed`,
  flags,
  output: { format: true },
  run: (run) => listMounts(run, 'sys/auth', 'Error listing enabled authentications', authColumns),
});

interface Columns {
  /** Header, and where the cell comes from. */
  simple: readonly [string, (mount: JsonMap) => string][];
  /** The one detailed column in which the two lists differ. */
  own: [string, (mount: JsonMap) => string];
}

const member = (name: string) => (mount: JsonMap) => display(mount.get(name) ?? '');
const setting = (name: string) => (mount: JsonMap) => display(asMap(mount.get('config'))?.get(name) ?? '');

const secretsColumns: Columns = {
  simple: [
    ['Type', member('type')],
    ['Accessor', member('accessor')],
    ['Description', member('description')],
  ],
  own: ['Force No Cache', setting('force_no_cache')],
};

const authColumns: Columns = {
  simple: [...secretsColumns.simple, ['Version', member('plugin_version')]],
  own: ['Token Type', setting('token_type')],
};

async function listMounts(
  run: Run<typeof flags>,
  path: string,
  failed: string,
  columns: Columns,
): Promise<number> {
  expectArguments(run.args, 0);
  const client = await run.client();
  const secret = await describing(failed, ask(client, { method: 'GET', path }).then(requireData));
  const mounts = [...secret]
    .map(([name, value]): [string, JsonMap] => [name, asMap(value) ?? new Map()])
    .sort(([a], [b]) => compareBytes(a, b));
  if (run.printer.format !== 'table') {
    return printData(run.printer, new Map(mounts.map(([name, mount]) => [name, mountStruct(mount)])));
  }
  const shown = run.flags.detailed ? detailedColumns(columns) : columns.simple;
  const rows = mounts.map(([name, mount]) => [name, ...shown.map(([, cell]) => cell(mount))]);
  run.terminal.output(table([['Path', ...shown.map(([header]) => header)], ...rows]));
  return 0;
}

function requireData(secret: { data: JsonMap | null } | undefined): JsonMap {
  if (!secret?.data) throw new Error('data from server response is empty');
  return secret.data;
}

function detailedColumns(columns: Columns): Columns['simple'] {
  return [
    ['Plugin', member('type')],
    ['Accessor', member('accessor')],
    ['Default TTL', ttl('default_lease_ttl')],
    ['Max TTL', ttl('max_lease_ttl')],
    columns.own,
    ['Replication', (mount) => (mount.get('local') === true ? 'local' : 'replicated')],
    ['Seal Wrap', member('seal_wrap')],
    ['External Entropy Access', member('external_entropy_access')],
    ['Options', (mount) => displayMap(asMap(mount.get('options')))],
    ['Description', member('description')],
    ['UUID', member('uuid')],
    ['Version', member('plugin_version')],
    ['Running Version', member('running_plugin_version')],
    ['Running SHA256', member('running_sha256')],
    ['Deprecation Status', member('deprecation_status')],
  ];
}

/** Seconds, or `system` where the mount has none of its own. Two engines have no leases at all. */
function ttl(name: string): (mount: JsonMap) => string {
  return (mount) => {
    if (['system', 'cubbyhole'].includes(display(mount.get('type') ?? ''))) return '';
    const text = setting(name)(mount);
    return text === '0' || text === '' ? 'system' : text;
  };
}

/** A mount as Vault's client prints it: what it does not know is left out, what is missing has its zero value. */
function mountStruct(mount: JsonMap): Encodable {
  const text = (name: string): Json => mount.get(name) ?? '';
  const flag = (name: string): Json => mount.get(name) ?? false;
  return {
    uuid: text('uuid'),
    type: text('type'),
    description: text('description'),
    accessor: text('accessor'),
    config: configStruct(asMap(mount.get('config')) ?? new Map()),
    options: mount.get('options') ?? null,
    local: flag('local'),
    seal_wrap: flag('seal_wrap'),
    external_entropy_access: flag('external_entropy_access'),
    plugin_version: text('plugin_version'),
    running_plugin_version: text('running_plugin_version'),
    running_sha256: text('running_sha256'),
    deprecation_status: text('deprecation_status'),
  };
}

const CONFIG_WHERE_SET = [
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'listing_visibility',
  'passthrough_request_headers',
  'allowed_response_headers',
  'token_type',
  'allowed_managed_keys',
  'user_lockout_config',
  'delegated_auth_accessors',
  'identity_token_key',
  'trim_request_trailing_slashes',
];

function configStruct(config: JsonMap): Encodable {
  const optional = CONFIG_WHERE_SET.map((name): [string, Json | undefined] => [name, config.get(name)]);
  const zero = new JsonNumber('0');
  return {
    default_lease_ttl: config.get('default_lease_ttl') ?? zero,
    max_lease_ttl: config.get('max_lease_ttl') ?? zero,
    force_no_cache: config.get('force_no_cache') ?? false,
    ...Object.fromEntries(optional.filter(([, value]) => !isEmpty(value))),
  };
}

function isEmpty(value: Json | undefined): boolean {
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  );
}
