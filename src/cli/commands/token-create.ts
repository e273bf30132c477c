/**
 * `token create`.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { formatDuration } from '../duration.ts';
import { describing } from '../failure.ts';
import { boolFlag, durationFlag, type FlagTable, intFlag, listFlag, mapFlag, stringFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { printSecret, printSecretField } from '../output.ts';
import { emptySecret } from '../secret.ts';
import { ask } from '../secret-requests.ts';

const flags = {
  id: stringFlag('The token itself, rather than a random one. Needs sudo.'),
  'display-name': stringFlag('Name that helps to recognize it. No secret.'),
  ttl: durationFlag('How long it lives unless renewed, such as "30s" or "5m".'),
  'explicit-max-ttl': durationFlag('How long it may live at most, renewed or not.'),
  period: durationFlag('It lives this long from each renewal, without end. Needs sudo.'),
  renewable: boolFlag('It may be renewed.', { absent: true }),
  orphan: boolFlag('It has no parent, and is not revoked with one. Needs sudo.'),
  'no-default-policy': boolFlag('It does not get the policy "default".'),
  'use-limit': intFlag('How many requests it is good for; 0: any number.'),
  role: stringFlag('The role to create it by. What the role says goes before these flags.'),
  type: stringFlag('"service" or "batch".', { absent: 'service' }),
  metadata: mapFlag('key=value to write to the audit log with each use. May be given many times.'),
  policy: listFlag('A policy it gets. May be given many times. Without any, it gets those of its parent.'),
  'entity-alias': stringFlag('The alias whose entity it belongs to. Needs a role that allows it.'),
} satisfies FlagTable;

type CreateRun = Run<typeof flags>;

export const tokenCreate = command({
  usage: 'token create [options]',
  about: `
Creates a token, as a child of the one in use.

    $ vault token create -policy=my-policy -ttl=1h`,
  flags,
  output: { field: true, format: true },
  async run(run) {
    expectArguments(run.args, 0);
    const client = await run.client();
    const path = run.flags.role === '' ? 'auth/token/create' : `auth/token/create/${run.flags.role}`;
    const asking = ask(client, { method: 'POST', path, body: encodeJson(request(run)) });
    const secret = (await describing('Error creating token', asking)) ?? emptySecret();
    return run.flags.field
      ? printSecretField(run.printer, secret, run.flags.field)
      : printSecret(run.printer, secret);
  },
});

/** Members and their order are those of Vault's client; what is empty is left out where it leaves it out. */
function request({ flags }: CreateRun): Encodable {
  return {
    id: flags.id || undefined,
    policies: flags.policy.length > 0 ? flags.policy : undefined,
    meta: flags.metadata.size > 0 ? flags.metadata : undefined,
    ttl: formatDuration(flags.ttl),
    explicit_max_ttl: formatDuration(flags['explicit-max-ttl']),
    period: formatDuration(flags.period),
    no_parent: flags.orphan || undefined,
    no_default_policy: flags['no-default-policy'] || undefined,
    display_name: flags['display-name'],
    num_uses: flags['use-limit'],
    renewable: flags.type === 'batch' ? false : flags.renewable,
    type: flags.type,
    entity_alias: flags['entity-alias'],
  };
}
