/**
 * Makes the answers of two servers comparable: what differs from run to run is replaced by a word.
 *
 * @module
 */

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g;
/** Both end in the id of their namespace, unless that is the root namespace. */
const TOKEN = /\b(hvs|hvb|s|b)\.[A-Za-z0-9_-]{20,}(\.[A-Za-z0-9]{6}\b)?/g;
const HMAC = /hmac-sha256:[0-9a-f]{64}/g;
const ACCESSOR = /^[A-Za-z0-9]{24}(\.[A-Za-z0-9]{6})?$/;
const MOUNT_ACCESSOR = /^([a-z_]+)_[0-9a-f]{8}$/;
const CLUSTER_NAME = /^vault-cluster-[0-9a-f]{8}$/;
/** Seconds left shrink while the test runs. */
const SHRINKING = new Set(['ttl', 'lease_duration']);
const SHRINKING_STEP_S = 10;
/** More encryptions than the sequences can cause, of a server that counts what it has reserved. */
const ENCRYPTIONS_MAX = 100_000;
/** Seconds since 1970. */
const EPOCHS = new Set(['creation_time', 'server_time_utc', 'last_renewal_time']);

/** ECMAScript's JSON.parse with source text access, which TypeScript's library does not know yet. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/**
 * The JSON of `body` with every volatile value replaced, and the values of `saved` (this server's own) by their names. A number whose
 * text is not the shortest for its value (`1.10`, 20 digits) stays its text. Undefined where `body` is not JSON.
 */
export function normalise(body: string, saved: ReadonlyMap<string, string>): unknown {
  let parsed: unknown;
  try {
    parsed = (JSON.parse as ParseWithSource)(body, (_key, value, { source }) =>
      typeof value === 'number' && source !== String(value) ? `<number ${source}>` : value,
    );
  } catch {
    return undefined;
  }
  return walk(parsed, '', saved);
}

function walk(value: unknown, key: string, saved: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return text(value, saved);
  if (typeof value === 'number') {
    if (EPOCHS.has(key) && value > 1_000_000_000) return '<epoch>';
    // Each server writes records of its own for the same request.
    if (key === 'encryptions' && value < ENCRYPTIONS_MAX) return '<some>';
    if (SHRINKING.has(key)) return Math.ceil(value / SHRINKING_STEP_S) * SHRINKING_STEP_S;
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => walk(item, key, saved));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [text(name, saved), walk(item, name, saved)]),
  );
}

function text(value: string, saved: ReadonlyMap<string, string>): string {
  let result = value;
  for (const [name, secret] of saved) result = result.replaceAll(secret, `<${name}>`);
  result = result
    .replace(UUID, '<uuid>')
    .replace(TIME, '<time>')
    .replace(TOKEN, '<token>')
    .replace(HMAC, '<hmac>');
  if (ACCESSOR.test(result)) return '<accessor>';
  if (CLUSTER_NAME.test(result)) return '<cluster>';
  return result.replace(MOUNT_ACCESSOR, '$1_<accessor>');
}
