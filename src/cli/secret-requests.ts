/**
 * Requests that are answered with a secret: the forms of the official client's `Logical()`.
 *
 * @module
 */
import type { Encodable } from '../model/json.ts';
import type { Call, Client } from './client.ts';
import { encodeJson } from './go-json.ts';
import { ResponseError } from './response-error.ts';
import { parseSecret, type Secret } from './secret.ts';

export type Query = ReadonlyMap<string, readonly string[]>;

/** GET. A 404 is undefined, unless it brings data or warnings. */
export function readSecret(
  client: Client,
  path: string,
  query?: Query,
  detail: Partial<Call> = {},
): Promise<Secret | undefined> {
  return askForgiving(client, { method: 'GET', path, query, ...detail });
}

/** LIST, in the form every proxy lets through: `GET …?list=true`. */
export function listSecret(
  client: Client,
  path: string,
  more: Query = new Map(),
): Promise<Secret | undefined> {
  return askForgiving(client, { method: 'GET', path, query: new Map([['list', ['true']], ...more]) });
}

/** PUT. @throws ResponseError for a 404 too. */
export function writeSecret(client: Client, path: string, data: Encodable): Promise<Secret | undefined> {
  return ask(client, { method: 'PUT', path, body: encodeJson(data) });
}

/** PATCH, as a JSON merge patch. */
export function patchSecret(client: Client, path: string, data: Encodable): Promise<Secret | undefined> {
  return ask(client, {
    method: 'PATCH',
    path,
    body: encodeJson(data),
    contentType: 'application/merge-patch+json',
  });
}

export function deleteSecret(client: Client, path: string, query?: Query): Promise<Secret | undefined> {
  return ask(client, { method: 'DELETE', path, query });
}

/** Any other call that answers with an envelope. */
export async function ask(client: Client, call: Call): Promise<Secret | undefined> {
  return parseSecret((await client.request(call)).body);
}

async function askForgiving(client: Client, call: Call): Promise<Secret | undefined> {
  try {
    return await ask(client, call);
  } catch (error) {
    if (!(error instanceof ResponseError) || error.status !== 404) throw error;
    return secretOfRefusal(error);
  }
}

/** What a refusal brings besides its errors: a deleted version answers 404 with its metadata. */
export function secretOfRefusal(error: unknown): Secret | undefined {
  if (!(error instanceof ResponseError) || error.status !== 404) return undefined;
  const secret = parseSecret(error.reply.body);
  return secret && ((secret.warnings?.length ?? 0) > 0 || (secret.data?.size ?? 0) > 0) ? secret : undefined;
}

/**
 * Unwraps `token`, or the client's own. Without a token of its own the client uses the wrapping token as one.
 */
export async function unwrapSecret(client: Client, token: string): Promise<Secret | undefined> {
  const own = token === '' || token === client.token || client.token === '';
  const asker = own && token !== '' ? client.with({ token }) : client;
  const call: Call = {
    method: 'PUT',
    path: 'sys/wrapping/unwrap',
    body: own ? undefined : encodeJson({ token }),
  };
  try {
    return await ask(asker, call);
  } catch (error) {
    // The wrapped answer may itself have been a 404 with data.
    const secret = secretOfRefusal(error);
    if (secret) return secret;
    throw error;
  }
}
