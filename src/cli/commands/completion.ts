/**
 * `completion`: scripts for shells.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { completionScript, programCall, SHELLS } from '../completion/scripts.ts';
import { localFailure } from '../failure.ts';

export const completion = command({
  usage: 'completion SHELL',
  about: `
Prints a script that has a shell (bash, zsh or fish) complete commands, flags, and, where VAULT_ADDR and a token
are set, paths on the server. What it does not answer within a second (or VAULT_CLIENT_TIMEOUT) is left out.

-autocomplete-install, without a command, puts it into the files of this user's shells, -autocomplete-uninstall takes
it out again.

    $ vault completion bash >/etc/bash_completion.d/vault
    $ . <(vault completion zsh)
    $ vault completion fish >~/.config/fish/completions/vault.fish
    $ vault -autocomplete-install`,
  async run({ args, env, program, terminal }) {
    expectArguments(args, 1);
    const shell = SHELLS.find((one) => one === args[0]);
    if (!shell) throw localFailure(`SHELL must be one of ${SHELLS.join(', ')}`);
    terminal.streams.stdout.write(completionScript(shell, program, programCall(program, env)));
    return 0;
  },
});
