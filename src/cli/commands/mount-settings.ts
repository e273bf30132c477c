/**
 * Settings of a mount that `enable` and `tune` share, for secrets engines and auth methods.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import type { Run } from '../command.ts';
import { durationFlag, type FlagTable, intFlag, listFlag, mapFlag, stringFlag } from '../flags.ts';

export const mountFlags = {
  description: stringFlag('What this mount is for.'),
  'default-lease-ttl': durationFlag(
    "How long leases live where nobody asks for more. -1 goes back to the server's own.",
  ),
  'max-lease-ttl': durationFlag("How long leases may live at most. -1 goes back to the server's own."),
  'audit-non-hmac-request-keys': listFlag(
    'Key of requests that audit devices write unhashed. May be given many times.',
  ),
  'audit-non-hmac-response-keys': listFlag(
    'Key of answers that audit devices write unhashed. May be given many times.',
  ),
  'listing-visibility': stringFlag('"unauth" lists the mount to everybody, "hidden" does not.'),
  'passthrough-request-headers': listFlag(
    'Request header that the engine is to see. May be given many times.',
  ),
  'allowed-response-headers': listFlag('Response header that the engine may set. May be given many times.'),
  'plugin-version': stringFlag('Version of the plugin to run.'),
  options: mapFlag('An option of the engine, as key=value. May be given many times.'),
  version: intFlag('Version of the engine: short for -options=version=N.'),
  'identity-token-key': stringFlag('Key that signs identity tokens for the plugin.'),
} satisfies FlagTable;

export const secretsFlags = {
  ...mountFlags,
  'allowed-managed-keys': listFlag('Managed key that the mount may use. May be given many times.'),
  'delegated-auth-accessors': listFlag(
    'Accessor of an auth mount that the engine may hand logins to. May be given many times.',
  ),
} satisfies FlagTable;

export const tokenTypeFlag = {
  'token-type': stringFlag(
    'Kind of token that the method gives out: service, batch, default-service or default-batch.',
  ),
} satisfies FlagTable;

/** Wire names of the members that are sent only if their flag was given, in the order of Vault's struct. */
const WHEN_GIVEN: readonly [flag: string, wire: string][] = [
  ['audit-non-hmac-request-keys', 'audit_non_hmac_request_keys'],
  ['audit-non-hmac-response-keys', 'audit_non_hmac_response_keys'],
  ['listing-visibility', 'listing_visibility'],
  ['passthrough-request-headers', 'passthrough_request_headers'],
  ['allowed-response-headers', 'allowed_response_headers'],
  ['token-type', 'token_type'],
  ['allowed-managed-keys', 'allowed_managed_keys'],
  ['plugin-version', 'plugin_version'],
  ['delegated-auth-accessors', 'delegated_auth_accessors'],
  ['identity-token-key', 'identity_token_key'],
];

export function givenSettings(run: Run<FlagTable>): Record<string, Encodable> {
  const values = run.flags as Readonly<Record<string, Encodable>>;
  const given = WHEN_GIVEN.filter(([flag]) => run.given.has(flag) && !isEmpty(values[flag]));
  return Object.fromEntries(given.map(([flag, wire]) => [wire, values[flag]]));
}

/** What Vault's client leaves out of its JSON although it was given. */
function isEmpty(value: Encodable): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
}

/** `-options` and `-version` together; null where neither was given, as Go sends a nil map. */
export function engineOptions(
  run: Run<Pick<typeof mountFlags, 'options' | 'version'>>,
): ReadonlyMap<string, string> | null {
  const { options, version } = run.flags;
  const all = version > 0 ? new Map([...options, ['version', String(version)]]) : options;
  return all.size > 0 ? all : null;
}
