/**
 * `secrets disable`, `secrets move`, `auth disable`, `auth move`.
 *
 * @module
 */
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing } from '../failure.ts';
import { encodeJson } from '../go-json.ts';
import { sanitizePath, withTrailingSlash } from '../paths.ts';
import { asMap, asText } from '../secret.ts';
import { ask } from '../secret-requests.ts';

/** How often a move that takes long is asked about. */
const POLL_MS = 10_000;

export const secretsDisable = command({
  usage: 'secrets disable [options] PATH',
  about: `
Disables the secrets engine at PATH. All its data and leases go with it.

    $ vault secrets disable team-a/`,
  run: (run) => disable(run, 'sys/mounts', 'secrets engine'),
});

export const authDisable = command({
  usage: 'auth disable [options] PATH',
  about: `
Disables the auth method at PATH. All tokens that it gave out are revoked.

    $ vault auth disable userpass/`,
  run: (run) => disable(run, 'sys/auth', 'auth method'),
});

export const secretsMove = command({
  usage: 'secrets move [options] SOURCE DESTINATION',
  about: `
Moves the secrets engine at SOURCE to DESTINATION. Its leases are revoked, its settings stay.

    $ vault secrets move secret/ generic/`,
  run: (run) => move(run, 'secrets engine'),
});

export const authMove = command({
  usage: 'auth move [options] SOURCE DESTINATION',
  about: `
Moves the auth method at SOURCE to DESTINATION; both start with auth/. Its tokens are revoked.

    $ vault auth move auth/userpass/ auth/staff/`,
  run: (run) => move(run, 'auth method'),
});

async function disable(run: Run, root: string, kind: string): Promise<number> {
  expectArguments(run.args, 1);
  const client = await run.client();
  const path = withTrailingSlash(sanitizePath(run.args[0] as string));
  await describing(
    `Error disabling ${kind} at ${path}`,
    client.request({ method: 'DELETE', path: `${root}/${path}` }),
  );
  run.terminal.output(`Success! Disabled the ${kind} (if it existed) at: ${path}`);
  return 0;
}

async function move(run: Run, kind: string): Promise<number> {
  expectArguments(run.args, 2);
  const from = withTrailingSlash(run.args[0] as string);
  const to = withTrailingSlash(run.args[1] as string);
  const client = await run.client();
  const what = `${kind} ${from} to ${to}`;
  const body = encodeJson(
    new Map([
      ['from', from],
      ['to', to],
    ]),
  );
  const starting = ask(client, { method: 'POST', path: 'sys/remount', body });
  const started = await describing(`Error moving ${what}`, starting);
  const id = asText(started?.data?.get('migration_id'));
  run.terminal.output(`Started moving ${what}, with migration ID ${id}`);
  for (;;) {
    const state = await describing(`Error checking migration status of ${what}`, migrationState(client, id));
    if (state === 'success') {
      run.terminal.output(`Success! Finished moving ${what}, with migration ID ${id}`);
      return 0;
    }
    if (state === 'failure') {
      run.terminal.error(`Failure! Error encountered moving ${what}, with migration ID ${id}`);
      return 0;
    }
    run.terminal.output(`Waiting for terminal status in migration of ${what}, with migration ID ${id}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function migrationState(client: Client, id: string): Promise<string> {
  const secret = await ask(client, { method: 'GET', path: `sys/remount/status/${id}` });
  return asText(asMap(secret?.data?.get('migration_info'))?.get('status'));
}
