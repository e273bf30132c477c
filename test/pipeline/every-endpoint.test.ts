/**
 * Every endpoint that Vault documents, asked at the front door: what docs/compatibility.md calls served is there, and what it does not
 * is refused and never answered as if it had worked.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Endpoint, endpoints, samplePath } from '../../scripts/compatibility.ts';
import { routesOf } from '../e2e/malformations.ts';
import { startReadyDev } from '../support/dev-ready.ts';
import { type CallReply, call } from '../support/http.ts';
import type { RunningServer } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

const AT_ONCE = 16;
/** Vault's own answers to an empty body, which have a 500. */
const REFUSED_WITH_500 = new Set([
  'POST auth/userpass/login/:username',
  'POST auth/userpass/users/:username/policies',
]);
/** These would end the server, the token that asks, or a role that others ask about; the last has no end. */
const NOT_ASKED = new Set([
  'POST sys/seal',
  'POST auth/token/revoke-self',
  'DELETE auth/approle/role/:role',
  'GET sys/monitor',
]);
/** Where not every name is known. */
const KNOWN: Record<string, string> = {
  'sys/pprof/:profile': 'sys/pprof/goroutine',
  'sys/internal/inspect/router/:tag': 'sys/internal/inspect/router/root',
};

const folder = testFolder('every-endpoint');
const config = join(folder, 'asked-for.hcl');
let server: RunningServer;
before(async () => {
  // What the configuration has to ask for is served too.
  writeFileSync(config, 'raw_storage_endpoint = true\nintrospection_endpoint = true\n');
  server = await startReadyDev({ args: [`-config=${config}`] });
  const reply = await call(server.address, 'POST', '/v1/sys/mounts/kv', {
    token: 'root',
    body: { type: 'kv-v1' },
  });
  assert.equal(reply.status, 204);
  const auth = await call(server.address, 'POST', '/v1/sys/auth/userpass', {
    token: 'root',
    body: { type: 'userpass' },
  });
  assert.equal(auth.status, 204);
  for (const [path, body] of [
    ['sys/auth/approle', { type: 'approle' }],
    ['auth/approle/role/x', {}],
  ] as const)
    assert.equal((await call(server.address, 'POST', `/v1/${path}`, { token: 'root', body })).status, 204);
});
after(() => server.stop());

test('what is not served answers 404 or 405, and says so', async () => {
  await askEach(
    endpoints().filter(({ served }) => !isServed(served)),
    (name, reply) => {
      assert([404, 405].includes(reply.status), `${name} answered ${reply.status}: ${reply.text}`);
      if (name.startsWith('HEAD ')) return;
      assert.match(
        reply.body.errors[0],
        /^(1 error occurred:\n\t\* )?(unsupported path|unsupported operation|no handler for route ".*"\. route entry not found\.)/,
        name,
      );
    },
  );
});

test('what is served is found, whatever it thinks of an empty body', async () => {
  await askEach(
    endpoints().filter(({ served, verb, path }) => isServed(served) && !NOT_ASKED.has(`${verb} ${path}`)),
    (name, reply) => {
      assert.notEqual(reply.status, 405, name);
      assert.doesNotMatch(reply.text, /unsupported path|no handler for route/, name);
      if (REFUSED_WITH_500.has(name) && /missing password|username does not exist/.test(reply.text)) return;
      assert(reply.status < 500, `${name} answered ${reply.status}: ${reply.text}`);
    },
  );
});

test('PUT is POST', async () => {
  const body = { paths: ['a'] };
  const put = await call(server.address, 'PUT', '/v1/sys/capabilities-self', { token: 'root', body });
  assert.deepEqual(put.body.data, { a: ['root'], capabilities: ['root'] });
});

function isServed(served: Endpoint['served']): boolean {
  return served === 'served' || served === 'partly';
}

async function askEach(
  asked: readonly Endpoint[],
  check: (name: string, reply: CallReply) => void,
): Promise<void> {
  assert(asked.length > 50, 'the list is not empty');
  const queue = [...asked];
  const one = async () => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      check(`${next.verb} ${next.path}`, await ask(next));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

function ask({ verb, path }: Endpoint): Promise<CallReply> {
  const hasBody = verb === 'POST' || verb === 'PATCH';
  return call(server.address, verb, `/v1/${KNOWN[path] ?? samplePath(path)}`, {
    token: 'root',
    body: hasBody ? {} : undefined,
    headers: verb === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {},
  });
}

test('what a path does not do is refused too: 405, or 404 where nothing is there', async () => {
  const { body } = await call(server.address, 'GET', '/v1/sys/internal/specs/openapi', { token: 'root' });
  let asked = 0;
  for (const { path, served } of routesOf(body)) {
    for (const verb of ['POST', 'PATCH', 'DELETE'] as const) {
      if (served.includes(verb)) continue;
      asked++;
      const name = `${verb} ${path}`;
      const { status, text } = await ask({ verb, path: path.replace(/\{(\w+)\}/g, ':$1') } as Endpoint);
      assert([404, 405].includes(status), `${name} answered ${status}: ${text}`);
    }
  }
  assert(asked > 60, String(asked));
});
