/**
 * `lease lookup`, `lease renew`, `lease revoke`.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { wholeSeconds } from '../duration.ts';
import { describing, localFailure } from '../failure.ts';
import { boolFlag, durationFlag, type FlagTable } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { wrapText } from '../go-text.ts';
import { printSecret } from '../output.ts';
import { emptySecret } from '../secret.ts';
import { ask } from '../secret-requests.ts';

export const leaseLookup = command({
  usage: 'lease lookup ID',
  about: `
Shows a lease.

    $ vault lease lookup database/creds/readonly/2f6a614c`,
  output: { format: true },
  async run({ args, client: connect, printer }) {
    const id = oneId(args, 1);
    const client = await connect();
    const asking = ask(client, {
      method: 'PUT',
      path: 'sys/leases/lookup',
      body: encodeJson({ lease_id: id }),
    });
    const secret = await describing(`error looking up lease id ${id}`, asking);
    return printSecret(printer, secret ?? emptySecret());
  },
});

export const leaseRenew = command({
  usage: 'lease renew [options] ID',
  about: `
Renews the lease of a secret, so that it lives longer.

    $ vault lease renew database/creds/readonly/2f6a614c`,
  flags: {
    increment: durationFlag('For how long to ask. The server need not grant it.'),
  } satisfies FlagTable,
  output: { format: true },
  async run({ args, flags, client: connect, printer }) {
    const id = oneId(args, 2);
    const client = await connect();
    const body = encodeJson({ increment: wholeSeconds(flags.increment), lease_id: id });
    const secret = await describing(
      `Error renewing ${id}`,
      ask(client, { method: 'PUT', path: 'sys/leases/renew', body }),
    );
    return printSecret(printer, secret ?? emptySecret());
  },
});

/** @param most - how many arguments the text says there may be; Vault's text for `renew` says two. */
function oneId(args: readonly string[], most: number): string {
  if (args.length === 0) throw localFailure('Missing ID!');
  if (args.length > 1)
    throw localFailure(`Too many arguments (expected ${most === 1 ? '1' : '1-2'}, got ${args.length})`);
  return (args[0] as string).trim();
}

const revokeFlags = {
  force: boolFlag('Forget the leases although the secrets may still be good. Needs -prefix.', {
    aliases: ['f'],
  }),
  prefix: boolFlag('Revoke every lease whose ID starts with the argument.'),
  sync: boolFlag('Wait until it is done.'),
} satisfies FlagTable;

export const leaseRevoke = command({
  usage: 'lease revoke [options] ID',
  about: `
Revokes leases, and with them the secrets. The server does so after it has answered, unless -sync is given.

    $ vault lease revoke database/creds/readonly/2f6a614c
    $ vault lease revoke -prefix aws/creds/deploy`,
  flags: revokeFlags,
  async run({ args, flags, client: connect, terminal }) {
    expectArguments(args, 1);
    if (flags.force && !flags.prefix)
      throw localFailure('Specifying -force requires also specifying -prefix');
    const client = await connect();
    const id = (args[0] as string).trim();
    if (flags.force) {
      terminal.warn(
        wrapText('Warning! Force-removing leases can cause Vault to become out of sync with secret engines!'),
      );
    }
    const way = flags.force ? 'revoke-force' : flags.prefix ? 'revoke-prefix' : 'revoke';
    const body = flags.force ? undefined : encodeJson({ sync: flags.sync });
    const what = flags.prefix ? `leases with prefix ${id}` : `lease ${id}`;
    const failed = `Error ${flags.force ? 'force ' : ''}revoking ${what}`;
    await describing(failed, client.request({ method: 'PUT', path: `sys/leases/${way}/${id}`, body }));
    if (flags.force) terminal.output(`Success! Force revoked any leases with prefix: ${id}`);
    else if (!flags.sync) terminal.output('All revocation operations queued successfully!');
    else if (flags.prefix) terminal.output(`Success! Revoked any leases with prefix: ${id}`);
    else terminal.output(`Success! Revoked lease: ${id}`);
    return 0;
  },
});
