/**
 * Texts on which a careless pattern takes the square of their length, or worse, in every field, path, query and header that takes a text: one
 * request must not keep the process from all others (CVE-2025-6203 and its kind). Counted is the server's own time, not the clock's.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { PATH_CHARS_MAX } from '../../src/model/limits.ts';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { type Route, routesOf } from './malformations.ts';

/** The square of it takes seconds. */
const CHARS = 50_000;
/** What fits a head, and that of an answer that shows it again; as many requests take as long. */
const HEAD_CHARS = 14_000;
const HEAD_REQUESTS = 20;
/** Of the server for one request; what it takes by itself is a few milliseconds. */
const CPU_MS_MAX = 700;
/** The machine may be busy with something else meanwhile. */
const TIMEOUT_MS = 120_000;
const HEADERS = [
  'x-vault-namespace',
  'x-vault-wrap-ttl',
  'x-vault-wrap-format',
  'x-vault-token',
  'authorization',
  'content-type',
  'accept',
  'x-forwarded-for',
  'origin',
  'x-coffer-request-id',
];

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  for (const type of ['userpass', 'approle']) await succeed(root, 'POST', `sys/auth/${type}`, { type });
  await succeed(root, 'POST', 'auth/approle/role/a', {});
  await succeed(root, 'POST', 'auth/userpass/users/a', { password: 'a' });
  await succeed(root, 'POST', 'sys/mounts/one', { type: 'kv-v1' });
});
after(() => server.stop());

/** User and system time so far, all threads. A tick is 10 ms. */
function cpuMs(): number {
  const stat = readFileSync(`/proc/${server.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** Runs of one thing, and then what does not fit. */
const SHAPES: Readonly<Record<string, (chars: number) => string>> = {
  'equals signs': (chars) => `a${'='.repeat(chars)}x`,
  slashes: (chars) => `a${'/'.repeat(chars)}x`,
  blanks: (chars) => `a=b,c${' '.repeat(chars)}d`,
  'blanks first': (chars) => `a=b,${' '.repeat(chars)}d`,
  digits: (chars) => `${'1'.repeat(chars)}x`,
  commas: (chars) => ','.repeat(chars),
  dots: (chars) => `${'a.'.repeat(chars / 2)}!`,
  quotes: (chars) => `"${'\\"'.repeat(chars / 2)}`,
  signs: (chars) => `${'*+'.repeat(chars / 4)}x${'{{'.repeat(chars / 8)}${'(['.repeat(chars / 8)}`,
};

async function served(): Promise<Route[]> {
  const { body } = await succeed(root, 'GET', 'sys/internal/specs/openapi');
  return routesOf(body).filter(({ path }) => !/^sys\/(seal|step-down)$|revoke-self$/.test(path));
}

/** Fails only where it is slow twice in a row: the server has work of its own, too. */
async function quickly(what: string, ask: () => Promise<void>): Promise<void> {
  let took = 0;
  for (let attempt = 0; attempt < 2; attempt++) {
    const before = cpuMs();
    await ask();
    took = cpuMs() - before;
    if (took <= CPU_MS_MAX) return;
  }
  assert.fail(`${what}: ${took} ms`);
}

for (const [shape, textOf] of Object.entries(SHAPES)) {
  test(`${shape}: no field takes longer over them than their length`, async () => {
    const text = textOf(CHARS);
    let asked = 0;
    for (const { path, fields, served: methods } of await served()) {
      const method = ['POST', 'PATCH', 'DELETE'].find((one) => methods.includes(one));
      if (!method) continue;
      const filled = path.replace(/\{\w+\}/g, 'a');
      // Together, too: some are only looked at where others are not empty.
      for (const sent of fields.length > 1 ? [fields, ...fields.map((field) => [field])] : [fields]) {
        asked++;
        await quickly(`${method} ${filled} ${sent}`, async () => {
          const body = Object.fromEntries(sent.map((field) => [field, text]));
          await root(method, filled, body, { timeoutMs: TIMEOUT_MS });
        });
      }
    }
    assert(asked > 200, String(asked));
  });

  test(`${shape}: nor does what stands in a head`, async () => {
    const text = textOf(HEAD_CHARS);
    const askOften = (path: string, headers: Record<string, string>) => async () => {
      for (let n = 0; n < HEAD_REQUESTS; n++)
        await call(server.address, 'GET', `/v1/${path}`, { headers, timeoutMs: TIMEOUT_MS });
    };
    for (const name of HEADERS)
      await quickly(name, askOften('secret/data/a', { [name]: text.replaceAll('"', "'") }));
    const encoded = encodeURIComponent(text).slice(0, HEAD_CHARS - (HEAD_CHARS % 3));
    await quickly('query', askOften(`secret/data/a?list=${encoded}`, {}));
    await quickly('path', askOften(`secret/data/${encoded.slice(0, PATH_CHARS_MAX)}`, {}));
  });
}

test('a path of as many segments as there may be is as quick as another', async () => {
  const path = 'a/'.repeat(PATH_CHARS_MAX / 2 - 10);
  await quickly('request', async () => {
    for (let n = 0; n < 600; n++) await call(server.address, 'GET', `/v1/${path}a${n}`);
  });
  const paths = Array.from({ length: 1_500 }, (_, n) => `${path}a${n}`);
  await quickly('capabilities', async () => {
    const { token } = await makeToken(root, { policies: ['default'] });
    assert.equal(
      (await asking(server.address, token)('POST', 'sys/capabilities-self', { paths })).status,
      200,
    );
  });
  const { status } = await root('POST', 'sys/capabilities-self', { paths: ['a'.repeat(PATH_CHARS_MAX + 1)] });
  assert.equal(status, 400);
});
