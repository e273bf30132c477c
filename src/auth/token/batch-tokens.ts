/**
 * Batch tokens: what a token is stands in its own text, sealed, and is stored nowhere (contract §3.1). So it cannot be renewed, revoked or
 * counted; it ends by its time, with its parent, or with the mount that issued it.
 *
 *   hvb.<base64url of salt, ciphertext, tag>[.<namespace id>]
 *
 * Each is sealed by AES-256-GCM under a key of its own, HMAC-SHA256 of the salt, so that no number of them wears the key out.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { TokenState } from '../../model/caller.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import { TOKEN_BYTES_MAX } from '../../model/limits.ts';
import { namespaceIdOfToken, namespaceSuffix } from '../../model/namespace.ts';

export const BATCH_PREFIX = 'hvb.';
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const FORM = 1;
/** Its key seals nothing else. */
const NONCE = Buffer.alloc(12);

export interface BatchTokens {
  /** @throws CodedError where its text would be too long. */
  write(state: TokenState, namespaceId: string): string;
  /** Undefined where it was not written here. Whether it is still good is not asked. */
  open(token: string): TokenState | undefined;
}

/**
 * @param key - 32 bytes, the same on every node; wiped after use.
 * @param uuidOf - of a namespace. The short id may be drawn again one day for another one, whose tokens these must not be.
 */
export function makeBatchTokens(
  key: () => Uint8Array,
  randomBytes: (bytes: number) => Buffer,
  uuidOf: (namespaceId: string) => string | undefined,
): BatchTokens {
  function keyOf(salt: Uint8Array): Buffer {
    const bytes = key();
    const own = createHmac('sha256', bytes).update(salt).digest();
    bytes.fill(0);
    return own;
  }

  return {
    write(state, namespaceId) {
      const uuid = uuidOf(namespaceId);
      if (uuid === undefined) throw new CodedError('stale_claims');
      const salt = randomBytes(SALT_BYTES);
      const own = keyOf(salt);
      const cipher = createCipheriv('aes-256-gcm', own, NONCE).setAAD(Buffer.from(uuid));
      const body = Buffer.concat([cipher.update(encode(state)), cipher.final()]);
      own.fill(0);
      const sealed = Buffer.concat([salt, body, cipher.getAuthTag()]).toString('base64url');
      const token = BATCH_PREFIX + sealed + namespaceSuffix(namespaceId);
      if (token.length > TOKEN_BYTES_MAX)
        throw badRequest(
          `a batch token with these settings would be longer than ${TOKEN_BYTES_MAX} characters`,
        );
      return token;
    },
    open(token) {
      if (!token.startsWith(BATCH_PREFIX) || token.length > TOKEN_BYTES_MAX) return undefined;
      const namespaceId = namespaceIdOfToken(token);
      const uuid = uuidOf(namespaceId);
      if (uuid === undefined) return undefined;
      const suffix = namespaceSuffix(namespaceId);
      const text = token.slice(BATCH_PREFIX.length, token.length - suffix.length);
      const sealed = Buffer.from(text, 'base64url');
      // One token has one spelling: Node's decoder passes over what is not base64url.
      if (sealed.length <= SALT_BYTES + TAG_BYTES || sealed.toString('base64url') !== text) return undefined;
      const own = keyOf(sealed.subarray(0, SALT_BYTES));
      const decipher = createDecipheriv('aes-256-gcm', own, NONCE, { authTagLength: TAG_BYTES });
      own.fill(0);
      decipher.setAAD(Buffer.from(uuid)).setAuthTag(sealed.subarray(-TAG_BYTES));
      const body = decipher.update(sealed.subarray(SALT_BYTES, -TAG_BYTES));
      try {
        decipher.final();
      } catch {
        return undefined;
      }
      return decode(body);
    },
  };
}

/** A list, which is shorter than names would be. */
function encode(state: TokenState): Buffer {
  const { parent, policies, meta, displayName, path, createdAtMs, ttl, noDefaultPolicy } = state;
  const always = [
    FORM,
    parent ?? 0,
    policies,
    meta,
    displayName,
    path,
    createdAtMs,
    ttl,
    noDefaultPolicy ? 1 : 0,
  ];
  const { role, boundCidrs, issuer } = state;
  const rest = [role ?? 0, boundCidrs ?? 0, issuer ? [issuer.mount, issuer.name] : 0];
  while (rest.at(-1) === 0) rest.pop();
  return Buffer.from(JSON.stringify([...always, ...rest]));
}

function decode(body: Buffer): TokenState | undefined {
  const [
    form,
    parent,
    policies,
    meta,
    displayName,
    path,
    createdAtMs,
    ttl,
    noDefault,
    role,
    boundCidrs,
    issuer,
  ] = JSON.parse(body.toString());
  if (form !== FORM) return undefined;
  const state: TokenState = {
    parent: parent === 0 ? undefined : parent,
    policies,
    meta,
    displayName,
    usesLeft: undefined,
    numUses: 0,
    type: 'batch',
    path,
    createdAtMs,
    ttl,
    expiresAtMs: createdAtMs + ttl * 1_000,
    explicitMaxTtl: 0,
    period: 0,
    renewable: false,
    noDefaultPolicy: noDefault === 1,
  };
  if (role) state.role = role;
  if (boundCidrs) state.boundCidrs = boundCidrs;
  if (issuer) state.issuer = { mount: issuer[0], name: issuer[1] };
  return state;
}
