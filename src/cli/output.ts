/**
 * Printing answers in the format that was asked for.
 *
 * @module
 */
import { type Encodable, type Json, type JsonMap, JsonNumber } from '../model/json.ts';
import { quote } from '../model/printable.ts';
import { humanDuration } from './duration.ts';
import { localFailure } from './failure.ts';
import { encodeJsonIndented } from './go-json.ts';
import { compareBytes, display, quoteList, wrapPadded } from './go-text.ts';
import { listedKeys, type Secret, secretToJson } from './secret.ts';
import { table } from './table.ts';
import type { Terminal } from './terminal.ts';

export const FORMATS = ['table', 'json', 'yaml', 'yml', 'pretty', 'raw'] as const;
export type Format = (typeof FORMATS)[number];

/** What decides how a command prints: where to, `-format`, `-detailed`. */
export interface Printer {
  terminal: Terminal;
  format: Format;
  detailed: boolean;
}

/** Prints a whole secret. */
export async function printSecret(printer: Printer, secret: Secret): Promise<number> {
  if (printer.format !== 'table') return printData(printer, secretToJson(secret));
  printWarnings(printer, secret);
  const rows = secretRows(secret);
  if (rows.length > 0) printer.terminal.output(table([['Key', 'Value'], ...rows]));
  return 0;
}

/** Prints `data` as JSON or YAML; as a table only what is a map. */
export async function printData(printer: Printer, data: Encodable): Promise<number> {
  if (printer.format === 'table') {
    if (!(data instanceof Map))
      throw localFailure('Could not parse output: cannot use the table formatter for this type');
    const rows = mapRows(data as JsonMap);
    if (rows.length > 0) printer.terminal.output(table([['Key', 'Value'], ...rows]));
    return 0;
  }
  printer.terminal.output(await formatted(printer.format, data));
  return 0;
}

/** `data` as text in one of the formats for machines. */
async function formatted(format: Format, data: Encodable): Promise<string> {
  switch (format) {
    case 'json':
      return encodeJsonIndented(data);
    case 'yaml':
    case 'yml':
      return (await import('./yaml.ts')).encodeYaml(data);
    case 'pretty':
      throw localFailure('Could not parse output: cannot use the pretty formatter for this type');
    default:
      throw localFailure(
        'Could not parse output: This command does not support the -format=raw option; only `vault read` does.',
      );
  }
}

/** Prints what LIST answered: its keys, or with -detailed what is known of each. */
export async function printList(printer: Printer, secret: Secret): Promise<number> {
  const keys = listedKeys(secret) ?? [];
  if (printer.format !== 'table') {
    const whole = printer.format === 'json' && printer.detailed;
    return printData(printer, whole ? secretToJson(secret) : keys);
  }
  printWarnings(printer, secret);
  if (keys.length === 0) return 0;
  const names = keys.map((key) => {
    if (typeof key !== 'string')
      throw localFailure(`Could not parse output: ${display(key)} is not a string`);
    return key;
  });
  names.sort(compareBytes);
  const info = secret.data?.get('key_info');
  const details = printer.detailed && info instanceof Map && info.size > 0 ? info : undefined;
  printer.terminal.output(
    table(details ? detailedRows(names, details) : [['Keys'], ...names.map((name) => [name])]),
  );
  return 0;
}

function detailedRows(names: string[], info: JsonMap): string[][] {
  const known = (name: string) => {
    const members = info.get(name);
    return members instanceof Map ? members : undefined;
  };
  const headers = [...new Set(names.flatMap((name) => [...(known(name)?.keys() ?? [])]))].sort(compareBytes);
  const rows = names.map((name) => [
    name,
    ...headers.map((header) => {
      const value = known(name)?.get(header);
      return value === undefined ? 'n/a' : display(asDuration(header, value));
    }),
  ]);
  return [['Keys', ...headers], ...rows];
}

/** Prints the warnings that came with an answer, on standard error. */
export function printWarnings(printer: Printer, secret: Secret | undefined): void {
  if (!secret?.warnings?.length) return;
  const { terminal } = printer;
  terminal.warn('WARNING! The following warnings were returned from Vault:\n');
  for (const warning of secret.warnings) {
    terminal.warn(wrapPadded(`* ${warning}`, 2));
    terminal.warn('');
  }
}

