/**
 * `npm run soak`: a million secrets and a hundred thousand short tokens, with memory watched. Prints each figure beside its bound and fails
 * where one is missed. Takes some minutes; not part of the tests.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startDev } from '../test/support/server.ts';

const SECRETS = Number(process.env.SOAK_SECRETS ?? 1_000_000);
const READS = Number(process.env.SOAK_READS ?? 200_000);
const TOKENS = Number(process.env.SOAK_TOKENS ?? 100_000);
const CONNECTIONS = 64;
const VALUE = 'v'.repeat(300);
const MB = 1e6;

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

function send(
  server: RunningServer,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.address);
    const headers = {
      'x-vault-token': 'root',
      ...(payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }),
    };
    const sent = request({ hostname, port, method, path, headers, agent }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () =>
        resolve({ status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** Runs `job` for 0 to `count` - 1, `CONNECTIONS` at a time. */
async function forEach(count: number, job: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function anonymousBytes(pid: number): number {
  const line = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1_024;
}

let failed = false;
function report(what: string, value: number, bound: number, unit: string): void {
  const met = value <= bound;
  failed ||= !met;
  console.log(`${what}: ${value.toFixed(2)} ${unit}, at most ${bound} ${unit}: ${met ? 'met' : 'MISSED'}`);
}

async function secrets(server: RunningServer): Promise<void> {
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, anonymousBytes(server.pid));
  }, 250);
  const marks = new Map<number, number>();
  const startMs = performance.now();
  let done = 0;
  await forEach(SECRETS, async (n) => {
    const reply = await send(server, 'POST', `/v1/secret/data/soak/${n % 1_000}/${n}`, {
      data: { value: VALUE },
    });
    if (reply.status !== 200) throw new Error(reply.text);
    if (++done % (SECRETS / 10) === 0) {
      marks.set(done, performance.now());
      const rate = Math.round(done / ((performance.now() - startMs) / 1_000));
      console.log(`  ${done} written, ${rate}/s, RssAnon ${Math.round(anonymousBytes(server.pid) / MB)} MB`);
    }
  });
  const tenth = (n: number) => marks.get((SECRETS / 10) * (n + 1))! - marks.get((SECRETS / 10) * n)!;
  report('ninth tenth of the writes against the second', tenth(8) / tenth(1), 1.3, 'times as slow');
  await forEach(READS, async () => {
    const n = Math.floor(Math.random() * SECRETS);
    const reply = await send(server, 'GET', `/v1/secret/data/soak/${n % 1_000}/${n}`);
    if (reply.status !== 200 || !reply.text.includes(VALUE)) throw new Error(reply.text);
  });
  clearInterval(watch);
  report('anonymous memory at its highest', most / MB, 400, 'MB');
}

async function tokens(server: RunningServer): Promise<void> {
  const expiries: number[] = [];
  const startMs = Date.now();
  let reading = true;
  const reads = (async () => {
    while (reading) await send(server, 'GET', '/v1/secret/data/soak/1/1');
  })();
  let worstLateMs = 0;
  try {
    await forEach(TOKENS, async () => {
      const reply = await send(server, 'POST', '/v1/auth/token/create', {
        ttl: '60s',
        policies: ['default'],
      });
      if (reply.status !== 200) throw new Error(reply.text);
      expiries.push(Date.now() + 60_000);
    });
    console.log(`  ${TOKENS} tokens in ${((Date.now() - startMs) / 1_000).toFixed(1)} s`);
    for (;;) {
      const reply = await send(server, 'LIST', '/v1/auth/token/accessors');
      const left = (JSON.parse(reply.text) as { data: { keys: string[] } }).data.keys.length - 1;
      const now = Date.now();
      const alive = expiries.filter((at) => at > now).length;
      // As many as are left beyond those that may live are late; the latest of them by the oldest of their times.
      if (left > alive) worstLateMs = Math.max(worstLateMs, now - expiries[TOKENS - left]!);
      if (left <= 0) break;
      if (now > expiries.at(-1)! + 120_000) throw new Error(`${left} tokens were never revoked`);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  } finally {
    // Before the server is stopped: what they fail with then would hide what went wrong.
    reading = false;
    await reads;
  }
  report('latest revocation after its time', worstLateMs / 1_000, 30, 's');
}

const folder = mkdtempSync(join(tmpdir(), 'coffer-soak-'));
const start = () => startDev({ rootToken: 'root', args: [`-dev-data=${folder}`] });
let server = await start();
try {
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  if (SECRETS > 0) await secrets(server);
  if (TOKENS > 0) {
    await tokens(server);
    await forEach(TOKENS, async () => {
      await send(server, 'POST', '/v1/auth/token/create', { ttl: '24h', policies: ['default'] });
    });
    await server.stop();
    const startMs = performance.now();
    server = await start();
    report(`start to serving with ${TOKENS} tokens stored`, (performance.now() - startMs) / 1_000, 2, 's');
  }
} catch (error) {
  const how = await Promise.race([server.exited, Promise.resolve('still running')]);
  console.error(`the server: ${how}\n${server.stdout()}\n${server.stderr()}`);
  throw error;
} finally {
  await server.stop();
  agent.destroy();
  rmSync(folder, { recursive: true, force: true });
}
if (failed) process.exitCode = 1;
