/**
 * The text of a policy, from what was sent: as it is, or in base64.
 *
 * @module
 */
import { isBase64 } from '../../model/base64.ts';
import { HCL_BYTES_MAX } from '../../model/limits.ts';

export function policyText(sent: string): string {
  return fromBase64(sent) ?? sent;
}

/** What the longest policy may be in base64; what is longer is refused as it is. */
const BASE64_CHARS_MAX = Math.ceil(HCL_BYTES_MAX / 3) * 4;

/** The text, if `sent` is base64 of UTF-8. No policy is both: base64 has no blank, brace or quote. */
function fromBase64(sent: string): string | undefined {
  const text = sent.trim();
  // The pattern goes on a stack, which millions of repetitions would overflow.
  if (text.length > BASE64_CHARS_MAX) return undefined;
  if (text === '' || !isBase64(text)) {
    return undefined;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'base64'));
  } catch {
    return undefined;
  }
}
