/**
 * Where a share of the unseal key comes from: an argument, standard input, or the person at the terminal.
 *
 * @module
 */
import type { Run } from './command.ts';
import { localFailure, messageOf } from './failure.ts';
import { type FlagTable, stringFlag } from './flags.ts';
import { wrapText } from './go-text.ts';
import { stdinReader } from './key-values.ts';
import { askHidden } from './prompt.ts';

export const nonceFlag = {
  nonce: stringFlag('Of the operation, as its start showed it. Goes with each share that is not typed in.'),
} satisfies FlagTable;

/** What is asked at the terminal. `kind`: `Unseal` or `Recovery`. */
export interface ShareQuestion {
  /** Of the operation under way: whoever types a share in can compare it. */
  readonly nonce: string;
  readonly title: string;
  readonly kind: string;
}

/** @throws CommandFailure where there is none, or no nonce that goes with it. */
export async function shareFrom(
  { args, flags, terminal }: Pick<Run<typeof nonceFlag>, 'args' | 'flags' | 'terminal'>,
  question: ShareQuestion,
): Promise<{ key: string; nonce: string }> {
  const given = (args[0] ?? '').trim();
  const isTyped = given === '';
  const read = () => stdinReader(terminal.streams.stdin, flags['non-interactive'])();
  const key = isTyped ? await typed(flags, terminal, question) : given === '-' ? await read() : given;
  const nonce = isTyped ? question.nonce : flags.nonce;
  if (nonce === '') throw localFailure('Missing nonce value: specify it via the -nonce flag');
  return { key: key.trim(), nonce };
}

async function typed(
  flags: Run<typeof nonceFlag>['flags'],
  terminal: Run['terminal'],
  { nonce, title, kind }: ShareQuestion,
): Promise<string> {
  if (flags['non-interactive']) {
    throw localFailure(
      wrapText(
        'Refusing to read from stdin with -non-interactive specified; specify nonce via the -nonce flag',
      ),
    );
  }
  const show = (text: string) => void terminal.streams.stdout.write(text);
  show(`${title}: ${nonce}\n`);
  try {
    return await askHidden(`${kind} Key (will be hidden): `, terminal.streams, show);
  } catch (error) {
    throw localFailure(
      `${wrapText(
        `The ${kind.toLowerCase()} key could not be asked for. This needs a terminal; where there is none, give "-" as the ` +
          'argument and the key on standard input. The raw error was:',
      )}\n\n${messageOf(error)}`,
    );
  }
}
