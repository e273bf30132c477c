/**
 * `policy fmt`: writes a policy file again in the usual form.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { localFailure } from '../failure.ts';

export const policyFmt = command({
  usage: 'policy fmt [options] PATH',
  about: `
Writes the policy file PATH again in the usual form.

    $ vault policy fmt my-policy.hcl`,
  async run({ args }) {
    expectArguments(args, 1);
    throw localFailure('policy fmt is not there yet');
  },
});
