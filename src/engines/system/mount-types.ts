/**
 * Types of engines and auth methods that Vault 1.19 knows, so that a refusal can name one: an error never repeats what else was sent.
 *
 * @module
 */
import { badRequest, type CodedError } from '../../model/errors.ts';

export const VAULT_TYPES: ReadonlySet<string> = new Set(
  (
    'ad alicloud approle aws azure centrify cert cf consul cubbyhole database gcp gcpkms github identity jwt kerberos keymgmt kmip ' +
    'kubernetes kv ldap mongodb mongodbatlas nomad oci oidc okta openldap pcf pki rabbitmq radius saml ssh system terraform token totp ' +
    'transform transit userpass'
  ).split(' '),
);

/** The answer to a type that cannot be enabled here. */
export function unknownType(type: string): CodedError {
  return badRequest(`plugin not found in the catalog${VAULT_TYPES.has(type) ? `: ${type}` : ''}`);
}
