/**
 * A refusal as it crosses nodes: code and texts, never a cause or data. Its payload is JSON, `{"code", "messages", "status"?}`.
 *
 * @module
 */
import { CodedError, ERRORS, type ErrorCode } from '../../model/errors.ts';
import { REFUSAL_CHARS_MAX } from '../../model/limits.ts';

/** What of `error` the sender of a request is told. An error without a code tells nothing. */
export function encodeRefusal(error: unknown): Uint8Array {
  const coded = error instanceof CodedError ? error : new CodedError('internal');
  let room = REFUSAL_CHARS_MAX;
  const messages: string[] = [];
  for (const text of coded.messages) {
    if (room <= 0) break;
    // Cut between characters, not inside one: half a surrogate pair is no text.
    messages.push(text.slice(0, room).toWellFormed());
    room -= text.length;
  }
  const status = coded.status === ERRORS[coded.code].status ? undefined : coded.status;
  return Buffer.from(JSON.stringify({ code: coded.code, messages, status }));
}

/** A code of a later release, or no refusal at all, becomes `unsupported`: it was refused, and we do not understand why. */
export function decodeRefusal(payload: Uint8Array): CodedError {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return new CodedError('unsupported');
  }
  if (typeof value !== 'object' || value === null) return new CodedError('unsupported');
  const { code, messages, status } = value as Record<string, unknown>;
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) return new CodedError('unsupported');
  const texts = Array.isArray(messages) ? messages.filter((text) => typeof text === 'string') : [];
  const known = Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599;
  return new CodedError(code as ErrorCode, texts, known ? { status: status as number } : {});
}
