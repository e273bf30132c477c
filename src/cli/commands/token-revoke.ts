/**
 * `token revoke`.
 *
 * @module
 */
import type { Call } from '../client.ts';
import { command, type Run } from '../command.ts';
import { describing, localFailure } from '../failure.ts';
import { boolFlag, type FlagTable, stringFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';

const flags = {
  accessor: boolFlag('The argument is an accessor.'),
  self: boolFlag('Revoke the token in use.'),
  mode: stringFlag(
    'Without it, children are revoked too; "orphan" leaves them; "path" revokes all tokens that an auth path gave out.',
  ),
} satisfies FlagTable;

type RevokeRun = Run<typeof flags>;

export const tokenRevoke = command({
  usage: 'token revoke [options] [TOKEN | ACCESSOR]',
  about: `
Revokes a token and all tokens that were made with it.

    $ vault token revoke -accessor 8609694a-cdbc-db9b-d345-e782dbb562ed
    $ vault token revoke -self`,
  flags,
  async run(run) {
    const fault = misuse(run);
    if (fault !== undefined) throw localFailure(fault);
    const client = await run.client();
    const call = revocation(run.flags, (run.args[0] ?? '').trim());
    await describing('Error revoking token', client.request(call));
    run.terminal.output('Success! Revoked token (if it existed)');
    return 0;
  },
});

function misuse({ flags, args }: RevokeRun): string | undefined {
  const { accessor, self, mode } = flags;
  if (!['', 'orphan', 'path'].includes(mode)) return `Invalid mode: ${mode}`;
  if (self && args.length > 0) return `Too many arguments with -self (expected 0, got ${args.length})`;
  if (!self && args.length > 1) return `Too many arguments (expected 1 or -self, got ${args.length})`;
  if (!self && args.length < 1) return `Not enough arguments (expected 1 or -self, got ${args.length})`;
  if (self && accessor) return 'Cannot use -self with -accessor!';
  if (self && mode !== '') return 'Cannot use -self with -mode!';
  if (accessor && mode !== '') return `Cannot use -accessor with -mode=${mode}!`;
  return undefined;
}

function revocation({ accessor, self, mode }: RevokeRun['flags'], token: string): Call {
  if (self) return { method: 'PUT', path: 'auth/token/revoke-self' };
  if (accessor) {
    return { method: 'POST', path: 'auth/token/revoke-accessor', body: encodeJson({ accessor: token }) };
  }
  if (mode === 'path') return { method: 'PUT', path: `sys/leases/revoke-prefix/${token}` };
  const path = mode === 'orphan' ? 'auth/token/revoke-orphan' : 'auth/token/revoke';
  return { method: 'PUT', path, body: encodeJson({ token }) };
}
