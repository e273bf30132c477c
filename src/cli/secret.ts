/**
 * The envelope that most endpoints answer with, and the request forms that yield one.
 *
 * @module
 */
import { type Encodable, type Json, type JsonMap, JsonNumber } from '../model/json.ts';
import type { Call, Client } from './client.ts';
import { decodeJson, encodeJson } from './go-json.ts';
import { display } from './go-text.ts';
import { ResponseError } from './response-error.ts';

export interface SecretAuth {
  clientToken: string;
  accessor: string;
  policies: string[] | null;
  tokenPolicies: string[] | null;
  identityPolicies: string[] | null;
  metadata: JsonMap | null;
  orphan: boolean;
  entityId: string;
  leaseDuration: number;
  renewable: boolean;
  mfaRequirement: JsonMap | null;
}

export interface WrapInfo {
  token: string;
  accessor: string;
  ttl: number;
  creationTime: string;
  creationPath: string;
  wrappedAccessor: string;
}

export interface Secret {
  requestId: string;
  leaseId: string;
  leaseDuration: number;
  renewable: boolean;
  data: JsonMap | null;
  warnings: string[] | null;
  auth: SecretAuth | null;
  wrapInfo: WrapInfo | null;
  mountType: string;
}

export function emptySecret(): Secret {
  return {
    requestId: '',
    leaseId: '',
    leaseDuration: 0,
    renewable: false,
    data: null,
    warnings: null,
    auth: null,
    wrapInfo: null,
    mountType: '',
  };
}

/**
 * Reads an answer. One that has none of the envelope's members (`sys/health`, say) becomes the data itself.
 * @returns undefined for an empty body, and for one that holds only `errors`.
 * @throws Error for text that is no JSON object.
 */
export function parseSecret(body: Buffer): Secret | undefined {
  if (body.length === 0) return undefined;
  const map = decodeJson(body.toString('utf8'));
  if (!(map instanceof Map))
    throw new Error('json: cannot unmarshal the answer into a secret: it is no object');
  const secret: Secret = {
    requestId: asText(map.get('request_id')),
    leaseId: asText(map.get('lease_id')),
    leaseDuration: asNumber(map.get('lease_duration')),
    renewable: map.get('renewable') === true,
    data: asMap(map.get('data')),
    warnings: asTexts(map.get('warnings')),
    auth: parseAuth(asMap(map.get('auth'))),
    wrapInfo: parseWrapInfo(asMap(map.get('wrap_info'))),
    mountType: asText(map.get('mount_type')),
  };
  if (isEnvelope(secret)) return secret;
  const errors = map.get('errors');
  if (errors !== undefined && map.size === 1) return undefined;
  if (Array.isArray(errors)) throw new Error(errors.map(display).join(' '));
  return map.size > 0 ? { ...secret, data: map } : secret;
}

function isEnvelope(secret: Secret): boolean {
  return Object.values(secret).some(
    (member) => member !== '' && member !== 0 && member !== false && member !== null,
  );
}

function parseAuth(map: JsonMap | null): SecretAuth | null {
  if (!map) return null;
  return {
    clientToken: asText(map.get('client_token')),
    accessor: asText(map.get('accessor')),
    policies: asTexts(map.get('policies')),
    tokenPolicies: asTexts(map.get('token_policies')),
    identityPolicies: asTexts(map.get('identity_policies')),
    metadata: asMap(map.get('metadata')),
    orphan: map.get('orphan') === true,
    entityId: asText(map.get('entity_id')),
    leaseDuration: asNumber(map.get('lease_duration')),
    renewable: map.get('renewable') === true,
    mfaRequirement: asMap(map.get('mfa_requirement')),
  };
}

function parseWrapInfo(map: JsonMap | null): WrapInfo | null {
  if (!map) return null;
  return {
    token: asText(map.get('token')),
    accessor: asText(map.get('accessor')),
    ttl: asNumber(map.get('ttl')),
    creationTime: asText(map.get('creation_time')),
    creationPath: asText(map.get('creation_path')),
    wrappedAccessor: asText(map.get('wrapped_accessor')),
  };
}

export function asMap(value: Json | undefined): JsonMap | null {
  return value instanceof Map ? value : null;
}

export function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function asNumber(value: Json | undefined): number {
  return value instanceof JsonNumber ? Number(value.text) : 0;
}

/** A list of strings; null where there is none. */
export function asTexts(value: Json | undefined): string[] | null {
  return Array.isArray(value) ? value.map(display) : null;
}

/** The secret as `-format=json` prints it: members in the order of Vault's struct, and none of the absent ones at its end. */
export function secretToJson(secret: Secret): Encodable {
  const { auth, wrapInfo } = secret;
  return {
    request_id: secret.requestId,
    lease_id: secret.leaseId,
    lease_duration: secret.leaseDuration,
    renewable: secret.renewable,
    data: secret.data,
    warnings: secret.warnings,
    auth: auth
      ? {
          client_token: auth.clientToken,
          accessor: auth.accessor,
          policies: auth.policies,
          token_policies: auth.tokenPolicies,
          identity_policies: auth.identityPolicies,
          metadata: auth.metadata,
          orphan: auth.orphan,
          entity_id: auth.entityId,
          lease_duration: auth.leaseDuration,
          renewable: auth.renewable,
          mfa_requirement: auth.mfaRequirement,
        }
      : undefined,
    wrap_info: wrapInfo
      ? {
          token: wrapInfo.token,
          accessor: wrapInfo.accessor,
          ttl: wrapInfo.ttl,
          creation_time: wrapInfo.creationTime,
          creation_path: wrapInfo.creationPath,
          wrapped_accessor: wrapInfo.wrappedAccessor,
        }
      : undefined,
    mount_type: secret.mountType || undefined,
  };
}

/** The list that LIST answers with, or undefined. */
export function listedKeys(secret: Secret | undefined): Json[] | undefined {
  const keys = secret?.data?.get('keys');
  return Array.isArray(keys) ? keys : undefined;
}

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
