/**
 * `namespace create`, `list`, `lookup`, `patch`, `delete`, `lock`, `unlock`.
 *
 * @module
 */
import { command, expectArguments } from '../command.ts';
import { describing, localFailure, remoteFailure } from '../failure.ts';
import { type FlagTable, listFlag, mapFlag } from '../flags.ts';
import { NOT_SET } from '../global-flags.ts';
import { printData, printSecret, printSecretField } from '../output.ts';
import { sanitizePath } from '../paths.ts';
import { emptySecret } from '../secret.ts';
import { deleteSecret, listSecret, patchSecret, readSecret, writeSecret } from '../secret-requests.ts';
import { printListing } from './listing.ts';

const ROOT = 'sys/namespaces';

const createFlags = {
  'custom-metadata': mapFlag('Any key=value to keep with the namespace. May be given many times.'),
} satisfies FlagTable;

const patchFlags = {
  'custom-metadata': mapFlag('A key=value to set. May be given many times.'),
  'remove-custom-metadata': listFlag('Key to remove. May be given many times.'),
} satisfies FlagTable;

export const namespaceCreate = command({
  usage: 'namespace create [options] PATH',
  about: `
Makes a namespace below the one that commands work in (-namespace).

    $ vault namespace create team
    $ vault namespace create -namespace=team -custom-metadata=owner=ann project`,
  flags: createFlags,
  output: { field: true, format: true },
  async run({ args, flags, client: connect, printer }) {
    expectArguments(args, 1);
    const client = await connect();
    const data = { custom_metadata: flags['custom-metadata'] };
    const secret = await describing(
      'Error creating namespace',
      writeSecret(client, `${ROOT}/${pathIn(args)}`, data),
    );
    if (flags.field) return printSecretField(printer, secret ?? emptySecret(), flags.field);
    return printSecret(printer, secret ?? emptySecret());
  },
});

export const namespaceList = command({
  usage: 'namespace list [options]',
  about: `
Lists the namespaces one level below.

    $ vault namespace list
    $ vault namespace list -detailed`,
  output: { format: true, detailed: true },
  async run(run) {
    expectArguments(run.args, 0);
    const client = await run.client();
    const secret = await describing('Error listing namespaces', listSecret(client, ROOT));
    if (run.printer.format !== 'table') {
      const detailed = run.flags.detailed && secret?.data?.get('key_info');
      if (detailed) return printData(run.printer, detailed);
    } else if (!secret) throw remoteFailure('No namespaces found');
    return printListing(run, `${ROOT}/`, secret);
  },
});

export const namespaceLookup = command({
  usage: 'namespace lookup [options] PATH',
  about: `
Shows a namespace.

    $ vault namespace lookup team`,
  output: { format: true },
  async run({ args, client: connect, printer }) {
    expectArguments(args, 1);
    const client = await connect();
    const secret = await describing(
      'Error looking up namespace',
      readSecret(client, `${ROOT}/${pathIn(args)}`),
    );
    if (!secret) throw remoteFailure('Namespace not found');
    return printSecret(printer, secret);
  },
});

export const namespacePatch = command({
  usage: 'namespace patch [options] PATH',
  about: `
Changes the custom metadata of a namespace.

    $ vault namespace patch -custom-metadata=owner=bob team
    $ vault namespace patch -remove-custom-metadata=owner team`,
  flags: patchFlags,
  output: { field: true, format: true },
  async run({ args, flags, client: connect, printer }) {
    expectArguments(args, 1);
    const client = await connect();
    const custom_metadata = new Map<string, string | null>(flags['custom-metadata']);
    // A null removes the member: RFC 7396.
    for (const key of flags['remove-custom-metadata']) custom_metadata.set(key, null);
    const secret = await describing(
      'Error patching namespace',
      patchSecret(client, `${ROOT}/${pathIn(args)}`, { custom_metadata }),
    );
    if (flags.field) return printSecretField(printer, secret ?? emptySecret(), flags.field);
    return printSecret(printer, secret ?? emptySecret());
  },
});

export const namespaceDelete = command({
  usage: 'namespace delete [options] PATH',
  about: `
Deletes a namespace with all that is in it. One with others below it is not deleted.

    $ vault namespace delete team`,
  async run({ args, client: connect, printer, terminal }) {
    expectArguments(args, 1);
    const client = await connect();
    const path = pathIn(args);
    const secret = await describing('Error deleting namespace', deleteSecret(client, `${ROOT}/${path}`));
    // It has something to say.
    if (secret) return printSecret(printer, secret);
    terminal.output(`Success! Namespace deleted at: ${path}/`);
    return 0;
  },
});

export const namespaceLock = command({
  usage: 'namespace lock [options] [PATH]',
  about: `
Locks the namespace that commands work in (-namespace), or one below it: nothing
is answered there, nor below it, until it is unlocked. Prints the key for that.

    $ vault namespace lock -namespace=team
    $ vault namespace lock team`,
  output: { format: true },
  async run({ args, client: connect, printer }) {
    expectOneAtMost(args);
    const client = await connect();
    const secret = await describing(
      'Error locking namespace',
      writeSecret(client, lockPath('lock', args), {}),
    );
    return printSecret(printer, secret ?? emptySecret());
  },
});

export const namespaceUnlock = command({
  usage: 'namespace unlock [options] [PATH]',
  about: `
Unlocks a namespace. A root token needs no key.

    $ vault namespace unlock -unlock-key=3bDnSxNMz1hIuBYLcCsBxmKp team`,
  async run({ args, flags, client: connect, printer }) {
    expectOneAtMost(args);
    const client = await connect();
    const key = flags['unlock-key'];
    const body = { unlock_key: key === NOT_SET ? '' : key };
    const secret = await describing(
      'Error unlocking namespace',
      writeSecret(client, lockPath('unlock', args), body),
    );
    return secret?.warnings?.length ? printSecret(printer, secret) : 0;
  },
});

/** @throws CommandFailure where it is empty. */
function pathIn(args: readonly string[]): string {
  const path = sanitizePath((args[0] ?? '').trim());
  if (path === '') throw localFailure('The path of the namespace is missing');
  return path;
}

/** @throws CommandFailure in Vault's words for it. */
function expectOneAtMost(args: readonly string[]): void {
  if (args.length > 1) throw localFailure(`Too many arguments (expected 0 or 1, got ${args.length})`);
}

function lockPath(way: 'lock' | 'unlock', args: readonly string[]): string {
  const path = `${ROOT}/api-lock/${way}`;
  return args.length === 0 ? path : `${path}/${pathIn(args)}`;
}