function secretRows(secret: Secret): string[][] {
  const rows: string[][] = [];
  const { auth, wrapInfo } = secret;
  if (secret.leaseDuration > 0) {
    const duration = humanDuration(BigInt(secret.leaseDuration));
    // A duration without a lease is how KV v1 says when to look again.
    if (secret.leaseId === '') rows.push(['refresh_interval', duration]);
    else {
      rows.push(['lease_id', secret.leaseId], ['lease_duration', duration]);
      rows.push(['lease_renewable', String(secret.renewable)]);
    }
  }
  if (auth?.mfaRequirement)
    rows.push(['mfa_request_id', display(auth.mfaRequirement.get('mfa_request_id') ?? '')]);
  else if (auth) {
    rows.push(['token', auth.clientToken], ['token_accessor', auth.accessor]);
    rows.push(['token_duration', auth.leaseDuration === 0 ? '∞' : humanDuration(BigInt(auth.leaseDuration))]);
    rows.push(['token_renewable', String(auth.renewable)]);
    rows.push(['token_policies', quoteList(auth.tokenPolicies ?? [])]);
    rows.push(['identity_policies', quoteList(auth.identityPolicies ?? [])]);
    rows.push(['policies', quoteList(auth.policies ?? [])]);
    for (const [key, value] of sorted(auth.metadata)) rows.push([`token_meta_${key}`, display(value)]);
  }
  if (wrapInfo) {
    rows.push(['wrapping_token:', wrapInfo.token], ['wrapping_accessor:', wrapInfo.accessor]);
    rows.push(['wrapping_token_ttl:', humanDuration(BigInt(wrapInfo.ttl))]);
    rows.push(['wrapping_token_creation_time:', goTime(wrapInfo.creationTime)]);
    rows.push(['wrapping_token_creation_path:', wrapInfo.creationPath]);
    if (wrapInfo.wrappedAccessor) rows.push(['wrapped_accessor:', wrapInfo.wrappedAccessor]);
  }
  return [...rows, ...mapRows(secret.data)];
}

/** Go's `time.Time.String()` of an RFC 3339 time: `2026-01-02 03:04:05.123 +0000 UTC`. */
function goTime(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(Z|([+-]\d\d):(\d\d))$/.exec(text);
  if (!match) return text;
  const [, date, time, zone, hours, minutes] = match;
  return zone === 'Z' ? `${date} ${time} +0000 UTC` : `${date} ${time} ${hours}${minutes} ${hours}${minutes}`;
}

function sorted(map: ReadonlyMap<string, Json> | null): [string, Json][] {
  return [...(map ?? [])].sort(([a], [b]) => compareBytes(a, b));
}

function mapRows(map: JsonMap | null): string[][] {
  return sorted(map).map(([key, value]) => [key, display(asDuration(key, value))]);
}

/** Numbers under names such as `ttl` are seconds, and printed as durations. */
function asDuration(key: string, value: Json): Json {
  const named = /^(?:lease_max|ttl_max)$|(?:^|_)(?:period|ttl|duration)$/.test(key);
  if (!named || !(value instanceof JsonNumber) || !/^-?\d+$/.test(value.text)) return value;
  return humanDuration(BigInt(value.text));
}

/** Prints one field, for scripts. @param kind - what it is a field of, for the error text. */
export async function printField(
  printer: Printer,
  value: Encodable,
  field: string,
  kind: 'secret' | 'map' | 'seal status',
): Promise<number> {
  if (value === undefined || value === null)
    throw localFailure(`Field ${quote(field)} not present in ${kind}`);
  const { format, terminal } = printer;
  if (format === 'table' || format === 'raw') terminal.raw(displayField(value));
  else
    terminal.raw(
      format === 'yaml' || format === 'yml'
        ? `${await formatted(format, value)}\n`
        : await formatted(format, value),
    );
  return 0;
}

function displayField(value: Encodable): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return display(value as Json);
}

/** Prints one field of a secret; those of its authentication or wrapping have names of their own. */
export async function printSecretField(printer: Printer, secret: Secret, field: string): Promise<number> {
  const value = secretField(secret, field);
  if (value !== undefined && value !== null && printer.format === 'table') printWarnings(printer, secret);
  return printField(printer, value, field, 'secret');
}

function secretField(secret: Secret, field: string): Encodable {
  const { auth, wrapInfo, data } = secret;
  let named: Record<string, Encodable>;
  if (auth) {
    named = {
      token: auth.clientToken,
      token_accessor: auth.accessor,
      token_duration: auth.leaseDuration,
      token_renewable: auth.renewable,
      token_policies: auth.tokenPolicies ?? [],
      identity_policies: auth.identityPolicies ?? [],
      policies: auth.policies ?? [],
    };
  } else if (wrapInfo) {
    named = {
      wrapping_token: wrapInfo.token,
      wrapping_accessor: wrapInfo.accessor,
      wrapping_token_ttl: wrapInfo.ttl,
      wrapping_token_creation_time: wrapInfo.creationTime,
      wrapping_token_creation_path: wrapInfo.creationPath,
      wrapped_accessor: wrapInfo.wrappedAccessor,
    };
  } else {
    named = {
      lease_duration: secret.leaseDuration,
      lease_id: secret.leaseId,
      request_id: secret.requestId,
      renewable: secret.renewable,
      refresh_interval: secret.leaseDuration,
      data: data?.has('data') ? data.get('data') : data,
    };
  }
  return Object.hasOwn(named, field) ? named[field] : data?.get(field);
}
