/**
 * `operator unseal` and `operator seal`.
 *
 * @module
 */
import { command, expectArguments, type Run } from '../command.ts';
import { describing, localFailure, messageOf } from '../failure.ts';
import { boolFlag, type FlagTable } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { wrapText } from '../go-text.ts';
import { askHidden } from '../prompt.ts';
import { askSealStatus, printSealStatus } from '../seal-status.ts';

const flags = {
  reset: boolFlag('Forget the shares that were given so far.'),
  migrate: boolFlag('The share is for moving to another seal.'),
} satisfies FlagTable;

type UnsealRun = Run<typeof flags>;

export const operatorUnseal = command({
  usage: 'operator unseal [options] [KEY]',
  about: `
Gives the server one share of the key; when it has enough of them, it is unsealed. Without KEY the share is
asked for, which keeps it out of the shell's history.

    $ vault operator unseal`,
  flags,
  output: { format: true },
  async run(run) {
    const {
      args,
      flags: { reset, migrate },
      printer,
    } = run;
    if (args.length > 1) throw localFailure(`Too many arguments (expected 1, got ${args.length})`);
    const client = await run.client();
    const unseal = (body: string) => askSealStatus(client, { method: 'PUT', path: 'sys/unseal', body });
    if (reset) {
      const status = await describing('Error resetting unseal process', unseal(encodeJson({ reset: true })));
      return printSealStatus(printer, client, status);
    }
    const key = (args[0] ?? '').trim() || (await askShare(run));
    const status = await describing('Error unsealing', unseal(encodeJson({ key, reset: false, migrate })));
    return printSealStatus(printer, client, status);
  },
});

async function askShare({ flags, terminal }: UnsealRun): Promise<string> {
  if (flags['non-interactive']) {
    throw localFailure(
      wrapText(
        'Refusing to read from stdin with -non-interactive specified; specify unseal key as an argument to this command',
      ),
    );
  }
  const show = (text: string) => void terminal.streams.stdout.write(text);
  try {
    return (await askHidden('Unseal Key (will be hidden): ', terminal.streams, show)).trim();
  } catch (error) {
    throw localFailure(
      `${wrapText(
        'The unseal key could not be asked for. This needs a terminal; where there is none, give the key as the ' +
          'first argument. The raw error was:',
      )}\n\n${messageOf(error)}`,
    );
  }
}

const sealFlags = {
  node: boolFlag('Seal this node alone: it stays sealed until it is given shares or restarted.'),
} satisfies FlagTable;

export const operatorSeal = command({
  usage: 'operator seal [options]',
  about: `
Seals the server, and with it all other nodes of its cluster: they forget their keys and answer nothing until they
are unsealed again. When it returns, no node has its keys any more.

    $ vault operator seal`,
  flags: sealFlags,
  async run({ args, flags: { node }, client: connect, terminal }) {
    expectArguments(args, 0);
    const client = await connect();
    const body = node ? encodeJson({ node }) : undefined;
    await describing('Error sealing', client.request({ method: 'PUT', path: 'sys/seal', body }));
    terminal.output('Success! Vault is sealed.');
    return 0;
  },
});
