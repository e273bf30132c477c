/**
 * `kv metadata get` and `kv metadata delete`.
 *
 * @module
 */
import { command, expectArguments, type Run } from '../command.ts';
import { describing, localFailure, remoteFailure } from '../failure.ts';
import { printData, printSecret, printSecretField } from '../output.ts';
import { sanitizePath } from '../paths.ts';
import { asMap, type Secret } from '../secret.ts';
import { deleteSecret, readSecret } from '../secret-requests.ts';
import { banner, bannerFor, findKvPlace, type KvPlace, mountFlag } from './kv-paths.ts';

export const kvMetadataGet = command({
  usage: 'kv metadata get [options] KEY',
  about: `
Prints what is kept about a secret and its versions.

    $ vault kv metadata get -mount=secret hello`,
  flags: mountFlag,
  output: { field: true, format: true },
  async run(run) {
    expectArguments(run.args, 1);
    const place = await findVersionedPlace(run);
    const path = place.at('metadata');
    const secret = await describing(`Error reading ${path}`, readSecret(place.client, path));
    if (!secret) throw remoteFailure(`No value found at ${path}`);
    if (run.flags.field) return printSecretField(run.printer, secret, run.flags.field);
    if (secret.wrapInfo || run.flags.format !== 'table') return printSecret(run.printer, secret);
    return printParts(run, secret, path);
  },
});

export const kvMetadataDelete = command({
  usage: 'kv metadata delete [options] PATH',
  about: `
Deletes a secret with all its versions and metadata. Nothing brings it back.

    $ vault kv metadata delete -mount=secret hello`,
  flags: mountFlag,
  async run(run) {
    expectArguments(run.args, 1);
    const place = await findVersionedPlace(run);
    const path = place.at('metadata');
    await describing(`Error deleting ${path}`, deleteSecret(place.client, path));
    run.terminal.output(`Success! Data deleted (if it existed) at: ${path}`);
    return 0;
  },
});

/** @throws CommandFailure where the mount has no versions, and so no metadata. */
export async function findVersionedPlace(run: Run<typeof mountFlag>): Promise<KvPlace> {
  const place = await findKvPlace(run, sanitizePath(run.args[0] as string));
  if (!place.v2) throw localFailure('Metadata not supported on KV Version 1');
  return place;
}

async function printParts(run: Run<typeof mountFlag>, secret: Secret, path: string): Promise<number> {
  const { terminal, printer } = run;
  const versions = asMap(secret.data?.get('versions'));
  if (!versions) {
    terminal.error(`No value found at ${path}`);
    await printSecret(printer, secret);
    return 2;
  }
  const settings = new Map([...(secret.data ?? [])].filter(([key]) => key !== 'versions'));
  terminal.output(`${banner('Metadata Path', path.length)}\n${path}\n`);
  terminal.output(bannerFor('Metadata', settings));
  await printSecret(printer, { ...secret, data: settings });
  for (const number of [...versions.keys()].sort((a, b) => Number(a) - Number(b))) {
    const details = asMap(versions.get(number)) ?? new Map();
    terminal.output(`\n${bannerFor(`Version ${number}`, details)}`);
    await printData(printer, details);
  }
  return 0;
}
