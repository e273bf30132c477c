/**
 * `operator rekey`.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing, localFailure } from '../failure.ts';
import { boolFlag, type FlagTable, intFlag, listFlag, stringFlag } from '../flags.ts';
import { decodeJson, encodeJson } from '../go-json.ts';
import { wrapText } from '../go-text.ts';
import { printData } from '../output.ts';
import { pgpKeysIn } from '../pgp-files.ts';
import { printKeys, printStatus, printVerification, rekeyResult } from '../rekey-text.ts';
import { asMap, asText } from '../secret.ts';
import { ask } from '../secret-requests.ts';
import { nonceFlag, shareFrom } from '../share-input.ts';

const flags = {
  init: boolFlag('Begin a rekey, with the shares, threshold and PGP keys that the other flags say.'),
  cancel: boolFlag('End it; the shares in force stay. Needs -nonce, or a token that may.'),
  status: boolFlag('Show how far it is.'),
  'key-shares': intFlag('Into how many shares the new unseal key is split.', { absent: 5, aliases: ['n'] }),
  'key-threshold': intFlag('How many of them unseal.', { absent: 3, aliases: ['t'] }),
  target: stringFlag('"barrier"; "recovery" is for servers that unseal themselves.', { absent: 'barrier' }),
  verify: boolFlag(
    'With -init: the new shares must be given once before they are in force. Otherwise: what is asked for concerns that.',
  ),
  'pgp-keys': listFlag('Files with the PGP keys to encrypt the new shares with, separated by commas.'),
  backup: boolFlag('Keep the encrypted shares in the store of the server, too.'),
  'backup-retrieve': boolFlag('Show the encrypted shares that were kept.'),
  'backup-delete': boolFlag('Delete the encrypted shares that were kept.'),
  ...nonceFlag,
} satisfies FlagTable;

export type RekeyRun = Run<typeof flags>;

export const operatorRekey = command({
  usage: 'operator rekey [options] [KEY]',
  about: `
Makes new shares of a new unseal key, for which enough holders of those in force have to give theirs.
Nothing is interrupted. Without KEY the share is asked for, which keeps it out of the shell's history; "-"
reads it from standard input.

    $ vault operator rekey -init -key-shares=5 -key-threshold=3 -verify
    $ vault operator rekey
    $ vault operator rekey -verify
    $ vault operator rekey -init -n=2 -t=2 -pgp-keys=ada.asc,bob.asc -backup`,
  flags,
  output: { format: true },
  async run(run) {
    const { args, flags } = run;
    expectArguments(args, 0, 1);
    const paths = pathsOf(flags.target);
    const client = await run.client();
    if (flags['backup-delete']) return deleteBackup(run, client, paths);
    if (flags['backup-retrieve']) return showBackup(run, client, paths);
    if (flags.cancel) return cancel(run, client, paths);
    if (flags.init) return init(run, client, paths);
    if (flags.status) return printStatusNow(run, client, paths, flags.verify);
    return provide(run, client, paths);
  },
});

interface Paths {
  readonly kind: 'Unseal' | 'Recovery';
  readonly base: string;
  readonly backup: string;
}

function pathsOf(target: string): Paths {
  switch (target.trim().toLowerCase()) {
    case 'barrier':
      return { kind: 'Unseal', base: 'sys/rekey', backup: 'sys/rekey/backup' };
    case 'recovery':
    case 'hsm':
      return {
        kind: 'Recovery',
        base: 'sys/rekey-recovery-key',
        backup: 'sys/rekey/recovery-key-backup',
      };
    default:
      throw localFailure(`Unknown target: ${target}`);
  }
}

async function asked(client: Client, method: 'GET' | 'PUT', path: string, body?: string): Promise<JsonMap> {
  const reply = await client.request({ method, path, body });
  return asMap(decodeJson(reply.body.toString('utf8'))) ?? new Map();
}

async function init(run: RekeyRun, client: Client, { base, kind }: Paths): Promise<number> {
  const { flags, terminal, printer, program } = run;
  const pgpKeys = pgpKeysIn('pgp-keys', flags['pgp-keys']);
  const body = encodeJson({
    secret_shares: flags['key-shares'],
    secret_threshold: flags['key-threshold'],
    pgp_keys: pgpKeys ?? null,
    backup: flags.backup,
    require_verification: flags.verify,
  });
  const begun = await describing('Error initializing rekey', asked(client, 'PUT', `${base}/init`, body));
  if (printer.format === 'table' && !flags.backup) {
    const again = `"${program} operator rekey -cancel"`;
    const keys = `${kind.toLowerCase()} keys`;
    const advice = pgpKeys
      ? `WARNING! The new ${keys} will be encrypted, but not kept in the store: who loses them has lost them. To have them kept until they are deleted, end this with ${again} and begin anew with -backup.`
      : `WARNING! The new ${keys} are shown once and kept nowhere: who loses them has lost them. To have them encrypted to their holders, and kept until they are deleted, end this with ${again} and begin anew with -pgp-keys and -backup.`;
    terminal.warn(`${wrapText(advice)}\n`);
  }
  return printStatus(run, begun);
}

async function cancel({ flags, terminal }: RekeyRun, client: Client, { base }: Paths): Promise<number> {
  const body = flags.nonce === '' ? undefined : encodeJson({ nonce: flags.nonce });
  const path = `${base}/${flags.verify ? 'verify' : 'init'}`;
  await describing('Error canceling rekey', client.request({ method: 'DELETE', path, body }));
  terminal.output('Success! Canceled rekeying (if it was started)');
  return 0;
}

async function printStatusNow(
  run: RekeyRun,
  client: Client,
  { base }: Paths,
  isVerification: boolean,
): Promise<number> {
  const path = `${base}/${isVerification ? 'verify' : 'init'}`;
  const now = await describing('Error reading rekey status', asked(client, 'GET', path));
  return isVerification ? printVerification(run, now) : printStatus(run, now);
}

async function provide(run: RekeyRun, client: Client, paths: Paths): Promise<number> {
  const { flags, terminal, program, printer } = run;
  const { base, kind } = paths;
  const now = await describing(
    'Error getting rekey status',
    asked(client, 'GET', `${base}/${flags.verify ? 'verify' : 'init'}`),
  );
  if (now.get('started') !== true) {
    throw localFailure(
      wrapText(
        `No rekey is in progress. Start a rekey process by running "${program} operator rekey -init".`,
      ),
    );
  }
  const nonce = asText(now.get('nonce'));
  const share = await shareFrom(run, { nonce, title: 'Rekey operation nonce', kind });
  const path = `${base}/${flags.verify ? 'verify' : 'update'}`;
  const done = await describing(
    'Error posting unseal key',
    asked(client, 'PUT', path, encodeJson({ ...share })),
  );
  if (done.get('complete') !== true) return printStatusNow(run, client, paths, flags.verify);
  if (flags.verify) {
    terminal.output(
      wrapText(
        'Rekey verification successful. The rekey operation is complete and the new keys are now active.',
      ),
    );
    return 0;
  }
  if (printer.format !== 'table') return printData(printer, rekeyResult(done));
  printKeys(run, kind, now, done);
  const mustVerify = done.get('verification_required') === true;
  return mustVerify ? printStatusNow(run, client, paths, true) : 0;
}

async function showBackup({ printer }: RekeyRun, client: Client, { backup }: Paths): Promise<number> {
  const secret = await describing(
    'Error retrieving rekey backed up keys',
    ask(client, { method: 'GET', path: backup }),
  );
  const data = secret?.data ?? new Map();
  const kept = new Map(['keys', 'keys_base64', 'nonce'].map((name) => [name, data.get(name) ?? null]));
  return printData(printer, printer.format === 'table' ? kept : Object.fromEntries(kept));
}

async function deleteBackup({ terminal }: RekeyRun, client: Client, { backup }: Paths): Promise<number> {
  await describing('Error deleting rekey backed up keys', client.request({ method: 'DELETE', path: backup }));
  terminal.output('Success! Deleted backed up keys (if they existed)');
  return 0;
}
