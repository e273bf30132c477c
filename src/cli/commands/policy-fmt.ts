/**
 * `policy fmt`: writes a policy file again in the usual form.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { command, expectArguments } from '../command.ts';
import { localFailure, messageOf } from '../failure.ts';
import { readFile } from '../key-values.ts';

export const policyFmt = command({
  usage: 'policy fmt [options] PATH',
  about: `
Writes the policy file PATH again in the usual form: indented by two spaces, with aligned values. A file that
is no policy stays as it is.

    $ vault policy fmt my-policy.hcl`,
  async run({ args, env, terminal }) {
    expectArguments(args, 1);
    const path = (args[0] as string).trim().replace(/^~(?=\/|$)/, () => env.HOME ?? homedir());
    const text = readSource(path);
    const formatted = await format(text);
    try {
      writeFileSync(path, formatted);
    } catch (error) {
      throw localFailure(`Error writing result: ${messageOf(error)}`);
    }
    terminal.output(`Success! Formatted policy: ${path}`);
    return 0;
  },
});

function readSource(path: string): string {
  try {
    return readFile(path);
  } catch (error) {
    throw localFailure(`Error reading source file: ${messageOf(error)}`);
  }
}

/** @throws CommandFailure for text that the server would not take as a policy. */
async function format(text: string): Promise<string> {
  const [{ parsePolicy }, { formatHcl }] = await Promise.all([
    import('../../auth/policies/parse.ts'),
    import('../../model/hcl.ts'),
  ]);
  try {
    parsePolicy('', text);
  } catch (error) {
    throw localFailure(messageOf(error));
  }
  try {
    return formatHcl(text);
  } catch (error) {
    throw localFailure(`Error printing result: ${messageOf(error)}`);
  }
}
