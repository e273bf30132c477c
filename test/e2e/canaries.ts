/**
 * Canaries: texts that are told apart wherever they turn up, sent through every field of every route as value, name, path, query, header
 * and token; and the places where the audit log may show which of them (contract §17).
 *
 * @module
 */
import { type Route, SOUND } from './malformations.ts';

/** What is wrong in a policy, or in one for passwords, is shown in its own words: they are no secrets. */
export const QUOTES_POLICY = /^failed to parse policy: |invalid password policy: /;

/** What a canary was sent as. `label`: what contract §17 leaves readable of a token: its display name, policies and metadata. */
export type Kind = 'value' | 'key' | 'label' | 'path' | 'header' | 'token' | 'query';

export interface Canary {
  readonly kind: Kind;
  /** Which request and field. */
  readonly what: string;
}

const FORM = /canary-(\d+)-end/gi;

export class Aviary {
  readonly #canaries: Canary[] = [];

  get count(): number {
    return this.#canaries.length;
  }

  /** A new one. Lower-case, so that no route changes it; no RFC 3339 time, so that no audit device takes it for one. */
  add(kind: Kind, what: string): string {
    this.#canaries.push({ kind, what });
    return `canary-${this.#canaries.length - 1}-end`;
  }

  /** Those in `text`, each once. */
  in(text: string): Canary[] {
    const found = new Set([...text.matchAll(FORM)].map(([, number]) => Number(number)));
    return [...found].map((number) => this.#canaries[number]!);
  }
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** Fields whose texts are no secrets by contract §17, in whichever route. */
const LABELS = new Set(['display_name', 'policies', 'meta']);
/** Texts that the answer has as names of its members. */
const PATHS = new Set(['paths', 'path']);
/** These would end the server or the token that asks. */
const SPARED = /^sys\/(seal|step-down|rotate)$|^auth\/token\/revoke-self$/;

/** In a query they say what is asked for, and are refused at once where they say nonsense: asked by themselves. */
const VERBS = ['list', 'scan', 'help'];

/** Requests that leave a canary in every place each route has. */
export function* canaryRequests(routes: readonly Route[], aviary: Aviary): Generator<Sent> {
  for (const route of routes) {
    if (SPARED.test(route.path)) continue;
    for (const method of route.served) {
      const isWrite = method === 'POST' || method === 'PATCH';
      if (method === 'PUT') continue;
      if (isWrite) yield* writes(method, route, aviary);
      else {
        yield plain(method, route, route.fields, aviary);
        yield plain(method, route, [], aviary);
        for (const verb of VERBS) yield plain(method, route, [verb], aviary);
      }
      yield { ...plain(method, route, [], aviary), token: aviary.add('token', `${method} ${route.path}`) };
    }
  }
}

function plain(method: string, route: Route, fields: readonly string[], aviary: Aviary): Sent {
  const what = `${method} ${route.path}`;
  const asked = fields.length === 1 ? fields : fields.filter((field) => !VERBS.includes(field));
  const path = `${filled(route, aviary)}?${queryOf(what, asked, aviary)}`;
  return { method, path, token: 'root', headers: headersOf(what, aviary), body: undefined };
}

/** Those fields, one that no route has, and a name. */
function queryOf(what: string, fields: readonly string[], aviary: Aviary): string {
  const query = [...fields, 'unknown'].map((field) => `${field}=${aviary.add('query', `${what}?${field}`)}`);
  return [...query, `${aviary.add('key', `${what}?`)}=1`].join('&');
}

function* writes(method: string, route: Route, aviary: Aviary): Generator<Sent> {
  const what = `${method} ${route.path}`;
  const send = (body: string): Sent => ({
    method,
    path: `${filled(route, aviary)}?${queryOf(what, ['a'], aviary)}`,
    token: 'root',
    headers: headersOf(what, aviary),
    body,
  });
  for (const field of [...route.fields, undefined]) {
    for (const shape of shapes(what, field, aviary)) {
      const body: Record<string, unknown> = sound(route, field);
      body[field ?? aviary.add('key', what)] = shape;
      yield send(JSON.stringify(body));
    }
  }
  const value = () => aviary.add('value', `${what} malformed`);
  for (const body of [
    `{"a":"${value()}"`,
    `["${value()}"]`,
    `"${value()}"`,
    `{"${value()}":1,}`,
    `{"a":${value()}}`,
  ]) {
    yield send(body);
  }
}

/** A canary as the value of a field: alone, in an object, in lists, in what no field expects. */
function shapes(what: string, field: string | undefined, aviary: Aviary): unknown[] {
  const kind: Kind = LABELS.has(field ?? '') ? 'label' : PATHS.has(field ?? '') ? 'path' : 'value';
  const value = () => aviary.add(kind, `${what} ${field}`);
  const key = () => aviary.add('key', `${what} ${field}`);
  return [
    value(),
    [value(), value()],
    { [key()]: value() },
    { a: { [key()]: [value(), { [key()]: [[value()], null, 1] }] } },
    `${value()}=${value()}, {"a":"${value()}"}`,
    `path "${value()}" { capabilities = ["${value()}"] }`,
    Buffer.from(value()).toString('base64'),
  ];
}

/** An id can be given once, and an accessor is the server's to draw. */
const LEFT_OUT = new Set(['id', 'accessor']);

/** Sound values for all fields but one. */
function sound({ path, fields }: Route, but: string | undefined): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const field of fields) {
    const values = Object.hasOwn(SOUND, field) ? SOUND[field] : undefined;
    if (field !== but && values && !LEFT_OUT.has(field)) body[field] = JSON.parse(values[0]!);
  }
  if (body.type && path.startsWith('auth/token/')) body.type = 'service';
  return body;
}

