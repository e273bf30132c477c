/**
 * `print token`: the token that commands would use.
 *
 * @module
 */
import { command } from '../command.ts';

export const printToken = command({
  usage: 'print token',
  about: `
Prints the token that commands use: that of the environment, or that of the token helper.

    $ vault print token`,
  async run({ client, terminal }) {
    terminal.output((await client()).token);
    return 0;
  },
});
