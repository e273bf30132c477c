/**
 * `policy list`, `policy read`, `policy write`, `policy delete`.
 *
 * @module
 */
import type { Json } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { describing, messageOf, remoteFailure } from '../failure.ts';
import { encodeJson } from '../go-json.ts';
import { display } from '../go-text.ts';
import { readFile, readStream } from '../key-values.ts';
import { printData } from '../output.ts';
import { ResponseError } from '../response-error.ts';
import { asText } from '../secret.ts';
import { ask } from '../secret-requests.ts';

const ROOT = 'sys/policies/acl';

export const policyList = command({
  usage: 'policy list [options]',
  about: `
Lists the policies.

    $ vault policy list`,
  output: { format: true },
  async run({ args, client: connect, printer, terminal }) {
    expectArguments(args, 0);
    const client = await connect();
    const names = await describing('Error listing policies', policyNames(client));
    if (printer.format !== 'table') return printData(printer, names);
    for (const name of names) terminal.output(display(name));
    return 0;
  },
});

async function policyNames(client: Client): Promise<Json[]> {
  const secret = await ask(client, { method: 'GET', path: ROOT, query: new Map([['list', ['true']]]) });
  if (!secret?.data) throw new Error('data from server response is empty');
  const names = secret.data.get('keys');
  return Array.isArray(names) ? names : [];
}

export const policyRead = command({
  usage: 'policy read [options] NAME',
  about: `
Prints a policy.

    $ vault policy read my-policy`,
  output: { format: true },
  async run({ args, client: connect, printer, terminal }) {
    expectArguments(args, 1);
    const client = await connect();
    const name = canonicalName(args[0] as string);
    const rules = await describing(`Error reading policy named ${name}`, policyRules(client, name));
    if (rules === '') throw remoteFailure(`No policy named: ${name}`);
    if (printer.format !== 'table') return printData(printer, { policy: rules });
    terminal.output(rules.trim());
    return 0;
  },
});

/** The empty text where there is no such policy. */
async function policyRules(client: Client, name: string): Promise<string> {
  try {
    const secret = await ask(client, { method: 'GET', path: `${ROOT}/${name}` });
    if (!secret?.data) throw new Error('data from server response is empty');
    if (!secret.data.has('policy')) throw new Error('no policy found in response');
    return asText(secret.data.get('policy'));
  } catch (error) {
    if (error instanceof ResponseError && error.status === 404) return '';
    throw error;
  }
}

export const policyWrite = command({
  usage: 'policy write [options] NAME PATH',
  about: `
Uploads the policy in the file PATH, or on standard input where PATH is -.

    $ vault policy write my-policy ./my-policy.hcl
    $ cat my-policy.hcl | vault policy write my-policy -`,
  async run({ args, client: connect, terminal }) {
    expectArguments(args, 2);
    const client = await connect();
    const [given = '', source = ''] = args;
    const name = canonicalName(given);
    const policy = await policyText(source.trim(), terminal.streams.stdin);
    const body = encodeJson({ policy });
    await describing(
      'Error uploading policy',
      client.request({ method: 'PUT', path: `${ROOT}/${name}`, body }),
    );
    if (given !== name) terminal.warn(`Policy name was converted from "${given}" to "${name}"`);
    terminal.output(`Success! Uploaded policy: ${name}`);
    return 0;
  },
});

async function policyText(source: string, stdin: Parameters<typeof readStream>[0]): Promise<string> {
  if (source === '-') return readStream(stdin);
  try {
    return readFile(source);
  } catch (error) {
    throw remoteFailure(`Error opening policy file: ${messageOf(error)}`);
  }
}

export const policyDelete = command({
  usage: 'policy delete [options] NAME',
  about: `
Deletes a policy. Tokens that have it keep its name, and may no longer do what it allowed.

    $ vault policy delete my-policy`,
  async run({ args, client: connect, terminal }) {
    expectArguments(args, 1);
    const client = await connect();
    const name = canonicalName(args[0] as string);
    await describing(`Error deleting ${name}`, client.request({ method: 'DELETE', path: `${ROOT}/${name}` }));
    terminal.output(`Success! Deleted policy: ${name}`);
    return 0;
  },
});

/** Names of policies are lower case. */
function canonicalName(name: string): string {
  return name.toLowerCase().trim();
}
