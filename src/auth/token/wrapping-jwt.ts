/**
 * Wrapping tokens as JSON Web Tokens (`X-Vault-Wrap-Format: jwt`): the token, and the address where it can be opened, signed with ES512
 * (RFC 7518 §3.4). Only who wraps and who opens reads them: everything else of the program knows the token inside.
 *
 * @module
 */
import { createECDH, createPrivateKey, createPublicKey, hkdfSync, sign, verify } from 'node:crypto';
import type { WrapInfo } from '../../model/wrapping.ts';

/** Order of the curve P-521 (FIPS 186-4 §D.1.2.5). */
const ORDER = BigInt(
  '0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
);
const SCALAR_BYTES = 66;
/** So many more than the scalar's, so that no scalar is likelier than another (FIPS 186-5 §A.2.1). */
const SPARE_BYTES = 16;
/** A verifier's clock may be behind by so much, seconds. */
const NOT_BEFORE = 5;
const HEADER = base64url('{"alg":"ES512","typ":"JWT"}');

export interface WrappingJwt {
  /** The token of `info` in its envelope. @param address - where the API is. */
  write(info: WrapInfo, address: string, nowMs: number): string;
  /** The token inside; the text itself where it is no JWT, '' where it is one that this cluster has not signed. */
  tokenIn(text: string): string;
}

/** @param key - 32 bytes, the same on every node; wiped after use. */
export function makeWrappingJwt(key: () => Uint8Array): WrappingJwt {
  function jwk() {
    const seed = key();
    const wide = hkdfSync(
      'sha512',
      seed,
      new Uint8Array(0),
      'wrapping token ES512',
      SCALAR_BYTES + SPARE_BYTES,
    );
    seed.fill(0);
    const scalar = (BigInt(`0x${Buffer.from(wide).toString('hex')}`) % (ORDER - 1n)) + 1n;
    const d = Buffer.from(scalar.toString(16).padStart(2 * SCALAR_BYTES, '0'), 'hex');
    const curve = createECDH('secp521r1');
    curve.setPrivateKey(d);
    const point = curve.getPublicKey();
    const [x, y] = [point.subarray(1, 1 + SCALAR_BYTES), point.subarray(1 + SCALAR_BYTES)];
    const common = { kty: 'EC', crv: 'P-521', x: base64url(x), y: base64url(y) };
    return { common, d: base64url(d) };
  }

  return {
    write(info, address, nowMs) {
      const now = Math.floor(nowMs / 1_000);
      const claims = {
        accessor: info.wrapped_accessor ?? '',
        addr: address,
        exp: now + info.ttl,
        iat: now,
        jti: info.token,
        nbf: now - NOT_BEFORE,
        type: 'wrapping',
      };
      const signed = `${HEADER}.${base64url(JSON.stringify(claims))}`;
      const { common, d } = jwk();
      const privateKey = createPrivateKey({ key: { ...common, d }, format: 'jwk' });
      const signature = sign('sha512', Buffer.from(signed), {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      return `${signed}.${base64url(signature)}`;
    },
    tokenIn(text) {
      const [header, claims, signature, more] = text.split('.');
      // The tokens of ours have but one dot, and a chosen one has none.
      if (header !== HEADER || claims === undefined || signature === undefined || more !== undefined)
        return text;
      const publicKey = createPublicKey({ key: jwk().common, format: 'jwk' });
      const isOurs = verify(
        'sha512',
        Buffer.from(`${header}.${claims}`),
        { key: publicKey, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      );
      if (!isOurs) return '';
      const { jti, type } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      return type === 'wrapping' && typeof jti === 'string' ? jti : '';
    },
  };
}

function base64url(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
