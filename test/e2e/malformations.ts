/**
 * Malformed requests by seed: each route of the server's own OpenAPI document, with verbs, paths, queries, headers and bodies that it
 * does not expect. A field now and then gets a value that it does expect, so that the checks behind the first one are reached too.
 *
 * @module
 */

/** What no error and no log line may repeat, as a value and as the name of a field. */
export const CANARY = 'canary-5f1d0c';
export const NAME_CANARY = 'bird-5f1d0c';

export interface Route {
  /** Without `/v1/`, captures as `{name}`. */
  readonly path: string;
  readonly fields: readonly string[];
  /** Verbs it answers. */
  readonly served: readonly string[];
}

export interface Malformed {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly contentType: string;
  /** Besides these. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'LIST', 'HEAD', 'OPTIONS', 'SCAN', 'LINK', 'HELP'];
/** How OpenAPI calls them, and how they may come. */
const SERVED: Readonly<Record<string, readonly string[]>> = {
  get: ['GET', 'LIST'],
  post: ['POST', 'PUT'],
  patch: ['PATCH'],
  delete: ['DELETE'],
};
const SEGMENTS = [
  'a',
  'data',
  'metadata',
  'x'.repeat(3_000),
  '%2e%2e',
  '%00',
  '%ff',
  '%',
  '..',
  '.',
  '',
  '*',
  '+',
  '{{identity.entity.id}}',
  '__proto__',
  'constructor',
  'ä',
  '%E4%B8%AD',
  'token',
  'root',
  '-1',
];
const QUERIES = [
  'list=true',
  'list=x',
  'list=true&scan=1',
  'help=1',
  'after=a&limit=-1',
  '%',
  'a;b',
  '__proto__=1',
];
const VALUES = [
  'null',
  'true',
  '0',
  '-1',
  '1e999',
  '99999999999999999999',
  '1.5',
  '""',
  `"${CANARY}"`,
  `["${CANARY}"]`,
  `{"a":"${CANARY}"}`,
  `{"${NAME_CANARY}":["${CANARY}",null]}`,
  '[]',
  '{}',
  '[null]',
  '[[[[[[]]]]]]',
  '{"__proto__":{"x":1}}',
  '"\\u0000"',
  '"\\ud800"',
  `"${'z'.repeat(5_000)}"`,
  '"-5s"',
  '"1d12h"',
  '"9999999h"',
  '"path \\"x\\" {"',
];
const BODIES = [
  '',
  '{',
  '[]',
  'null',
  '"x"',
  '{"a":1,}',
  '\xff\xfe',
  `${'['.repeat(600)}${']'.repeat(600)}`,
  'a=b&c=d',
  `{"${NAME_CANARY}":`,
];
const TYPES = [
  'application/json',
  'application/json',
  'application/merge-patch+json',
  'application/x-www-form-urlencoded',
  'text/plain',
  '',
];
const HEADERS: readonly [string, readonly string[]][] = [
  ['x-vault-wrap-ttl', ['5m', '-1', 'soon', '9999999h', '1h'.repeat(500), '0', '', CANARY]],
  ['x-vault-namespace', ['ns1/', 'root', 'root/', '..', '%2e%2e', '\xe4', '/'.repeat(300), CANARY]],
  ['authorization', ['Bearer', `Bearer ${CANARY}`, `Basic ${CANARY}`, 'Bearer  fuzz-limited']],
  ['content-encoding', ['gzip', 'identity', CANARY]],
  ['expect', [CANARY]],
  ['accept', ['text/html', CANARY]],
  ['x-forwarded-for', ['127.0.0.1', ','.repeat(1_000), CANARY]],
  ['x-http-method-override', ['DELETE', CANARY]],
  ['x-coffer-request-id', ['00000000-0000-4000-8000-000000000000', CANARY]],
  ['x-vault-index', ['a', CANARY]],
  ['range', ['bytes=0-1', 'bytes=-9999999999']],
  ['if-none-match', ['*']],
  ['cookie', [`a=${CANARY}`]],
  ['x-long', ['y'.repeat(30_000)]],
];
/** What these fields take, and what then happens. Names of no field are names in KV's values. */
export const SOUND: Readonly<Record<string, readonly string[]>> = {
  accessor: ['"{{accessor}}"'],
  cas: ['0', '1'],
  custom_metadata: ['{"a":"b"}', '{"a":null}'],
  config: ['{"default_lease_ttl":"1h"}'],
  data: ['{"a":1,"b":"c"}', '{"a":{"b":null}}'],
  id: ['"made-by-id"'],
  input: ['"text"'],
  max_versions: ['3'],
  meta: ['{"a":"b"}', '["a=b"]'],
  num_uses: ['2'],
  options: ['{"version":"1"}', '{"version":"2"}', '{"cas":1}'],
  paths: ['["secret/data/a","sys/mounts"]', '"auth/token/create"'],
  policies: ['["fuzz"]', '["default"]'],
  policy: [
    '"path \\"secret/*\\" { capabilities = [\\"read\\"] }"',
    '"{\\"path\\":{\\"a/*\\":{\\"policy\\":\\"read\\"}}}"',
  ],
  token: ['"fuzz-child"', '"fuzz-used"'],
  ttl: ['"1h"', '60'],
  type: ['"kv"', '"service"'],
  version: ['1'],
  versions: ['[1]', '"1,2"'],
};
/** With a root token these would end what the others ask. By chance one is made that is named like the canary. */
const SPARED = /^(POST|PUT) \/v1\/(sys\/(seal|step-down)|auth\/token\/revoke-self)$/;

/** mulberry32: small, seeded, good enough to choose among malformations. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The requests of a seed, one after another, for ever: the nth is the same whatever became of those before it.
 * @param accessor - of a token that may be revoked; it is drawn by the server, so the seed cannot know it.
 */
export function malformations(seed: number, routes: readonly Route[], accessor: string): () => Malformed {
  const random = makeRandom(seed);
  const pick = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)]!;

  function methodFor({ served }: Route): string {
    return served.length > 0 && random() < 0.7 ? pick(served) : pick(METHODS);
  }

  function valueFor(name: string): string {
    const sound = Object.hasOwn(SOUND, name) ? SOUND[name] : undefined;
    return sound !== undefined && random() < 0.5
      ? pick(sound).replace('{{accessor}}', accessor)
      : pick(VALUES);
  }

  function bodyFor({ fields }: Route): string {
    if (random() < 0.2) return pick(BODIES);
    const names = random() < 0.3 || fields.length === 0 ? ['data', 'options', 'policy', NAME_CANARY] : fields;
    const count = 1 + Math.floor(random() * 5);
    const members = Array.from({ length: count }, () => {
      const name = pick(names);
      return `${JSON.stringify(name)}:${valueFor(name)}`;
    });
    return `{${members.join(',')}}`;
  }

  function pathFor({ path, fields }: Route): string {
    const filled = path.replace(/\{\w+\}/g, () => (random() < 0.3 ? 'a' : pick(SEGMENTS)));
    const extra = random() < 0.2 ? `/${pick(SEGMENTS)}` : '';
    const kind = random();
    let query = '';
    if (kind < 0.15) query = `?${pick(QUERIES)}`;
    else if (kind < 0.3 && fields.length > 0) {
      query = `?${pick(fields)}=${encodeURIComponent(pick(VALUES))}`;
    }
    return `/v1/${filled}${extra}${query}`.replace(/[^\x21-\x7e]/g, (c) => encodeURIComponent(c));
  }

  function headersFor(): Record<string, string> {
    if (random() < 0.8) return {};
    const chosen = [pick(HEADERS), pick(HEADERS)];
    return Object.fromEntries(chosen.map(([name, values]) => [name, pick(values)]));
  }

  return function next(): Malformed {
    const route = pick(routes);
    const [method, path, body] = [methodFor(route), pathFor(route), bodyFor(route)];
    const token =
      random() < 0.75 ? 'fuzz-root' : pick(['fuzz-limited', 'fuzz-child', '', 'hvs.wrong', CANARY]);
    const contentType = method === 'PATCH' && random() < 0.7 ? 'application/merge-patch+json' : pick(TYPES);
    const spared =
      ['fuzz-root', CANARY].includes(token) && SPARED.test(`${method} ${path.replace(/\?.*/, '')}`);
    return { method, path, token: spared ? 'fuzz-limited' : token, contentType, headers: headersFor(), body };
  };
}

/** Paths and fields out of `sys/internal/specs/openapi`. */
// biome-ignore lint/suspicious/noExplicitAny: a document from outside
export function routesOf(document: any): Route[] {
  const schemas = document.components?.schemas ?? {};
  const paths = Object.entries(document.paths as Record<string, unknown>);
  return paths.filter(hasEnd).map(([path, item]) => {
    const text = JSON.stringify(item);
    const referred = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => schemas[match[1]!]);
    const bodies = referred.flatMap((schema) => Object.keys(schema?.properties ?? {}));
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const queries = Object.values(item as any).flatMap((operation: any) =>
      Array.isArray(operation?.parameters)
        ? operation.parameters.map((one: { name: string }) => one.name)
        : [],
    );
    const served = Object.keys(item as object).flatMap((method) => SERVED[method] ?? []);
    return { path: path.slice(1), fields: [...new Set([...bodies, ...queries])].sort(), served };
  });
}

/** What goes on and on has tests of its own: who asks here waits for the end. */
function hasEnd([path]: [string, unknown]): boolean {
  return path !== '/sys/monitor';
}
