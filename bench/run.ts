/**
 * `npm run bench`: Coffer's hot paths against the floor, in one run and with one generator, as ratios. Machines differ and are noisy: read
 * the ratios. Each pair is measured three times in turn; the median counts.
 *
 * @module
 */
import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { call } from '../test/support/http.ts';
import { startDev } from '../test/support/server.ts';
import { generate, request } from './generate.ts';
import type { Seen } from './generator.ts';

const CONNECTIONS = 64;
const KEYS = 1_000;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const ROUNDS = 3;
/** Only scenarios whose names hold this. */
const ONLY = process.env.BENCH_ONLY ?? '';
const VALUE = 'v'.repeat(300);

interface Scenario {
  readonly name: string;
  /** At least this much of the floor's rate. */
  readonly goal: number;
  readonly requests: (port: number, token: string) => string[];
  readonly before?: (address: string, token: string) => Promise<void>;
}

const keys = Array.from({ length: KEYS }, (_, n) => `/v1/secret/data/bench/k${n}`);
const BODY = JSON.stringify({ data: { value: VALUE } });
const [ROLE_ID, SECRET_ID] = ['0c1f3c8a-2c1e-4d2b-9f0e-6a7b8c9d0e1f', '5b0a4a52-7f0d-4e3c-8b1a-2f3e4d5c6b7a'];
const LOGIN = JSON.stringify({ role_id: ROLE_ID, secret_id: SECRET_ID });
const reads = (port: number, token: string) => keys.map((path) => request('GET', port, path, token));

const SCENARIOS: Scenario[] = [
  { name: 'KV v2 read', goal: 0.5, requests: reads },
  {
    name: 'token lookup',
    goal: 0.5,
    requests: (port, token) => [request('GET', port, '/v1/auth/token/lookup-self', token)],
  },
  {
    name: 'KV v2 write, durable',
    goal: 0.25,
    requests: (port, token) => keys.map((path) => request('POST', port, path, token, BODY)),
  },
  {
    name: 'wrapped KV v2 read, durable',
    goal: 0.2,
    requests: (port, token) =>
      keys.map((path) => request('GET', port, path, token, undefined, ['X-Vault-Wrap-TTL: 300'])),
  },
  {
    name: 'AppRole login, durable',
    goal: 0.2,
    requests: (port) => [request('POST', port, '/v1/auth/approle/login', '', LOGIN)],
    async before(address, token) {
      const made: [string, object][] = [
        ['sys/auth/approle', { type: 'approle' }],
        ['auth/approle/role/bench', { role_id: ROLE_ID, token_policies: 'bench', token_ttl: '10m' }],
        ['auth/approle/role/bench/custom-secret-id', { secret_id: SECRET_ID }],
      ];
      for (const [path, body] of made) {
        const reply = await call(address, 'POST', `/v1/${path}`, { token, body });
        if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
      }
    },
  },
  {
    name: 'KV v2 read, file audit',
    goal: 0.3,
    requests: reads,
    before: async (address, token) => {
      const file = join(folder, 'audit.log');
      const reply = await call(address, 'PUT', '/v1/sys/audit/file', {
        token,
        body: { type: 'file', options: { file_path: file } },
      });
      if (reply.status !== 204) throw new Error(`audit could not be enabled: ${reply.text}`);
    },
  },
];

async function withFloor<T>(bytes: number, run: (port: number) => Promise<T>): Promise<T> {
  const child = fork(new URL('./floor.ts', import.meta.url), [String(bytes)]);
  try {
    const port = await new Promise<number>((resolve) => child.once('message', resolve));
    return await run(port);
  } finally {
    child.disconnect();
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** What a request as the generator sends it is answered. */
async function sampleOf(address: string, text: string): Promise<{ text: string }> {
  const [head, body] = text.split('\r\n\r\n') as [string, string];
  const [line, ...lines] = head.split('\r\n');
  const [method, path] = line!.split(' ') as [string, string];
  const headers = Object.fromEntries(lines.map((each) => each.split(': ') as [string, string]));
  return call(address, method, path, { headers, body: body === '' ? undefined : JSON.parse(body) });
}

async function measure(scenario: Scenario, port: number, token: string, bytes: number): Promise<boolean> {
  const ours = scenario.requests(port, token);
  const load = { connections: CONNECTIONS, seconds: SECONDS, warmupSeconds: 1, expectStatus: 200 };
  const ratios: number[] = [];
  const last: Seen[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const floor = await withFloor(bytes, (floorPort) =>
      generate({ ...load, port: floorPort, requests: scenario.requests(floorPort, token) }),
    );
    const coffer = await generate({ ...load, port, requests: ours });
    ratios.push(coffer.perSecond / floor.perSecond);
    last[0] = floor;
    last[1] = coffer;
  }
  const ratio = median(ratios);
  const show = (seen: Seen) =>
    `${Math.round(seen.perSecond).toString().padStart(6)}/s  p50 ${seen.p50Ms.toFixed(2)} ms  p99 ${seen.p99Ms.toFixed(2)} ms`;
  const met = ratio >= scenario.goal;
  console.log(`${scenario.name}`);
  console.log(`  floor   ${show(last[0]!)}`);
  console.log(`  coffer  ${show(last[1]!)}`);
  console.log(
    `  ratio   ${ratio.toFixed(3)} (rounds ${ratios.map((r) => r.toFixed(3)).join(' ')}), goal ${scenario.goal}: ${met ? 'met' : 'MISSED'}`,
  );
  return met;
}

const folder = mkdtempSync(join(tmpdir(), 'coffer-bench-'));
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
console.log(
  `${cpus()[0]?.model ?? 'unknown cpu'} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, commit ${commit}, ${CONNECTIONS} connections, ${SECONDS} s × ${ROUNDS}`,
);
const server = await startDev({ rootToken: 'root', args: [`-dev-data=${join(folder, 'data')}`] });
let allMet = true;
try {
  const port = Number(new URL(server.address).port);
  const policy = 'path "secret/data/*" { capabilities = ["create", "read", "update"] }';
  await call(server.address, 'PUT', '/v1/sys/policies/acl/bench', { token: 'root', body: { policy } });
  const made = await call(server.address, 'POST', '/v1/auth/token/create', {
    token: 'root',
    body: { policies: ['bench'] },
  });
  const token = (made.body as { auth: { client_token: string } }).auth.client_token;
  for (const path of keys) {
    const reply = await call(server.address, 'POST', path, { token, body: { data: { value: VALUE } } });
    if (reply.status !== 200) throw new Error(`${path}: ${reply.text}`);
  }
  for (const scenario of SCENARIOS.filter(({ name }) => name.includes(ONLY))) {
    await scenario.before?.(server.address, 'root');
    const sample = await sampleOf(server.address, scenario.requests(port, token)[0]!);
    allMet = (await measure(scenario, port, token, sample.text.length)) && allMet;
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (!allMet) process.exitCode = 1;
