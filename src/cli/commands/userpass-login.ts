/**
 * Logging in with a user name and a password.
 *
 * @module
 */
import type { Client } from '../client.ts';
import { messageOf } from '../failure.ts';
import { askHidden } from '../prompt.ts';
import { emptySecret, type Secret } from '../secret.ts';
import { writeSecret } from '../secret-requests.ts';
import type { Terminal } from '../terminal.ts';

export const userpassLoginHelp = {
  usage: 'login -method=userpass [CONFIG K=V...]',
  about: `
Logs in with a user name and a password.

    $ vault login -method=userpass username=bob

Configuration:

  username=<string>
      The name of the user.

  password=<string>
      The password. Without it, it is asked for, which keeps it out of the
      shell's history.

  mount=<string>
      Where the auth method is enabled. Default: userpass.`,
};

/** @throws Error; its text follows `Error authenticating: `. */
export async function loginWithUserpass(
  client: Client,
  config: ReadonlyMap<string, string>,
  terminal: Terminal,
  nonInteractive: boolean,
): Promise<Secret> {
  const name = config.get('username') ?? '';
  if (name === '') throw new Error("'username' must be specified");
  const password = config.get('password') || (await askPassword(terminal, nonInteractive));
  const mount = (config.get('mount') ?? 'userpass').replace(/^\/+|\/+$/g, '');
  return (await writeSecret(client, `auth/${mount}/login/${name}`, { password })) ?? emptySecret();
}

async function askPassword(terminal: Terminal, nonInteractive: boolean): Promise<string> {
  if (nonInteractive) throw new Error("'password' must be specified and refusing to pull from stdin");
  try {
    return await askHidden('Password (will be hidden): ', terminal.streams, terminal.prompt);
  } catch (error) {
    if (messageOf(error) === 'interrupted') throw new Error('user interrupted');
    throw new Error(
      'the password could not be asked for. This needs a terminal; to pass it through a pipe, ' +
        `give "password=-". The raw error was: ${messageOf(error)}`,
    );
  }
}
