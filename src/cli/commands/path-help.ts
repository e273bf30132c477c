/**
 * `path-help`: what the server says about a path.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { describing, messageOf, remoteFailure } from '../failure.ts';
import { decodeJson, encodeJson } from '../go-json.ts';
import { display } from '../go-text.ts';
import { sanitizePath } from '../paths.ts';
import { asMap } from '../secret.ts';

const SEALED = `Error: Vault is sealed.

The "path-help" command requires the Vault to be unsealed so that the mount
points of the secret engines are known.`;

export const pathHelp = command({
  usage: 'path-help [options] PATH',
  about: `
Prints what the server says about PATH: parameters of a path, or the paths of a whole engine. With
-format=json it is an OpenAPI document.

    $ vault path-help secret/`,
  output: { format: true },
  async run({ args, flags, client: connect, terminal }) {
    expectArguments(args, 1);
    const client = await connect();
    const path = sanitizePath(args[0] as string);
    const query = new Map([['help', ['1']]]);
    const asking = client.request({ method: 'GET', path, query }).catch((error) => {
      throw messageOf(error).includes('Vault is sealed') ? remoteFailure(SEALED) : error;
    });
    const reply = await describing('Error retrieving help', asking);
    const help = asMap(decodeJson(reply.body.toString('utf8')));
    if (flags.format === 'json') terminal.output(encodeJson(help?.get('openapi') ?? null));
    else terminal.output(display(help?.get('help') ?? ''));
    return 0;
  },
});
