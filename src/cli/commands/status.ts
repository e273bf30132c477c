/**
 * `status`: whether the server is sealed. Its exit code says so too: 0 unsealed, 2 sealed, 1 error.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { CommandFailure, describing, LOCAL, messageOf } from '../failure.ts';
import { printField } from '../output.ts';
import { askSealStatus, printSealStatus, sealStatusFields } from '../seal-status.ts';

export const status = command({
  usage: 'status [options]',
  about: `
Shows the state of the server, sealed or not. The exit code is 0 where it is unsealed, 2 where it is sealed,
1 where there was an error.

    $ vault status`,
  output: { field: true, format: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, 0);
    let client: Awaited<ReturnType<typeof connect>>;
    try {
      // The seal is that of the whole server, whatever namespace commands usually work in.
      client = (await connect()).with({ namespace: '' });
    } catch (error) {
      throw error instanceof CommandFailure ? new CommandFailure(LOCAL, error.message) : error;
    }
    const seal = await describing('Error checking seal status', askSealStatus(client), LOCAL);
    const sealed = seal.get('sealed') === true;
    if (flags.field) {
      const fields = await sealStatusFields(client, seal);
      // The exit code is about the seal even where there is no such field, as in Vault.
      await printField(printer, fields[flags.field], flags.field, 'seal status').catch((error) => {
        terminal.error(messageOf(error));
      });
    } else {
      await printSealStatus(printer, client, seal);
    }
    return sealed ? 2 : 0;
  },
});
