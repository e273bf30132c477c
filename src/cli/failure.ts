/**
 * How a command ends early: with a sentence and Vault's exit code, or because it was only asked what it would send.
 *
 * @module
 */

/** Flags, arguments, files: nothing was sent. */
export const LOCAL = 1;
/** The server refused, or could not be reached. */
export const REMOTE = 2;

export class CommandFailure extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

/** `-output-curl-string` or `-output-policy`: the request was described instead of sent. */
export class RequestDescribed extends Error {
  readonly text: string;
  constructor(text: string) {
    super('the request was described, not sent');
    this.name = 'RequestDescribed';
    this.text = text;
  }
}

export function localFailure(message: string): CommandFailure {
  return new CommandFailure(LOCAL, message);
}

export function remoteFailure(message: string): CommandFailure {
  return new CommandFailure(REMOTE, message);
}

/** Awaits `work`; what it throws becomes `before: its text`, or its text alone, with `exitCode`. */
export async function describing<T>(before: string, work: Promise<T>, exitCode = REMOTE): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw described(before, error, exitCode);
  }
}

export function described(before: string, error: unknown, exitCode = REMOTE): Error {
  if (error instanceof RequestDescribed || error instanceof CommandFailure) return error;
  return new CommandFailure(exitCode, before === '' ? messageOf(error) : `${before}: ${messageOf(error)}`);
}

/** Replaces the text of an error by `words(its text)`; what is no error at all passes. */
export function rephrased(error: unknown, words: (text: string) => string): unknown {
  return error instanceof RequestDescribed ? error : new Error(words(messageOf(error)));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
