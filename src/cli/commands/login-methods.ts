/**
 * The auth methods that `login` knows, and how each is explained by `auth help`.
 *
 * @module
 */
import type { Client } from '../client.ts';
import type { Secret } from '../secret.ts';
import type { Terminal } from '../terminal.ts';
import { appRoleLoginHelp, loginWithAppRole } from './approle-login.ts';
import { loginWithToken, tokenLoginHelp } from './token-login.ts';
import { loginWithUserpass, userpassLoginHelp } from './userpass-login.ts';

/** Logs in with `config`, the K=V pairs; `mount` is always among them. @throws Error; its text follows `Error authenticating: `. */
export type LoginMethod = (
  client: Client,
  config: ReadonlyMap<string, string>,
  terminal: Terminal,
  nonInteractive: boolean,
) => Promise<Secret>;

export const LOGIN_METHODS: Readonly<Record<string, LoginMethod | undefined>> = {
  approle: loginWithAppRole,
  token: loginWithToken,
  userpass: loginWithUserpass,
};

export const LOGIN_HELP: Readonly<Record<string, { usage: string; about: string } | undefined>> = {
  approle: appRoleLoginHelp,
  token: tokenLoginHelp,
  userpass: userpassLoginHelp,
};
