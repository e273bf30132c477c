/**
 * Which release this is: Vault's version, which clients compare, and ours.
 *
 * @module
 */

/** The release of Vault whose API this is; shown wherever Vault shows its own. */
export const VAULT_VERSION = '1.19.5';
/** As in package.json; a test compares them. */
export const COFFER_VERSION = '0.1.0';
/** When this release was made: Vault's `build_date`, OpenBao's `commit_date`. */
export const BUILD_DATE = '2026-11-22T00:00:00Z';
/** What Vault's own engines show as their plugin version. */
export const BUILTIN_PLUGIN_VERSION = `v${VAULT_VERSION}+builtin.vault`;
