/**
 * Malformed requests against every route: no 500, no crash, no growth, nothing repeated. `FUZZ_REQUESTS=200000` for the long run; the
 * seed is printed and `FUZZ_SEED` replays it.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { call } from '../support/http.ts';
import { collectGarbage, INSPECTED } from '../support/inspector.ts';
import { startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { QUOTES_POLICY } from './canaries.ts';
import { CANARY, type Malformed, malformations, NAME_CANARY, routesOf } from './malformations.ts';

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 15_000);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const CONNECTIONS = 32;
/** Caches fill and code is compiled during these; growth is counted from there. */
const WARM_UP = Math.min(50_000, REQUESTS / 3);
const GROWTH_MB_MAX = 30;
const SWEEP_MS_MAX = 20_000;
/** Growth says something only after many. */
const GROWTH_REQUESTS_MIN = 200_000;

test(`${REQUESTS} malformed requests against every route (seed ${SEED})`, { timeout: 900_000 }, async (t) => {
  const folder = testFolder('malformed');
  const [config, log] = [join(folder, 'requests.hcl'), join(folder, 'server.log')];
  writeFileSync(config, 'log_requests_level = "trace"\n');
  const args = [`-config=${config}`, '-log-level=trace', `-log-file=${log}`];
  const server = await startDev({ args, nodeArgs: INSPECTED });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  try {
    await collectGarbage(server);
    const atStart = anonymousMb(server.pid);
    const next = malformations(SEED, await routes(server.address), await prepare(server.address));
    const round = (count: number) => sendAll(new URL(server.address), agent, next, count);
    await round(WARM_UP);
    await forgetTokens(server.address);
    await collectGarbage(server);
    const before = anonymousMb(server.pid);
    const started = performance.now();
    const statuses = await round(REQUESTS);
    report(t, statuses, performance.now() - started);
    await forgetTokens(server.address);
    await collectGarbage(server);
    const after = anonymousMb(server.pid);
    const mb = [atStart, before, after].map((each) => `${each.toFixed(0)} MB`);
    t.diagnostic(`RssAnon ${mb[0]} at the start, ${mb[1]} after ${WARM_UP}, ${mb[2]} after ${REQUESTS} more`);
    if (REQUESTS >= GROWTH_REQUESTS_MIN) {
      assert(after - before <= GROWTH_MB_MAX, `grew by ${(after - before).toFixed(1)} MB`);
    }
    assert((statuses.get(200) ?? 0) + (statuses.get(204) ?? 0) > REQUESTS / 20, 'some get through');
    const health = await call(server.address, 'GET', '/v1/sys/health');
    assert.equal(health.status, 200);
    const printed = server.stderr() + server.stdout() + readFileSync(log, 'utf8');
    for (const canary of [CANARY, NAME_CANARY])
      assert(!printed.includes(canary), 'the log holds what was sent');
    assert(!/\[ERROR\]/.test(printed), printed.slice(printed.indexOf('[ERROR]')).slice(0, 2_000));
  } finally {
    agent.destroy();
    await server.stop();
  }
});

async function routes(address: string): Promise<ReturnType<typeof routesOf>> {
  const { body } = await call(address, 'GET', '/v1/sys/internal/specs/openapi', { token: 'root' });
  const found = routesOf(body);
  assert(found.length > 60, `only ${found.length} routes`);
  assert(found.filter(({ fields }) => fields.length > 0).length > 20, 'and what they take');
  return found;
}

/** What the requests speak of: tokens, a policy, an engine of version 1, an audit device. @returns an accessor. */
async function prepare(address: string): Promise<string> {
  const post = async (path: string, body: object) => {
    const reply = await call(address, 'POST', `/v1/${path}`, { token: 'root', body });
    assert(reply.status < 300, reply.text);
    return reply.body;
  };
  const policy = 'path "secret/*" { capabilities = ["create", "read", "update", "list"] }';
  await post('sys/policies/acl/fuzz', { policy });
  await post('auth/token/create', { id: 'fuzz-root' });
  await post('auth/token/create', { id: 'fuzz-limited', policies: ['fuzz'] });
  await post('auth/token/create', { id: 'fuzz-child', policies: ['fuzz'] });
  await post('auth/token/create', { id: 'fuzz-used', policies: ['fuzz'], num_uses: 1_000 });
  await post('sys/mounts/one', { type: 'kv-v1' });
  await post('sys/audit/file', { type: 'file', options: { file_path: 'discard' } });
  return (await post('auth/token/create', {})).auth.accessor;
}

