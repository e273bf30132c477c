/**
 * What may be in a log line: names that stand for secrets lose their value, tokens in any text are cut out, errors become plain
 * fields, and all is bounded. The last line of defence: who logs gives no secrets to begin with.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { LOG_DEPTH_MAX, LOG_LIST_MAX, LOG_TEXT_CHARS_MAX } from '../model/limits.ts';
import type { LogFields } from '../model/log.ts';

const HIDDEN = '[redacted]';

/** Compared in lower case without `-` and `_`. */
const SECRET_NAMES = new Set(
  (
    'token clienttoken xvaulttoken roottoken wrappingtoken accessor authorization cookie setcookie password passwd passphrase ' +
    'secret secretid secretkey privatekey apikey key keys keysbase64 share shares unsealkey unsealkeys recoverykeys rootkey ' +
    'plaintext ciphertext data body value values payload salt otp passcode'
  ).split(' '),
);

/** Service, batch and recovery tokens, new and old form; also what stands after `Bearer`. */
const TOKENS = /\b(hv[sbr]|[sbr])\.[A-Za-z0-9_-]{20,}|\b(Bearer) +\S+/g;

/** `text` without tokens, no longer than the bound. */
export function redactText(text: string): string {
  const short =
    text.length > LOG_TEXT_CHARS_MAX
      ? `${text.slice(0, LOG_TEXT_CHARS_MAX)}… (${text.length} characters)`
      : text;
  return short.replaceAll(
    TOKENS,
    (_all, prefix = 'Bearer ') => (prefix.endsWith(' ') ? prefix : `${prefix}.`) + HIDDEN,
  );
}

/** Fields as they may be written: plain JSON values. Never throws, whatever it is given. */
export function redact(fields: LogFields): Record<string, unknown> {
  try {
    return members(Object.entries(fields), 0);
  } catch {
    return { fields: 'could not be read' };
  }
}

function members(entries: [string, unknown][], depth: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of entries.slice(0, LOG_LIST_MAX)) {
    if (value === undefined) continue;
    const isSecret =
      SECRET_NAMES.has(name.toLowerCase().replaceAll(/[-_]/g, '')) && typeof value !== 'boolean';
    // Not an assignment: `__proto__` is a name like others.
    Object.defineProperty(shown, name, {
      value: isSecret ? HIDDEN : shownValue(value, depth),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return shown;
}

function shownValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return typeof value === 'bigint' ? String(value) : `[${typeof value}]`;
  if (value instanceof Error) return errorFields(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= LOG_DEPTH_MAX) return '[…]';
  if (Array.isArray(value)) return value.slice(0, LOG_LIST_MAX).map((one) => shownValue(one, depth + 1));
  if (value instanceof Date) return value.toJSON();
  if (value instanceof Map)
    return members(
      [...value].map(([k, v]) => [String(k), v]),
      depth + 1,
    );
  return members(Object.entries(value), depth + 1);
}

/** Errors of ours carry texts that clients see; others are our bugs, so their stack helps, and both lose their tokens. */
function errorFields(error: Error, depth: number): Record<string, unknown> {
  const code = (error as { code?: unknown }).code;
  const cause = error.cause;
  return {
    type: error.name,
    message: redactText(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error instanceof CodedError ? {} : { stack: redactText(error.stack ?? '') }),
    ...(cause !== undefined && depth < LOG_DEPTH_MAX ? { cause: shownValue(cause, depth + 1) } : {}),
  };
}
