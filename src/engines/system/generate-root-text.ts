/**
 * What the generation of a root token shows, and the one-time password that is drawn where nobody brings one.
 *
 * @module
 */

/** As long as a root token. */
export const OTP_CHARS = 28;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export interface RootStatus {
  readonly nonce: string;
  readonly started: boolean;
  readonly progress: number;
  readonly required: number;
  readonly complete: boolean;
  readonly fingerprint: string;
  readonly encodedToken: string;
}

/** All members, always, in Vault's order. */
export function encodeStatus(status: RootStatus) {
  return {
    nonce: status.nonce,
    started: status.started,
    progress: status.progress,
    required: status.required,
    complete: status.complete,
    encoded_token: status.encodedToken,
    encoded_root_token: status.encodedToken,
    pgp_fingerprint: status.fingerprint,
    otp: '',
    otp_length: OTP_CHARS,
  };
}

/** Uniform: bytes of 248 and above are drawn again. */
export function drawnOtp(randomBytes: (bytes: number) => Buffer): string {
  let otp = '';
  while (otp.length < OTP_CHARS) {
    for (const byte of randomBytes(OTP_CHARS)) {
      if (byte < 248 && otp.length < OTP_CHARS) otp += BASE62[byte % 62];
    }
  }
  return otp;
}
