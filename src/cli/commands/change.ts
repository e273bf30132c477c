/**
 * What commands that change something print: the answer where there is one, a line of success for people where there is none.
 *
 * @module
 */
import type { Run } from '../command.ts';
import { described, REMOTE } from '../failure.ts';
import { printSecret, printSecretField } from '../output.ts';
import type { Secret } from '../secret.ts';
import { secretOfRefusal } from '../secret-requests.ts';

export interface ChangeTexts {
  /** In front of the error. */
  failed: string;
  /** Printed as part of a table only: JSON and YAML have no place for it. */
  done: string;
  /** How an answer is printed, if not as a secret. */
  print?(secret: Secret): Promise<number>;
}

/** Awaits `work` and prints what came of it. @throws CommandFailure */
export async function printChange(
  run: Run,
  work: Promise<Secret | undefined>,
  texts: ChangeTexts,
): Promise<number> {
  const { printer, terminal } = run;
  const field = run.flags.field ?? '';
  let secret: Secret | undefined;
  try {
    secret = await work;
  } catch (error) {
    const failure = described(texts.failed, error);
    const told = secretOfRefusal(error);
    if (!told) throw failure;
    // What the refusal brings comes after it, as Vault prints them.
    terminal.error(failure.message);
    await printSecret(printer, told);
    return REMOTE;
  }
  if (!secret) {
    if (printer.format === 'table') terminal.output(texts.done);
    return 0;
  }
  if (field !== '') return printSecretField(printer, secret, field);
  return (texts.print ?? ((answer) => printSecret(printer, answer)))(secret);
}
