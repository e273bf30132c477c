/**
 * Logging in with a token that one has: it is looked up, and that is all.
 *
 * @module
 */
import { type Json, JsonNumber } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { parseDuration } from '../duration.ts';
import { messageOf, rephrased } from '../failure.ts';
import { parseBool } from '../flags.ts';
import { askHidden } from '../prompt.ts';
import { asMap, asText, asTexts, emptySecret, type Secret, type SecretAuth } from '../secret.ts';
import { ask } from '../secret-requests.ts';
import type { Terminal } from '../terminal.ts';

export const tokenLoginHelp = {
  usage: 'login TOKEN [CONFIG K=V...]',
  about: `
Logs in with a token that you have already.

    $ vault login hvs.CAESIPKU
    $ vault login token=hvs.CAESIPKU lookup=false

Configuration:

  token=<string>
      The token. Without it, it is asked for.

  lookup=<bool>
      Whether to look the token up. Default: true.`,
};

/** @throws Error; its text follows `Error authenticating: `. */
export async function loginWithToken(
  client: Client,
  config: ReadonlyMap<string, string>,
  terminal: Terminal,
  nonInteractive: boolean,
): Promise<Secret> {
  const lookup = wantsLookup(config.get('lookup'));
  const token = (config.get('token') ?? (await askToken(terminal, nonInteractive))).trim();
  if (token === '')
    throw new Error('a token must be passed to auth, please view the help for more information');
  if (!lookup) return { ...emptySecret(), auth: { ...emptyAuth(), clientToken: token } };
  return { ...emptySecret(), auth: await lookUp(client.with({ token, wrapTtl: '' })) };
}

function wantsLookup(text: string | undefined): boolean {
  if (text === undefined) return true;
  try {
    return parseBool(text);
  } catch (error) {
    throw new Error(`Failed to parse "lookup" as boolean: ${messageOf(error)}`);
  }
}

async function askToken(terminal: Terminal, nonInteractive: boolean): Promise<string> {
  if (nonInteractive) throw new Error("'token' not supplied and refusing to pull from stdin");
  try {
    return await askHidden('Token (will be hidden): ', terminal.streams, terminal.prompt);
  } catch (error) {
    if (messageOf(error) === 'interrupted') throw new Error('user interrupted');
    throw new Error(
      'the token could not be asked for. This needs a terminal; to pass the token through a pipe, ' +
        `give "-" as the argument. The raw error was: ${messageOf(error)}`,
    );
  }
}

/** What `lookup-self` says, in the form in which an auth method would have answered. */
async function lookUp(client: Client): Promise<SecretAuth> {
  let secret: Secret | undefined;
  try {
    secret = await ask(client, { method: 'GET', path: 'auth/token/lookup-self' });
  } catch (error) {
    throw rephrased(error, (text) => `error looking up token: ${text}`);
  }
  const data = secret?.data;
  if (!data) throw new Error('empty response from lookup-self');
  const tokenPolicies = asTexts(data.get('policies'));
  const identityPolicies = asTexts(data.get('identity_policies'));
  return {
    ...emptyAuth(),
    clientToken: asText(data.get('id')),
    accessor: asText(data.get('accessor')),
    policies:
      tokenPolicies || identityPolicies ? [...(tokenPolicies ?? []), ...(identityPolicies ?? [])] : null,
    tokenPolicies,
    identityPolicies,
    metadata: asMap(data.get('metadata')) ?? asMap(data.get('meta')),
    leaseDuration: seconds(data.get('ttl')),
    renewable: data.get('renewable') === true,
  };
}

function seconds(ttl: Json | undefined): number {
  if (ttl instanceof JsonNumber) return Number(ttl.text);
  return typeof ttl === 'string' ? Number(parseDuration(ttl) / 1_000_000_000n) : 0;
}

function emptyAuth(): SecretAuth {
  return {
    clientToken: '',
    accessor: '',
    policies: null,
    tokenPolicies: null,
    identityPolicies: null,
    metadata: null,
    orphan: false,
    entityId: '',
    leaseDuration: 0,
    renewable: false,
    mfaRequirement: null,
  };
}
