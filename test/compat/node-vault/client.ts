/**
 * npm's `node-vault` as the tests call it: each command of its table through its real client, the answer checked against the response
 * schema of that command (which node-vault carries but does not check itself).
 *
 * @module
 */

import { createRequire } from 'node:module';

export interface Command {
  method: string;
  path: string;
  schema?: { req?: unknown; res?: unknown };
}

/** The parts of node-vault's client that are called by a name of their own. */
export interface NodeVault {
  token: string;
  commands: Record<string, Command>;
  help(path: string): Promise<Answer>;
  read(path: string): Promise<Answer>;
  write(path: string, data: unknown): Promise<Answer>;
  update(path: string, data: unknown): Promise<Answer>;
  list(path: string): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  startTokenRenewal(options: { ttl?: number; increment?: number; renewFraction?: number }): Promise<unknown>;
  stopAllRenewals(): void;
  once(event: string, listener: (value: unknown) => void): void;
}

/** A body; an empty string where there was none. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
export type Answer = any;

interface Tv4 {
  validate(value: unknown, schema: unknown): boolean;
  error: { message: string; dataPath: string } | null;
}

const require = createRequire(import.meta.url);
const makeClient = require('node-vault') as (options: object) => NodeVault;
/** The validator and the schema dialect that node-vault's table is written for. */
const tv4 = createRequire(require.resolve('node-vault'))('tv4') as Tv4;

export function nodeVault(address: string, token?: string, options: object = {}): NodeVault {
  return makeClient({ endpoint: address, token, ...options });
}

/**
 * Calls the command and checks its answer.
 * @throws Error when the server refuses, or the answer does not fit the command's own response schema.
 */
export async function callCommand(client: NodeVault, name: string, args: object = {}): Promise<Answer> {
  const command = (client as unknown as Record<string, (args: object) => Promise<Answer>>)[name];
  if (command === undefined) throw new Error(`node-vault has no command ${name}`);
  const before = client.token;
  const answer = await command(args);
  // Commands that make tokens switch the client over to them; here the next step wants the old one.
  client.token = before;
  const schema = client.commands[name]?.schema?.res;
  if (schema !== undefined && !tv4.validate(/approle/i.test(name) ? withoutNulls(answer) : answer, schema)) {
    throw new Error(`${tv4.error?.dataPath} ${tv4.error?.message}: ${JSON.stringify(answer)}`);
  }
  return answer;
}

/** node-vault's schema of AppRole's answers does not know that Vault sends null for what there is not. */
function withoutNulls(answer: object): object {
  return Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== null));
}

/** The status of a refused call, or undefined where it was not refused. */
export async function refusal(answer: Promise<Answer>): Promise<number | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    const status = (error as { response?: { statusCode?: number } }).response?.statusCode;
    if (status === undefined) throw error;
    return status;
  }
}
