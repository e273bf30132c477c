/**
 * What node-vault is made to do: every command in scope, in an order in which each finds what it needs.
 *
 * @module
 */

import { callCommand, nodeVault } from './client.ts';
import type { Step } from './step.ts';
import { appRoleSteps } from './steps/approle.ts';
import { secretSteps } from './steps/secrets.ts';
import { systemSteps } from './steps/system.ts';
import { tokenSteps } from './steps/tokens.ts';

/** Steps on a dev server with `token` as its root token; `auditFile` is a path it may write. */
export function devSteps(address: string, token: string, auditFile: string): Step[] {
  const client = nodeVault(address, token);
  const command = (name: string, args: object = {}) => callCommand(client, name, args);
  return [
    ...systemSteps(client, command, auditFile),
    ...tokenSteps(client, command, address),
    ...appRoleSteps(command, address),
    ...secretSteps(client, command, address, token),
  ];
}