/** Every other time the path of something that is there. */
function filled({ path }: Route, aviary: Aviary): string {
  const known = Object.hasOwn(THERE, path) ? THERE[path] : undefined;
  if (known !== undefined && aviary.count % 2 === 0) return path.replace(/\{\w+\}/g, known);
  return path.replace(/\{\w+\}/g, () => aviary.add('path', path));
}

/** Whoever sends the requests has made these, and the token of `SOUND`. */
const THERE: Readonly<Record<string, string>> = {
  'secret/data/{path}': 'there',
  'secret/metadata/{path}': 'there',
  'secret/subkeys/{path}': 'there',
  'sys/audit-hash/{path}': 'file',
  'sys/auth/{path}/tune': 'token',
  'sys/internal/ui/mounts/{path}': 'secret',
  'sys/mounts/{path}/tune': 'one',
  'sys/policies/acl/{name}': 'there',
};

/** Those that change what becomes of a request are asked by themselves. */
const HEADERS = [
  'accept',
  'accept-language',
  'cookie',
  'forwarded',
  'if-match',
  'origin',
  'proxy-authorization',
  'range',
  'referer',
  'user-agent',
  'via',
  'x-coffer-request-id',
  'x-custom',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-http-method-override',
  'x-request-id',
  'x-vault-index',
  'x-vault-mfa',
  'x-vault-policy-override',
  'x-vault-wrap-format',
];

function headersOf(what: string, aviary: Aviary): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of HEADERS) headers[name] = aviary.add('header', `${what} ${name}`);
  headers.authorization = `Basic ${aviary.add('header', `${what} authorization`)}`;
  headers['content-type'] = what.startsWith('PATCH') ? 'application/merge-patch+json' : 'application/json';
  return headers;
}

/** @param place - Names of the members of an audit line that lead to a text, such as `request.data.a`; ends in `#key` for a name. */
export function mayStandInAudit({ kind }: Canary, place: string, text: string): boolean {
  const isKey = place.endsWith('#key');
  const isError = place === 'error';
  switch (kind) {
    case 'label':
      return /^(response\.)?auth\.(display_name|policies|token_policies|policy_results|metadata)\b|^response\.warnings/.test(
        place,
      );
    case 'path':
      return (
        /^request\.(path|request_uri|mount_point)$|^response\.(mount_point|warnings)/.test(place) ||
        isError ||
        (isKey && place.startsWith('response.data'))
      );
    case 'key':
      if (isKey) return /^(request|response)\.data|^(response\.)?auth\.metadata/.test(place);
      return (
        place.startsWith('response.warnings') ||
        (isError && text.includes('custom_metadata validation failed'))
      );
    case 'value':
      return isError && QUOTES_POLICY.test(text);
    case 'header':
      return /^request\.headers\.(user-agent|(x-)?correlation-id)$/.test(place);
    case 'query':
    case 'token':
      return false;
  }
}
