/**
 * Environment variables of the client. Each has Vault's name, and the same name with `COFFER_` in front of it, which wins.
 *
 * @module
 */

export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of `name` (its Vault spelling, `VAULT_…`), or undefined where neither spelling is set. */
export function lookupVariable(env: Environment, name: string): string | undefined {
  if (!name.startsWith('VAULT_')) return env[name];
  return env[`COFFER_${name.slice('VAULT_'.length)}`] ?? env[name];
}

/** As `lookupVariable`, with the empty string for what is not set: Vault takes both for absent in most places. */
export function readVariable(env: Environment, name: string): string {
  return lookupVariable(env, name) ?? '';
}
