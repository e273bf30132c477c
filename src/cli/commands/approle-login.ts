/**
 * Logging in with a role id and a secret id.
 *
 * @module
 */
import type { Client } from '../client.ts';
import { emptySecret, type Secret } from '../secret.ts';
import { writeSecret } from '../secret-requests.ts';

export const appRoleLoginHelp = {
  usage: 'login -method=approle [CONFIG K=V...]',
  about: `
Logs in with the role id of an AppRole and one of its secret ids.

    $ vault login -method=approle role_id=@role-id secret_id=@secret-id

Configuration:

  role_id=<string>
      The role id.

  secret_id=<string>
      The secret id; not needed where the role asks for none. With @FILE it is
      read from a file, with - from standard input, which keeps it out of the
      shell's history.

  mount=<string>
      Where the auth method is enabled. Default: approle.`,
};

/** @throws Error; its text follows `Error authenticating: `. */
export async function loginWithAppRole(client: Client, config: ReadonlyMap<string, string>): Promise<Secret> {
  const roleId = (config.get('role_id') ?? '').trim();
  if (roleId === '') throw new Error("'role_id' must be specified");
  const secretId = (config.get('secret_id') ?? '').trim();
  const mount = (config.get('mount') ?? 'approle').replace(/^\/+|\/+$/g, '');
  const body = { role_id: roleId, ...(secretId !== '' && { secret_id: secretId }) };
  return (await writeSecret(client, `auth/${mount}/login`, body)) ?? emptySecret();
}
