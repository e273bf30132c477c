/**
 * Audit entries as lines of JSON (contract §17): names in Vault's order, nothing that is empty, secrets hashed under the device's salt.
 *
 * @module
 */
import type {
  AuditAuth,
  AuditData,
  AuditEntry,
  AuditHeader,
  AuditResponse,
  AuditWrapInfo,
} from '../model/audit.ts';
import { type Encodable, RawJson } from '../model/json.ts';
import { encodeSorted, encodeString } from '../model/json-encoder.ts';
import { rfc3339 } from '../model/time.ts';
import { type HideString, isLarge, parseRaw, writeData, writeLargeData } from './data-writer.ts';
import type { Hasher } from './hasher.ts';
import { Members, makeKeeper } from './members.ts';
import type { FormatOptions } from './options.ts';
import { flat, makeRecurring } from './recurring.ts';

/** A line without its end; a function where making it takes long: run few of those at a time. */
export type Line = string | (() => Promise<string>);

export interface Formatter {
  request(entry: AuditEntry, atMs: number, error?: string): Line;
  response(entry: AuditEntry, response: AuditResponse | undefined, atMs: number, error?: string): Line;
}

/** Writes data now, or says that it cannot. */
type WriteData = (data: Encodable, hide: HideString) => string;

export function makeFormatter(hasher: Hasher, options: FormatOptions): Formatter {
  const hide: HideString = options.logRaw ? (text) => text : hasher.hash;
  const token = options.logRaw ? (text: string) => text : hasher.hashKept;
  const accessor = options.logRaw || !options.hmacAccessor ? (text: string) => text : hasher.hashKept;
  const recurring = makeRecurring({ token, accessor });
  // What was rendered stays with what it was rendered from, for as long as somebody holds that.
  const keptAuth = makeKeeper<AuditAuth>();
  /** The part that a request's two lines share. */
  const keptEntry = makeKeeper<AuditEntry>();
  /** Replies that are made once and read often. Hidden already, unless the device is told to log raw. */
  const keptData = makeKeeper<RawJson>();

  function writeKept(data: Encodable, hiding: HideString): string {
    if (!(data instanceof RawJson) || hiding !== hide) return writeData(data, hiding);
    return keptData.get(data) ?? keptData.keep(data, flat(writeData(data, hiding)));
  }

  function authText(auth: AuditAuth): string {
    return keptAuth.get(auth) ?? keptAuth.keep(auth, flat(renderAuth(auth)));
  }

  function renderAuth(auth: AuditAuth): string {
    const members = new Members();
    members.string('client_token', auth.clientToken && token(auth.clientToken));
    members.string('accessor', auth.accessor && accessor(auth.accessor));
    members.string('display_name', auth.displayName);
    members.strings('policies', auth.policies);
    members.strings('token_policies', auth.tokenPolicies);
    members.strings('identity_policies', auth.identityPolicies);
    members.flag('no_default_policy', auth.noDefaultPolicy);
    if (auth.policyResults) members.raw('policy_results', resultsText(auth.policyResults));
    if (auth.metadata && Object.keys(auth.metadata).length > 0)
      members.raw('metadata', encodeSorted(auth.metadata));
    members.number('num_uses', auth.numUses);
    members.number('remaining_uses', auth.remainingUses);
    members.string('entity_id', auth.entityId);
    members.flag('entity_created', auth.entityCreated);
    members.string('token_type', auth.tokenType);
    members.number('token_ttl', auth.tokenTtl);
    if (auth.tokenIssueTimeMs) members.string('token_issue_time', wholeSeconds(auth.tokenIssueTimeMs));
    return members.end();
  }

  function requestText({ auth, request }: AuditEntry, write: WriteData): string {
    const members = new Members();
    members.string('id', request.id);
    members.text(recurring.middle(auth, request));
    members.string('path', request.path);
    if (!isEmpty(request.data))
      members.raw('data', write(request.data!, hiderOf(request.nonHmacRequestKeys)));
    members.flag('policy_override', request.policyOverride);
    members.string('remote_address', request.remoteAddress);
    members.number('remote_port', request.remotePort);
    members.number('wrap_ttl', request.wrapTtl);
    if (request.headers && request.headers.length > 0) members.raw('headers', headersText(request.headers));
    members.string('client_certificate_serial_number', request.clientCertificateSerialNumber);
    members.string('request_uri', request.requestUri);
    return members.end();
  }

  function responseText(entry: AuditEntry, response: AuditResponse, write: WriteData): string {
    const { request } = entry;
    const members = new Members();
    if (response.auth) members.raw('auth', authText(response.auth));
    if (request.mountPoint) members.text(recurring.mount(request).inResponse);
    if (response.leaseId) members.raw('secret', `{"lease_id":${encodeString(response.leaseId)}}`);
    if (response.data && !isEmpty(response.data)) {
      const elide = options.elideListResponses && request.operation === 'list';
      const data = elide ? elideList(response.data) : response.data;
      members.raw('data', write(data, hiderOf(request.nonHmacResponseKeys)));
    }
    members.strings('warnings', response.warnings);
    members.string('redirect', response.redirect);
    if (response.wrapInfo) members.raw('wrap_info', wrapText(response.wrapInfo));
    return members.end();
  }

  function wrapText(info: AuditWrapInfo): string {
    const members = new Members();
    members.number('ttl', info.ttl);
    members.string('token', token(info.token));
    members.string('accessor', accessor(info.accessor));
    members.string('creation_time', info.creationTime);
    members.string('creation_path', info.creationPath);
    members.string('wrapped_accessor', info.wrappedAccessor && accessor(info.wrappedAccessor));
    return members.end();
  }

  function headersText(headers: readonly AuditHeader[]): string {
    const shown = headers.map(({ name, values, hmac }): [string, string[]] => [
      name,
      // Also where all else is logged raw: it was asked for by name.
      values.map((value) => (hmac ? hasher.hash(value) : value)),
    ]);
    return encodeSorted(new Map(shown));
  }

  function hiderOf(exempt: readonly string[] | undefined): HideString {
    if (!exempt || exempt.length === 0) return hide;
    return (text, name) => (exempt.includes(name) ? text : hide(text, name));
  }

  function sharedText(entry: AuditEntry, write: WriteData): string {
    return `"auth":${authText(entry.auth)},"request":${requestText(entry, write)}`;
  }

  let [headMs, headTime] = [Number.NaN, ''];
  function headOf(atMs: number, type: 'request' | 'response'): string {
    if (atMs !== headMs) [headMs, headTime] = [atMs, rfc3339(atMs)];
    return `{"time":"${headTime}","type":"${type}",`;
  }

  return {
    request(entry, atMs, error) {
      const head = headOf(atMs, 'request');
      const tail = error ? `,"error":${encodeString(error)}}` : '}';
      if (isLarge(entry.request.data)) {
        return async () => head + (await inSlices((write) => sharedText(entry, write))) + tail;
      }
      return head + keptEntry.keep(entry, sharedText(entry, writeData)) + tail;
    },
    response(entry, response, atMs, error) {
      const head = headOf(atMs, 'response');
      const tail = error ? `,"error":${encodeString(error)}}` : '}';
      const rest = (write: WriteData): string =>
        response === undefined ? '' : `,"response":${responseText(entry, response, write)}`;
      const kept = keptEntry.get(entry);
      if ((kept === undefined && isLarge(entry.request.data)) || isLarge(response?.data)) {
        return async () =>
          head + (await inSlices((write) => (kept ?? sharedText(entry, write)) + rest(write))) + tail;
      }
      return head + (kept ?? sharedText(entry, writeData)) + rest(writeKept) + tail;
    },
  };
}

