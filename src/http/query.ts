/**
 * Query strings and form bodies (application/x-www-form-urlencoded), and what a query says about the verb.
 *
 * @module
 */
import { badRequest, CodedError } from '../model/errors.ts';
import type { JsonMap } from '../model/json.ts';
import { FORM_FIELDS_MAX } from '../model/limits.ts';
import type { Verb } from '../model/request.ts';

/**
 * The fields of an encoded text, each with its values in the order given.
 * @param what - how the error names it: 'query' or 'form'.
 * @throws CodedError `bad_request` for a bad escape, bytes that are not UTF-8, a semicolon (Go refuses it: proxies disagree on what it
 * separates), or too many fields. Nothing of the text is echoed.
 */
export function parseFields(text: string, what: 'query' | 'form'): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  if (text === '') return fields;
  if (text.includes(';')) throw badRequest(`invalid semicolon separator in ${what}`);
  let count = 0;
  for (let from = 0; from <= text.length; ) {
    const and = text.indexOf('&', from);
    const to = and < 0 ? text.length : and;
    if (to > from) {
      if (++count > FORM_FIELDS_MAX) throw badRequest(`more than ${FORM_FIELDS_MAX} fields in ${what}`);
      const equals = text.indexOf('=', from);
      const keyEnd = equals < 0 || equals > to ? to : equals;
      const key = decodeField(text.slice(from, keyEnd), what);
      const value = keyEnd === to ? '' : decodeField(text.slice(keyEnd + 1, to), what);
      const values = fields.get(key);
      if (values === undefined) fields.set(key, [value]);
      else values.push(value);
    }
    from = to + 1;
  }
  return fields;
}

function decodeField(text: string, what: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badRequest(`invalid percent-encoding in ${what}`);
  }
}

/** A form body as request data: values of one name are joined by commas (contract §1.2). */
export function formBody(text: string): JsonMap {
  const body: JsonMap = new Map();
  for (const [key, values] of parseFields(text, 'form')) body.set(key, values.join(','));
  return body;
}

/** A parsed query: what it says about the verb, and the data it carries (contract §1.1 "Query data"). */
export interface Query {
  /** First value of each, '' where absent. */
  readonly list: string;
  readonly scan: string;
  readonly help: string;
  readonly data: JsonMap;
}

/** What a target may hold: `#` has no place there, and what is not printable ASCII must come percent-encoded. */
const TARGET_TEXT = /^[!-"$-~]*$/;

/**
 * @param text - after the `?`.
 * @throws CodedError `bad_request`.
 */
export function parseQuery(text: string): Query {
  const data: JsonMap = new Map();
  if (text === '') return { list: '', scan: '', help: '', data };
  if (!TARGET_TEXT.test(text)) throw badRequest('the query is not percent-encoded');
  const fields = parseFields(text, 'query');
  for (const [key, values] of fields) {
    if (key === 'list' || key === 'scan' || key === 'help') continue;
    data.set(key, values.length === 1 ? values[0]! : values);
  }
  const first = (key: string) => fields.get(key)?.[0] ?? '';
  return { list: first('list'), scan: first('scan'), help: first('help'), data };
}

/** Go's `strconv.ParseBool`; '' is false. @throws CodedError `bad_request` without a text, as Vault answers. */
export function parseBool(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False|)$/.test(text)) return false;
  throw new CodedError('bad_request', []);
}

const VERBS: Record<string, Verb | undefined> = {
  GET: 'read',
  LIST: 'list',
  POST: 'update',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  HEAD: 'header',
  HELP: 'help',
};

/**
 * What a request asks for.
 * @param method - as sent; upper case matters, as in RFC 9110 §9.1.
 * @throws CodedError `unsupported_operation`: with no text where the method is none of Vault's; `bad_request` with none where a read
 * asks for a list and a scan at once.
 */
export function verbOf(method: string, query: Query): Verb {
  const verb = Object.hasOwn(VERBS, method) ? VERBS[method] : undefined;
  if (verb === undefined) throw new CodedError('unsupported_operation', []);
  if (query.help !== '') return 'help';
  if (verb !== 'read' || (query.list === '' && query.scan === '')) return verb;
  const [list, scan] = [parseBool(query.list), parseBool(query.scan)];
  if (list && scan) throw new CodedError('bad_request', []);
  // Recursive listing is OpenBao's alone; a client that asked for it must not take a plain read for its answer.
  if (scan) throw new CodedError('unsupported_operation');
  return list ? 'list' : 'read';
}
