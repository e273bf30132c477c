/**
 * `secrets enable` and `auth enable`.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { formatDuration } from '../duration.ts';
import { describing } from '../failure.ts';
import { boolFlag, type FlagTable, stringFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { withTrailingSlash } from '../paths.ts';
import { engineOptions, givenSettings, mountFlags, secretsFlags, tokenTypeFlag } from './mount-settings.ts';

const placeFlags = {
  path: stringFlag('Where to mount. Without it, the type is the path.'),
  local: boolFlag('Keep the mount on this cluster: it is not replicated.'),
  'seal-wrap': boolFlag('Encrypt its data with the seal besides.'),
  'external-entropy-access': boolFlag('Let it draw randomness from the seal.'),
  'plugin-name': stringFlag('Name of the plugin, where the type is "plugin".'),
} satisfies FlagTable;

const secretsEnableFlags = {
  ...secretsFlags,
  ...placeFlags,
  'force-no-cache': boolFlag('Do not cache what the engine reads.'),
} satisfies FlagTable;

const authEnableFlags = { ...mountFlags, ...placeFlags, ...tokenTypeFlag } satisfies FlagTable;

export const secretsEnable = command({
  usage: 'secrets enable [options] TYPE',
  about: `
Enables a secrets engine.

    $ vault secrets enable -path=team-a -version=2 kv`,
  flags: secretsEnableFlags,
  run: (run) => enable(run, 'sys/mounts', { force_no_cache: run.flags['force-no-cache'] }, secretsTexts),
});

export const authEnable = command({
  usage: 'auth enable [options] TYPE',
  about: `
Enables an auth method.

    $ vault auth enable -path=staff userpass`,
  flags: authEnableFlags,
  run: (run) => enable(run, 'sys/auth', {}, authTexts),
});

interface Texts {
  failed: string;
  done: string;
}

const secretsTexts = (type: string): Texts => ({
  failed: 'Error enabling',
  done: `Enabled the ${type} secrets engine`,
});
const authTexts = (type: string): Texts => ({
  failed: `Error enabling ${type} auth`,
  done: `Enabled ${type} auth method`,
});

type EnableRun = Run<typeof mountFlags & typeof placeFlags>;

async function enable(
  run: EnableRun,
  root: string,
  config: Record<string, Encodable>,
  textsOf: (type: string) => Texts,
): Promise<number> {
  expectArguments(run.args, 1);
  const { flags } = run;
  const client = await run.client();
  const named = (run.args[0] as string).trim();
  const type = named === 'plugin' ? flags['plugin-name'] : named;
  const path = withTrailingSlash(flags.path || type);
  const body = encodeJson({
    type,
    description: flags.description,
    config: {
      options: null,
      default_lease_ttl: formatDuration(flags['default-lease-ttl']),
      max_lease_ttl: formatDuration(flags['max-lease-ttl']),
      force_no_cache: false,
      ...config,
      ...givenSettings(run),
    },
    local: flags.local,
    seal_wrap: flags['seal-wrap'],
    external_entropy_access: flags['external-entropy-access'],
    options: engineOptions(run),
  });
  const texts = textsOf(type);
  await describing(texts.failed, client.request({ method: 'POST', path: `${root}/${path}`, body }));
  const version = flags['plugin-version'] === '' ? '' : ` version ${flags['plugin-version']}`;
  run.terminal.output(`Success! ${texts.done}${version} at: ${path}`);
  return 0;
}
