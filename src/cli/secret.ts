/**
 * The envelope that most endpoints answer with.
 *
 * @module
 */
import { type Encodable, type Json, type JsonMap, JsonNumber } from '../model/json.ts';
import { decodeJson } from './go-json.ts';
import { display } from './go-text.ts';

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
