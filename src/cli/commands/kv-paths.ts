/**
 * KV paths as people write them (`secret/hello`, or `-mount=secret hello`) and as the API has them (`secret/data/hello`).
 *
 * @module
 */
import type { Client } from '../client.ts';
import type { Run } from '../command.ts';
import { type CommandFailure, described, messageOf, RequestDescribed, remoteFailure } from '../failure.ts';
import { type FlagTable, stringFlag } from '../flags.ts';
import { sanitizePath } from '../paths.ts';
import { joinPath } from '../request-url.ts';
import { ResponseError } from '../response-error.ts';
import { asMap, asText, parseSecret, type Secret } from '../secret.ts';
import { type Query, readSecret } from '../secret-requests.ts';

export const mountFlag = {
  mount: stringFlag('Where the engine is mounted; the argument is then only the rest of the path.'),
} satisfies FlagTable;

export interface KvPlace {
  client: Client;
  v2: boolean;
  /** The path for the API, `section` (data, metadata, delete …) put in where the mount has versions. */
  at(section: string): string;
}

/** Finds out of which version the mount at `argument` is, by asking the server. @throws CommandFailure */
export async function findKvPlace(run: Run<typeof mountFlag>, argument: string): Promise<KvPlace> {
  const client = await run.client();
  const separate = run.flags.mount !== '';
  const mount = await askMount(client, separate ? sanitizePath(run.flags.mount) : argument);
  if (!mount.v2)
    return { client, v2: false, at: () => (separate ? joinPath(mount.path, argument) : argument) };
  const whole = separate ? joinPath(mount.path, argument) : argument;
  return { client, v2: true, at: (section) => insertSection(whole, mount.path, section) };
}

/** Never wrapped and always sent, whatever the flags say of the request that follows. A server that knows no such path is too old for versions. */
async function askMount(client: Client, path: string): Promise<{ path: string; v2: boolean }> {
  try {
    const reply = await client.request({
      method: 'GET',
      path: `sys/internal/ui/mounts/${path}`,
      wrap: false,
      describe: false,
    });
    const data = parseSecret(reply.body)?.data;
    const options = asMap(data?.get('options'));
    return { path: asText(data?.get('path')), v2: options?.get('version') === '2' };
  } catch (error) {
    if (error instanceof ResponseError && error.status === 404) return { path: '', v2: false };
    const describing = client.settings.describe !== 'send';
    if (describing && error instanceof ResponseError && error.status === 403) throw preflightRefused(path);
    throw remoteFailure(messageOf(error));
  }
}

function preflightRefused(path: string): CommandFailure {
  return remoteFailure(
    'This output flag requires the success of a preflight request \n' +
      'to determine the version of a KV secrets engine. Please \n' +
      `re-run this command with a token with read access to ${path}. \n` +
      "Note that if the path you are trying to reach is a KV v2 path, your token's policy must \n" +
      "allow read access to that path in the format 'mount-path/data/foo', not just 'mount-path/foo'.",
  );
}

/** `secret/hello` with mount `secret/` → `secret/data/hello`. A mount may be told with its namespace in front, which `path` lacks. */
export function insertSection(path: string, mount: string, section: string): string {
  if (path === mount || path === mount.replace(/\/$/, '')) return joinPath(mount, section);
  for (let prefix = mount; prefix !== ''; ) {
    if (path.startsWith(prefix)) return joinPath(prefix, section, path.slice(prefix.length));
    const slash = prefix.indexOf('/');
    prefix = slash < 0 ? '' : prefix.slice(slash + 1).replace(/\/$/, '');
  }
  return joinPath(mount, section, path);
}

/** Reads a secret of KV. @throws CommandFailure that starts with `before`. */
export async function readKv(
  client: Client,
  path: string,
  before: string,
  query?: Query,
  describe = true,
): Promise<Secret | undefined> {
  try {
    return await readSecret(client, path, query, { describe });
  } catch (error) {
    throw error instanceof RequestDescribed ? error : described(`${before} ${path}`, error);
  }
}

/** `== Secret Path ==` and the like, above what they are about. */
export function banner(title: string, width: number): string {
  let signs = width - (title.length + 2);
  if (signs <= 0) signs = 4;
  const side = '='.repeat(Math.ceil(signs / 2));
  return `${side} ${title} ${side}`;
}

/** A banner as wide as the table of `map` is at least. */
export function bannerFor(title: string, map: ReadonlyMap<string, unknown>): string {
  const longest = Math.max(0, ...[...map.keys()].map((key) => Buffer.byteLength(key)));
  return banner(title, longest + '    Value'.length);
}

/** `-versions=1,2 -versions=3` as the list that goes to the server. */
export function versionList(given: readonly string[]): string[] {
  return given
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');
}