/**
 * Renders a text whose data takes long: the text is made around holes, and the data that belongs there is written in slices.
 * No text that a client gives can look like a hole: encoded strings hold no raw NUL.
 */
async function inSlices(make: (write: WriteData) => string): Promise<string> {
  const holes: { data: Encodable; hide: HideString }[] = [];
  const around = make((data, hide) => {
    holes.push({ data, hide });
    return '\0';
  }).split('\0');
  let text = around[0]!;
  for (const [index, { data, hide }] of holes.entries()) {
    text += (await writeLargeData(data, hide)) + around[index + 1]!;
  }
  return text;
}

/** Of a list's reply: how many keys, instead of which. */
function elideList(data: AuditData): AuditData {
  const parsed = data instanceof RawJson ? parseRaw(data) : data;
  const elided = new Map<string, Encodable>(
    parsed instanceof Map ? parsed : Object.entries(parsed as { [key: string]: Encodable }),
  );
  const keys = elided.get('keys');
  if (Array.isArray(keys)) elided.set('keys', keys.length);
  const info = elided.get('key_info');
  if (info instanceof Map) elided.set('key_info', info.size);
  else if (typeof info === 'object' && info !== null && !Array.isArray(info)) {
    elided.set('key_info', Object.keys(info).length);
  }
  return elided;
}

function isEmpty(data: AuditData | undefined): boolean {
  if (data === undefined) return true;
  if (data instanceof Map) return data.size === 0;
  if (data instanceof RawJson) return data.text === '{}' || data.text === 'null';
  for (const _ in data) return false;
  return true;
}

function resultsText(results: NonNullable<AuditAuth['policyResults']>): string {
  const granting = results.grantingPolicies ?? [];
  const list = granting.map(({ name, namespaceId, namespacePath, type }) => {
    const members = new Members();
    members.string('name', name);
    members.string('namespace_id', namespaceId);
    members.string('namespace_path', namespacePath);
    members.string('type', type);
    return members.end();
  });
  return `{"allowed":${results.allowed}${list.length > 0 ? `,"granting_policies":[${list.join(',')}]` : ''}}`;
}

/** RFC 3339 without a fraction: what Vault writes for a token's birth. */
function wholeSeconds(ms: number): string {
  return rfc3339(Math.floor(ms / 1_000) * 1_000);
}
