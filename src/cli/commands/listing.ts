/**
 * How `list` and `kv list` print, and what they say where there is nothing.
 *
 * @module
 */
import type { Run } from '../command.ts';
import { remoteFailure } from '../failure.ts';
import { printData, printList, printSecret } from '../output.ts';
import { listedKeys, type Secret } from '../secret.ts';

/** @throws CommandFailure where `secret` has no keys. For machines an empty object is printed then, with the same exit code. */
export async function printListing(
  run: Pick<Run, 'printer'>,
  path: string,
  secret: Secret | undefined,
): Promise<number> {
  const { printer } = run;
  if (secret?.wrapInfo && secret.wrapInfo.ttl !== 0) return printSecret(printer, secret);
  const keys = listedKeys(secret);
  if (printer.format !== 'table' && keys === undefined) {
    await printData(printer, new Map());
    return 2;
  }
  if (!secret) throw remoteFailure(`No value found at ${path}`);
  // An answer without data has warnings, and those are worth seeing.
  if (!secret.data) return printSecret(printer, secret);
  if (keys === undefined) throw remoteFailure(`No entries found at ${path}`);
  return printList(printer, secret);
}
