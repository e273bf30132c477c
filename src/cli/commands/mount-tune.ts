/**
 * `secrets tune`, `auth tune` and `kv enable-versioning`.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { ttlToWire } from '../duration.ts';
import { describing } from '../failure.ts';
import { boolFlag, durationFlag, type FlagTable, optionalBoolFlag, unsignedFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { sanitizePath, withTrailingSlash } from '../paths.ts';
import { engineOptions, givenSettings, mountFlags, secretsFlags, tokenTypeFlag } from './mount-settings.ts';

const slashFlag = {
  'trim-request-trailing-slashes': optionalBoolFlag(
    'Take a slash off the end of request paths before the engine sees them.',
  ),
} satisfies FlagTable;

const authTuneFlags = {
  ...mountFlags,
  ...tokenTypeFlag,
  ...slashFlag,
  'user-lockout-threshold': unsignedFlag('Failed logins after which a user is locked out.'),
  'user-lockout-duration': durationFlag('How long a user is locked out.'),
  'user-lockout-counter-reset-duration': durationFlag(
    'How long after the last failed login they are forgotten.',
  ),
  'user-lockout-disable': boolFlag('Lock nobody out.'),
} satisfies FlagTable;

export const secretsTune = command({
  usage: 'secrets tune [options] PATH',
  about: `
Changes the settings of the secrets engine at PATH. Those that are not given stay as they are.

    $ vault secrets tune -default-lease-ttl=18h pki/`,
  flags: { ...secretsFlags, ...slashFlag },
  async run(run) {
    expectArguments(run.args, 1);
    const client = await run.client();
    const path = withTrailingSlash(sanitizePath(run.args[0] as string));
    return tune(run, client, path, path, 'secrets engine', settings(run));
  },
});

export const authTune = command({
  usage: 'auth tune [options] PATH',
  about: `
Changes the settings of the auth method at PATH. Those that are not given stay as they are.

    $ vault auth tune -default-lease-ttl=72h userpass/`,
  flags: authTuneFlags,
  async run(run) {
    expectArguments(run.args, 1);
    const client = await run.client();
    const path = withTrailingSlash(sanitizePath(run.args[0] as string));
    const body = { ...settings(run), user_lockout_config: lockout(run) };
    return tune(run, client, `auth/${path}`, path, 'auth method', body);
  },
});

export const kvEnableVersioning = command({
  usage: 'kv enable-versioning [options] PATH',
  about: `
Turns versions on for the key-value engine mounted at PATH.

    $ vault kv enable-versioning secret`,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 1);
    const client = await run.client();
    const path = withTrailingSlash(sanitizePath(run.args[0] as string));
    const body = {
      options: { version: '2' },
      default_lease_ttl: '',
      max_lease_ttl: '',
      force_no_cache: false,
    };
    return tune(run, client, path, path, 'secrets engine', body);
  },
});

type Body = Record<string, Encodable>;
type Printing = Pick<Run, 'terminal'>;

async function tune(
  run: Printing,
  client: Client,
  target: string,
  path: string,
  kind: string,
  body: Body,
): Promise<number> {
  const call = { method: 'POST', path: `sys/mounts/${target}tune`, body: encodeJson(body) } as const;
  await describing(`Error tuning ${kind} ${path}`, client.request(call));
  run.terminal.output(`Success! Tuned the ${kind} at: ${path}`);
  return 0;
}

/** The empty text leaves a TTL as it is. */
function settings(run: Run<typeof mountFlags & typeof slashFlag>): Body {
  const { flags } = run;
  return {
    options: engineOptions(run),
    default_lease_ttl: ttlToWire(flags['default-lease-ttl']),
    description: run.given.has('description') ? flags.description : undefined,
    max_lease_ttl: ttlToWire(flags['max-lease-ttl']),
    force_no_cache: false,
    ...givenSettings(run),
    trim_request_trailing_slashes: flags['trim-request-trailing-slashes'],
  };
}

function lockout(run: Run<typeof authTuneFlags>): Body | undefined {
  const { flags, given } = run;
  const when = (flag: string, value: Encodable) => (given.has(flag) ? value : undefined);
  const config = {
    lockout_threshold: when('user-lockout-threshold', String(flags['user-lockout-threshold'])),
    lockout_duration: when('user-lockout-duration', ttlToWire(flags['user-lockout-duration'])),
    lockout_counter_reset_duration: when(
      'user-lockout-counter-reset-duration',
      ttlToWire(flags['user-lockout-counter-reset-duration']),
    ),
    lockout_disable: when('user-lockout-disable', flags['user-lockout-disable']),
  };
  return Object.values(config).some((value) => value !== undefined) ? config : undefined;
}
