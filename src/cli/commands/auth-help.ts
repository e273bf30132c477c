/**
 * `auth help`: what `login` takes with an auth method.
 *
 * @module
 */

import { quote } from '../../model/printable.ts';
import { command, expectArguments } from '../command.ts';
import { CommandFailure, describing, LOCAL, REMOTE } from '../failure.ts';
import { sanitizePath, withTrailingSlash } from '../paths.ts';
import { asMap, asText } from '../secret.ts';
import { ask } from '../secret-requests.ts';
import { LOGIN_HELP } from './login-methods.ts';

export const authHelp = command({
  usage: 'auth help [options] TYPE | PATH',
  about: `
Explains how to log in with an auth method, which is given by its type or by where it is mounted.

    $ vault auth help token`,
  async run({ program, args, client: connect, terminal }) {
    expectArguments(args, 1);
    const client = await connect();
    const type = (args[0] as string).trim();
    let help = Object.hasOwn(LOGIN_HELP, type) ? LOGIN_HELP[type] : undefined;
    if (!help) {
      const mounts = await describing(
        'Error listing auth methods',
        ask(client, { method: 'GET', path: 'sys/auth' }),
      );
      const path = withTrailingSlash(sanitizePath(type));
      const mount = asMap(mounts?.data?.get(path));
      if (!mount) throw new CommandFailure(LOCAL, `No auth method available on the server at ${quote(path)}`);
      help = LOGIN_HELP[asText(mount.get('type'))];
    }
    if (!help)
      throw new CommandFailure(
        REMOTE,
        `No method-specific CLI handler available for auth method ${quote(type)}`,
      );
    terminal.output(
      `Usage: ${program} ${help.usage}\n\n${help.about.trim().replaceAll('$ vault ', `$ ${program} `)}`,
    );
    return 0;
  },
});
