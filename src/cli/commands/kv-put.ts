/**
 * `kv put`, and how it and its kin print the new version.
 *
 * @module
 */
import { command, type Run } from '../command.ts';
import { localFailure } from '../failure.ts';
import { type FlagTable, intFlag } from '../flags.ts';
import { parseKeyValues, stdinReader } from '../key-values.ts';
import { printData, printSecret } from '../output.ts';
import { sanitizePath } from '../paths.ts';
import type { Secret } from '../secret.ts';
import { writeSecret } from '../secret-requests.ts';
import { printChange } from './change.ts';
import { banner, bannerFor, findKvPlace, mountFlag } from './kv-paths.ts';

const flags = {
  ...mountFlag,
  cas: intFlag('Write only if this is the newest version; 0: only if there is none.', { absent: -1 }),
} satisfies FlagTable;

export const kvPut = command({
  usage: 'kv put [options] KEY [DATA]',
  about: `
Writes a secret. What it held before is no longer part of it. A value that starts with @ is read from that
file, the value - from standard input; the argument @FILE or - alone brings a whole JSON object.

    $ vault kv put -mount=secret hello who=world
    $ vault kv put -mount=secret -cas=1 hello who=everybody
    $ vault kv put -mount=secret hello @data.json`,
  flags,
  output: { field: true, format: true },
  async run(run) {
    const { args } = run;
    if (args.length < 1) throw localFailure(`Not enough arguments (expected >1, got ${args.length})`);
    if (args.length === 1) throw localFailure('Must supply data');
    const stdin = stdinReader(run.terminal.streams.stdin, run.flags['non-interactive']);
    const data = await parseKeyValues(args.slice(1), stdin);
    const place = await findKvPlace(run, sanitizePath(args[0] as string));
    const path = place.at('data');
    const options = run.flags.cas > -1 ? { cas: run.flags.cas } : {};
    return printChange(run, writeSecret(place.client, path, place.v2 ? { data, options } : data), {
      failed: `Error writing data to ${path}`,
      done: `Success! Data written to: ${path}`,
      print: (secret) => printVersion(run, secret, path),
    });
  },
});

/** Path and metadata of a version that was just written. */
export async function printVersion(
  run: Pick<Run, 'printer' | 'terminal'>,
  secret: Secret,
  path: string,
): Promise<number> {
  const { printer, terminal } = run;
  const wrapped = secret.wrapInfo !== null && secret.wrapInfo.ttl !== 0;
  if (wrapped || printer.format !== 'table') return printSecret(printer, secret);
  const metadata = secret.data ?? new Map();
  terminal.output(`${banner('Secret Path', path.length)}\n${path}\n`);
  terminal.output(bannerFor('Metadata', metadata));
  return printData(printer, metadata);
}
