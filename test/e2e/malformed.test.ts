/**
 * Malformed requests against every route: no 500, no crash, no growth. `FUZZ_REQUESTS=200000` for the long run; the seed is printed and
 * `FUZZ_SEED` replays it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { call } from '../support/http.ts';
import { startDev } from '../support/server.ts';

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 15_000);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const CONNECTIONS = 32;
const CANARY = 'canary-5f1d0c';
const GROWTH_MB_MAX = 30;

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

const random = makeRandom(SEED);
const pick = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)]!;

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'LIST', 'OPTIONS', 'SCAN', 'LINK'];
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
  '[]',
  '{}',
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
];
const TYPES = [
  'application/json',
  'application/merge-patch+json',
  'application/x-www-form-urlencoded',
  'text/plain',
  '',
];
/** Sealing, or taking away what the test itself stands on, would make the rest of it say nothing. */
const SPARED = /^sys\/(seal|step-down)$|^auth\/token\/revoke/;

interface Route {
  readonly path: string;
  readonly fields: readonly string[];
}

async function routesOf(address: string): Promise<Route[]> {
  const { body } = await call(address, 'GET', '/v1/sys/internal/specs/openapi', { token: 'root' });
  return Object.entries(body.paths as Record<string, unknown>).map(([path, item]) => ({
    path: path.slice(1),
    fields: [
      ...new Set(
        [...JSON.stringify(item).matchAll(/"(\w+)":\{"(?:type|description|format)/g)].map((m) => m[1]!),
      ),
    ],
  }));
}

function bodyFor(route: Route): string {
  if (random() < 0.25) return pick(BODIES);
  const names =
    random() < 0.5 || route.fields.length === 0 ? ['data', 'options', 'policy', CANARY] : route.fields;
  const count = 1 + Math.floor(random() * 5);
  const members = Array.from({ length: count }, () => `${JSON.stringify(pick(names))}:${pick(VALUES)}`);
  return `{${members.join(',')}}`;
}

function pathFor(route: Route): string {
  const filled = route.path.replace(/\{\w+\}/g, () => pick(SEGMENTS));
  const extra = random() < 0.2 ? `/${pick(SEGMENTS)}` : '';
  const query =
    random() < 0.2
      ? `?${pick(['list=true', 'list=x', 'version=-1', 'version=x', 'help=1', 'depth=-1', '%'])}`
      : '';
  return `/v1/${filled}${extra}${query}`.replace(/[^\x21-\x7e]/g, (c) => encodeURIComponent(c));
}

function anonymousMb(pid: number): number {
  const line = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1_024;
}

test(`${REQUESTS} malformed requests against every route (seed ${SEED})`, { timeout: 900_000 }, async (t) => {
  const server = await startDev({ rootToken: 'root', env: { NODE_OPTIONS: '--expose-gc' } });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const { hostname, port } = new URL(server.address);
  const routes = (await routesOf(server.address)).filter(({ path }) => !SPARED.test(path));
  assert(routes.length > 30, `only ${routes.length} routes`);

  const send = (route: Route): Promise<void> =>
    new Promise((resolve, reject) => {
      const method = pick(METHODS);
      const path = pathFor(route);
      if (SPARED.test(path.slice(4))) return resolve();
      const body = bodyFor(route);
      const token = pick(['root', 'root', 'root', '', 'hvs.wrong', CANARY]);
      const headers = {
        'x-vault-token': token,
        'content-type': pick(TYPES),
        'content-length': Buffer.byteLength(body),
      };
      const wire = method === 'LIST' || method === 'SCAN' ? 'GET' : method;
      const sent = request({ hostname, port, method: wire, path, headers, agent }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if ((reply.statusCode ?? 0) >= 500) {
            reject(new Error(`${method} ${path} ${body.slice(0, 300)}: ${reply.statusCode} ${text}`));
          } else if ((reply.statusCode ?? 0) >= 400 && text.includes(CANARY) && !path.includes(CANARY)) {
            reject(
              new Error(`an error echoes what was sent: ${method} ${path} ${body.slice(0, 300)}: ${text}`),
            );
          } else resolve();
        });
        reply.on('error', reject);
      });
      // Some malformations end the connection; the next request opens another.
      sent.on('error', () => resolve());
      sent.end(body);
    });

  const round = async (count: number) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await send(pick(routes));
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  };
  // Caches fill and code is compiled during the first part; growth is counted from there.
  await round(Math.min(5_000, REQUESTS / 3));
  const before = anonymousMb(server.pid);
  await round(REQUESTS);
  const after = anonymousMb(server.pid);
  t.diagnostic(`RssAnon ${before.toFixed(0)} MB, after ${REQUESTS} requests ${after.toFixed(0)} MB`);
  if (REQUESTS >= 200_000)
    assert(after - before <= GROWTH_MB_MAX, `grew by ${(after - before).toFixed(1)} MB`);
  const health = await call(server.address, 'GET', '/v1/sys/health');
  assert.equal(health.status, 200);
  assert(
    !server.stderr().includes(CANARY) && !server.stdout().includes(CANARY),
    'the log holds what was sent',
  );
  agent.destroy();
  await server.stop();
});
