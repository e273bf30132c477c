/**
 * `kv get`.
 *
 * @module
 */
import { command, expectArguments, type Run } from '../command.ts';
import { remoteFailure } from '../failure.ts';
import { type FlagTable, intFlag } from '../flags.ts';
import { printData, printField, printSecret, printSecretField, printWarnings } from '../output.ts';
import { asMap, type Secret } from '../secret.ts';
import { banner, bannerFor, findKvPlace, mountFlag, readKv } from './kv-paths.ts';

const flags = { ...mountFlag, version: intFlag('Read this version, not the newest.') } satisfies FlagTable;

export const kvGet = command({
  usage: 'kv get [options] KEY',
  about: `
Reads a secret.

    $ vault kv get -mount=secret hello
    $ vault kv get -mount=secret -version=1 hello
    $ vault kv get -mount=secret -field=who hello`,
  flags,
  output: { field: true, format: true },
  async run(run) {
    expectArguments(run.args, 1);
    const place = await findKvPlace(run, (run.args[0] as string).replace(/^\//, ''));
    const path = place.at('data');
    const { version } = run.flags;
    const query = new Map(place.v2 && version > 0 ? [['version', [String(version)]]] : []);
    const secret = await readKv(place.client, path, 'Error reading', query);
    if (!secret) throw remoteFailure(`No value found at ${path}`);
    if (run.flags.field) return printOneField(run, secret, path, place.v2);
    if (secret.wrapInfo || run.flags.format !== 'table') return printSecret(run.printer, secret);
    return printParts(run, secret, path, place.v2);
  },
});

async function printOneField(
  run: Run<typeof flags>,
  secret: Secret,
  path: string,
  v2: boolean,
): Promise<number> {
  const { field } = run.flags;
  if (!v2) return printSecretField(run.printer, secret, field);
  const data = asMap(secret.data?.get('data'));
  if (!data) throw remoteFailure(`No data found at ${path}`);
  // `-field=data` is the whole data, unless the secret has a value of that name.
  if (field === 'data' && !data.has('data')) return printSecretField(run.printer, secret, field);
  return printField(run.printer, data.get(field), field, 'map');
}

async function printParts(
  run: Run<typeof flags>,
  secret: Secret,
  path: string,
  v2: boolean,
): Promise<number> {
  const { terminal, printer } = run;
  printWarnings(printer, secret);
  if (v2) terminal.output(`${banner('Secret Path', path.length)}\n${path}\n`);
  const metadata = asMap(secret.data?.get('metadata'));
  if (metadata) {
    terminal.output(bannerFor('Metadata', metadata));
    await printData(printer, metadata);
    terminal.output('');
  }
  const data = v2 ? asMap(secret.data?.get('data')) : secret.data;
  if (data) {
    terminal.output(bannerFor('Data', data));
    await printData(printer, data);
  }
  return 0;
}