/** Revokes all tokens but root's and those of the requests: data that was asked for is no growth. */
async function forgetTokens(address: string): Promise<void> {
  const ask = (method: string, path: string, body?: object) =>
    call(address, method, `/v1/auth/token/${path}`, { token: 'root', body });
  const keep = new Set<string>();
  for (const token of ['root', 'fuzz-root', 'fuzz-limited', 'fuzz-child', 'fuzz-used']) {
    keep.add((await ask('POST', 'lookup', { token })).body.data?.accessor);
  }
  const others = async (): Promise<string[]> =>
    (await ask('LIST', 'accessors')).body.data.keys.filter((accessor: string) => !keep.has(accessor));
  for (const accessor of await others()) await ask('POST', 'revoke-accessor', { accessor });
  for (const deadline = Date.now() + SWEEP_MS_MAX; (await others()).length > 0; ) {
    assert(Date.now() < deadline, 'revoked tokens are swept');
    await setTimeout(50);
  }
}

const LOCKED = '{"errors":["API access to this namespace has been locked by an administrator';

type Statuses = Map<number | 'no answer', number>;

/** Sends `count` of them over a few connections. @throws for the first that is answered as none may be. */
async function sendAll(url: URL, agent: Agent, next: () => Malformed, count: number): Promise<Statuses> {
  const statuses: Statuses = new Map();
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const status = await send(url, agent, next());
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  } finally {
    left = 0;
  }
  return statuses;
}

function send(url: URL, agent: Agent, malformed: Malformed): Promise<number | 'no answer'> {
  const { method, path, token, contentType, body } = malformed;
  const headers = {
    'x-vault-token': token,
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    ...malformed.headers,
  };
  return new Promise((resolve, reject) => {
    const options = { hostname: url.hostname, port: url.port, method, path, headers, agent };
    const sent = request(options, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        const wrong = faultOf(malformed, reply.statusCode ?? 0, Buffer.concat(chunks).toString());
        if (wrong === undefined) resolve(reply.statusCode ?? 0);
        else reject(new Error(`${wrong}: ${shown(malformed)}`));
      });
    });
    // A server that is gone refuses the next connection too, and the end of the test finds it.
    sent.on('error', () => resolve('no answer'));
    sent.end(body);
  });
}

function shown({ method, path, token, contentType, headers, body }: Malformed): string {
  const short = (text: string) =>
    text.replace(/(.)\1{50,}/g, (all, one) => `${one}…(${all.length})`).slice(0, 500);
  return `${method} ${short(path)} token=${token} ${contentType} ${short(JSON.stringify(headers))} ${short(body)}`;
}

/** What is wrong with an answer; undefined: nothing. */
function faultOf({ method, path }: Malformed, status: number, text: string): string | undefined {
  // Some of the requests lock namespaces, and others then meet the lock. To HEAD no words are said.
  if (status === 503 && (method === 'HEAD' ? text === '' : text.startsWith(LOCKED))) return undefined;
  if (status >= 500 || status < 200) return `answered ${status} ${text}`;
  if (status < 400 || path.includes(CANARY)) return undefined;
  for (const canary of [CANARY, NAME_CANARY]) {
    if (!text.includes(canary)) continue;
    // A 404 may be the data of what was deleted.
    const { errors } = JSON.parse(text) as { errors?: string[] };
    if (errors && !mayRepeat(canary, errors[0]!)) {
      return `an error repeats what was sent: ${text}`;
    }
  }
  return undefined;
}

/** What is wrong in a policy is shown in the policy's own words, and in custom metadata by its key, as in Vault: they are no secrets. */
function mayRepeat(canary: string, error: string): boolean {
  if (QUOTES_POLICY.test(error)) return true;
  return canary === NAME_CANARY && error.includes('custom_metadata validation failed: ');
}

function report(t: TestContext, statuses: Statuses, tookMs: number): void {
  const shown = [...statuses].sort(([a], [b]) => String(a).localeCompare(String(b)));
  t.diagnostic(
    `${shown.map(([status, count]) => `${status}: ${count}`).join(', ')} in ${Math.round(tookMs)} ms`,
  );
}

function anonymousMb(pid: number): number {
  const line = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1_024;
}
