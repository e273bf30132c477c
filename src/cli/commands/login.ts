/**
 * `login`: proves who one is, and keeps the token for the commands that follow.
 *
 * @module
 */
import type { Client } from '../client.ts';
import { command, type Run } from '../command.ts';
import { readVariable } from '../environment.ts';
import { describing, localFailure, messageOf, remoteFailure } from '../failure.ts';
import { boolFlag, type FlagTable, stringFlag } from '../flags.ts';
import { wrapText } from '../go-text.ts';
import { asTexts, parseKeyValues, stdinReader } from '../key-values.ts';
import { printSecret, printSecretField } from '../output.ts';
import { sanitizePath, withTrailingSlash } from '../paths.ts';
import type { Secret } from '../secret.ts';
import { unwrapSecret } from '../secret-requests.ts';
import { chooseTokenHelper } from '../token-helper.ts';
import { LOGIN_METHODS } from './login-methods.ts';

const flags = {
  method: stringFlag('Type of the auth method, such as "userpass". -path says where it is mounted.', {
    absent: 'token',
  }),
  path: stringFlag('Where the auth method is mounted. Without it, the type is the path.'),
  'no-store': boolFlag('Only print the token, do not keep it.'),
  'no-print': boolFlag('Only keep the token, do not print it.'),
  'token-only': boolFlag('Print the token and nothing else: short for -field=token -no-store.'),
} satisfies FlagTable;

type LoginRun = Run<typeof flags>;

export const login = command({
  usage: 'login [options] [AUTH K=V...]',
  about: `
Logs in and keeps the token for the commands that follow. With the method "token", the argument is the token;
without an argument it is asked for, with - it is read from standard input. What other methods take is shown
by "auth help METHOD".

    $ vault login
    $ vault login -method=userpass username=my-name

A token that comes wrapped (-wrap-ttl) is unwrapped, unless it is only to be printed.`,
  flags,
  output: { field: true, format: true },
  async run(run) {
    const onlyToken = run.flags['token-only'];
    const noStore = run.flags['no-store'] || onlyToken;
    if (noStore && run.flags['no-print'])
      throw localFailure('-no-store and -no-print cannot be used together');
    const client = await authenticatingClient(run);
    const answer = await authenticate(run, client.bare);
    const unwrapped = await describing(
      'Error extracting token',
      extractToken(client.bare.with({ wrapTtl: '' }), answer, !noStore),
    );
    if (unwrapped.wrapInfo && !unwrapped.auth) {
      return onlyToken
        ? printSecretField(run.printer, unwrapped, 'wrapping_token')
        : printSecret(run.printer, unwrapped);
    }
    if (!unwrapped.auth) throw remoteFailure('the answer to the login has no authentication information');
    if (!noStore) await keep(run, unwrapped);
    else if (!onlyToken) run.terminal.warn(`${wrapText(notStored(run))}\n`);
    return print(run, unwrapped, onlyToken ? 'token' : run.flags.field);
  },
});

/** Only a login with a token starts from the token of the environment. */
async function authenticatingClient(run: LoginRun): Promise<{ bare: Client }> {
  const client = await run.clientWithoutHelper();
  return { bare: methodOf(run) === 'token' ? client : client.with({ token: '' }) };
}

function methodOf(run: LoginRun): string {
  return sanitizePath(run.flags.method) || 'token';
}

async function authenticate(run: LoginRun, client: Client): Promise<Secret> {
  const method = methodOf(run);
  const handler = LOGIN_METHODS[method];
  if (!handler) {
    throw localFailure(
      wrapText(
        `Unknown auth method: ${method}. Use "${run.program} auth list" to see the complete list of auth methods. ` +
          'Additionally, some auth methods are only available via the HTTP API.',
      ),
    );
  }
  const [first, ...others] = run.args;
  const bareToken = method === 'token' && first !== undefined && !first.includes('=');
  const args = bareToken ? [`token=${first}`, ...others] : run.args;
  const stdin = stdinReader(run.terminal.streams.stdin, run.flags['non-interactive']);
  const before = 'Error parsing configuration';
  const config = asTexts(await parseKeyValues(args, stdin, before), before);
  if (!config.get('mount')) config.set('mount', run.flags.path || withTrailingSlash(method));
  const work = handler(client, config, run.terminal, run.flags['non-interactive']);
  return describing('Error authenticating', work);
}

/** The secret with the token, unwrapped as often as it takes; or the wrapped one where that is wanted. */
async function extractToken(client: Client, secret: Secret | undefined, unwrap: boolean): Promise<Secret> {
  if (!secret) throw new Error('empty response from auth helper');
  if (secret.auth) return secret;
  if (!secret.wrapInfo) throw new Error('no auth or wrapping info in response');
  if (secret.wrapInfo.wrappedAccessor === '') throw new Error('wrapped response does not contain a token');
  if (!unwrap) return secret;
  return extractToken(client, await unwrapSecret(client.with({ token: secret.wrapInfo.token }), ''), unwrap);
}

async function keep(run: LoginRun, secret: Secret): Promise<void> {
  const { terminal } = run;
  let helper: ReturnType<typeof chooseTokenHelper>;
  try {
    helper = chooseTokenHelper(run.env);
  } catch (error) {
    throw localFailure(wrapText(`Error initializing token helper. The error was: ${messageOf(error)}`));
  }
  try {
    await helper.store(secret.auth?.clientToken ?? '');
  } catch (error) {
    terminal.error(`Error storing token: ${messageOf(error)}`);
    await printSecret(run.printer, secret);
    throw remoteFailure('Authentication was successful, but the token was not persisted.');
  }
  if (readVariable(run.env, 'VAULT_TOKEN') !== '') {
    terminal.warn(
      `${wrapText(
        'WARNING! The VAULT_TOKEN environment variable is set! The value of this variable will take precedence; ' +
          'if this is unwanted please unset VAULT_TOKEN or update its value accordingly.',
      )}\n`,
    );
  }
}

function notStored(run: LoginRun): string {
  const name = run.program === 'vault' ? 'Vault' : 'Coffer';
  return (
    'The token was not stored in token helper. Set the VAULT_TOKEN environment variable or pass the token below ' +
    `with each request to ${name}.`
  );
}

async function print(run: LoginRun, secret: Secret, field: string): Promise<number> {
  if (run.flags['no-print']) return 0;
  if (field) return printSecretField(run.printer, secret, field);
  if (run.printer.format === 'table') {
    const name = run.program === 'vault' ? 'Vault' : 'Coffer';
    run.terminal.output(
      `${wrapText(
        'Success! You are now authenticated. The token information displayed below is already stored in the token ' +
          `helper. You do NOT need to run "${run.program} login" again. Future ${name} requests will automatically ` +
          'use this token.',
      )}\n`,
    );
  }
  return printSecret(run.printer, secret);
}
