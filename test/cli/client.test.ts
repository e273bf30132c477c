/** The client's behaviour towards a server, seen from a server that only writes down what it is sent. */
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { readAll } from '../../src/cli/transport.ts';
import { runInProcess } from './in-process.ts';

interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let seen: Seen[] = [];
let answer: RequestListener = (_request, reply) => reply.end();
const server = createServer(async (request, reply) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
  answer(request, reply);
});
let address = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());
beforeEach(() => {
  seen = [];
  answer = (_request, reply) => reply.end('{"data":{"a":"b"}}');
});

const run = (args: string[], env: Record<string, string> = {}, stdin = '') =>
  runInProcess(
    args,
    { COFFER_ARGV0: 'vault', HOME: '/nonexistent', VAULT_ADDR: address, VAULT_TOKEN: 'T', ...env },
    stdin,
  );
const only = () => {
  assert.equal(seen.length, 1);
  return seen[0] as Seen;
};

test('every request says that it is one, whose it is, and nothing of a content type', async () => {
  await run(['write', 'a/b', 'x=1']);
  const { method, url, headers, body } = only();
  assert.equal(`${method} ${url} ${body}`, 'PUT /v1/a/b {"x":"1"}');
  assert.equal(headers['x-vault-request'], 'true');
  assert.equal(headers['x-vault-token'], 'T');
  assert.equal(headers['content-type'], undefined);
  assert.equal(headers['x-vault-namespace'], undefined);
  assert.equal(headers['x-vault-wrap-ttl'], undefined);
  assert.equal(headers['content-length'], '9');
});

test('lists are GETs with list=true, patches are merge patches, deletes take parameters', async () => {
  await run(['list', 'a/b/']);
  await run(['patch', 'a/b', 'x=1']);
  await run(['delete', 'a/b', 'x=1', 'x=2']);
  await run(['read', 'a/b', 'z=1', 'y=ž']);
  assert.deepEqual(
    seen.map(({ method, url }) => `${method} ${url}`),
    ['GET /v1/a/b?list=true', 'PATCH /v1/a/b', 'DELETE /v1/a/b?x=1&x=2', 'GET /v1/a/b?y=%C5%BE&z=1'],
  );
  assert.equal(seen[1]?.headers['content-type'], 'application/merge-patch+json');
});

test('flags become headers', async () => {
  await run([
    'read',
    '-ns=team/a',
    '-wrap-ttl=90',
    '-mfa=one',
    '-mfa=two',
    '-policy-override',
    '-header=X-Mine=1',
    'a',
  ]);
  const { headers } = only();
  assert.equal(headers['x-vault-namespace'], 'team/a/');
  assert.equal(headers['x-vault-wrap-ttl'], '1m30s');
  assert.equal(headers['x-vault-mfa'], 'one, two');
  assert.equal(headers['x-vault-policy-override'], 'true');
  assert.equal(headers['x-mine'], '1');
});

test('so do variables, and flags go before them', async () => {
  await run(['read', 'a'], { VAULT_NAMESPACE: '/x', VAULT_WRAP_TTL: '5m', VAULT_MFA: 'm' });
  assert.equal(only().headers['x-vault-namespace'], 'x/');
  assert.equal(only().headers['x-vault-wrap-ttl'], '5m0s');
  assert.equal(only().headers['x-vault-mfa'], 'm');
  await run(['read', '-namespace=y', 'a'], { VAULT_NAMESPACE: 'x', COFFER_NAMESPACE: 'c' });
  assert.equal(seen[1]?.headers['x-vault-namespace'], 'y/');
});

test('status asks in the root namespace', async () => {
  await run(['status'], { VAULT_NAMESPACE: 'x' });
  for (const { headers } of seen) assert.equal(headers['x-vault-namespace'], undefined);
});

test('the look-up of the mount is never wrapped, what follows is', async () => {
  answer = (_request, reply) => reply.end('{"data":{"path":"secret/","options":{"version":"2"}}}');
  await run(['kv', 'get', '-wrap-ttl=5m', 'secret/x'], { VAULT_WRAP_TTL: '1m' });
  assert.deepEqual(
    seen.map(({ url, headers }) => `${url} ${headers['x-vault-wrap-ttl']}`),
    ['/v1/sys/internal/ui/mounts/secret/x undefined', '/v1/secret/data/x 5m0s'],
  );
});

test('a mount told with its namespace in front is found in the path all the same', async () => {
  answer = (_request, reply) => reply.end('{"data":{"path":"team/secret/","options":{"version":"2"}}}');
  await run(['kv', 'get', 'secret/x']);
  assert.equal(seen[1]?.url, '/v1/secret/data/x');
});

test('a server that knows no mounts look-up is taken to have no versions', async () => {
  answer = (request, reply) => {
    if (request.url?.includes('internal')) reply.statusCode = 404;
    reply.end(request.url?.includes('internal') ? '{"errors":[]}' : '{"data":{"a":"b"}}');
  };
  assert.equal((await run(['kv', 'get', '-field=a', 'secret/x'])).stdout, 'b');
  assert.equal(seen[1]?.url, '/v1/secret/x');
});

test('kv patch falls back to read and write where PATCH is refused', async () => {
  const data = '{"data":{"data":{"old":1},"metadata":{"version":7}}}';
  for (const status of [403, 405]) {
    seen = [];
    answer = (request, reply) => {
      if (request.method === 'PATCH') reply.statusCode = status;
      const mount = '{"data":{"path":"secret/","options":{"version":"2"}}}';
      reply.end(
        request.method === 'PATCH' ? '{"errors":[]}' : request.url?.includes('internal') ? mount : data,
      );
    };
    const { exit, stderr } = await run(['kv', 'patch', 'secret/x', 'new=2']);
    assert.equal(exit, 0);
    assert.equal(seen[3]?.body, '{"data":{"new":"2","old":1},"options":{"cas":7}}');
    assert.equal(stderr.includes('recommend that you add the "patch" capability'), status === 403);
  }
});

test('nothing is retried, unless VAULT_MAX_RETRIES says so', async () => {
  answer = (_request, reply) => {
    reply.statusCode = 503;
    reply.setHeader('Retry-After', '0');
    reply.end('{"errors":["sealed"]}');
  };
  assert.equal((await run(['read', 'a'])).exit, 2);
  assert.equal(seen.length, 1);
  assert.equal((await run(['read', 'a'], { VAULT_MAX_RETRIES: '2' })).exit, 2);
  assert.equal(seen.length, 4);
});

test('what a retry cannot change is not retried', async () => {
  for (const status of [400, 403, 404, 501]) {
    seen = [];
    answer = (_request, reply) => {
      reply.statusCode = status;
      reply.end('{"errors":[]}');
    };
    await run(['read', 'a'], { VAULT_MAX_RETRIES: '2' });
    assert.equal(seen.length, 1, String(status));
  }
});

test('one redirect is followed, with body and token; a second is not', async () => {
  answer = (request, reply) => {
    if (request.url !== '/v1/there') {
      reply.statusCode = 307;
      reply.setHeader('Location', '/v1/there');
    }
    reply.end('{"data":{"a":"b"}}');
  };
  await run(['write', 'here', 'x=1']);
  assert.deepEqual(
    seen.map(({ method, url, body, headers }) => `${method} ${url} ${body} ${headers['x-vault-token']}`),
    ['PUT /v1/here {"x":"1"} T', 'PUT /v1/there {"x":"1"} T'],
  );
  seen = [];
  answer = (_request, reply) => reply.writeHead(307, { Location: '/v1/round' }).end();
  await run(['read', 'a']);
  assert.equal(seen.length, 2);
  seen = [];
  await run(['read', '-disable-redirects', 'a']);
  assert.equal(seen.length, 1);
});

test('errors name method, URL and status; several stand one after another; what is no envelope is shown raw', async () => {
  answer = (_request, reply) =>
    reply.writeHead(400, { 'X-Vault-Namespace': 'team/' }).end('{"errors":["one","two"]}');
  assert.equal(
    (await run(['write', 'a', 'x=1'])).stderr,
    `Error writing data to a: Error making API request.\n\nNamespace: team/\nURL: PUT ${address}/v1/a\nCode: 400. Errors:\n\n* one* two\n`,
  );
  answer = (_request, reply) => reply.writeHead(502).end('<html>bad gateway</html>');
  assert.match((await run(['read', 'a'])).stderr, /Code: 502\. Raw Message:\n\n<html>bad gateway<\/html>\n$/);
});

test('a 404 with data is data, one without is nothing', async () => {
  answer = (_request, reply) => reply.writeHead(404).end('{"data":{"metadata":{"deletion_time":"now"}}}');
  assert.equal((await run(['read', 'a'])).exit, 0);
  answer = (_request, reply) => reply.writeHead(404).end('{"errors":[]}');
  assert.deepEqual(await run(['read', 'a']), { exit: 2, stdout: '', stderr: 'No value found at a\n' });
});

test('an answer without envelope is its own data', async () => {
  answer = (_request, reply) => reply.end('{"initialized":true,"sealed":false}');
  assert.equal((await run(['read', '-field=initialized', 'sys/health'])).stdout, 'true');
});

test("leases show as leases, KV v1's hint as refresh_interval", async () => {
  answer = (_request, reply) =>
    reply.end('{"lease_id":"db/x","lease_duration":3600,"renewable":true,"data":{"a":"b"}}');
  assert.match(
    (await run(['read', 'x'])).stdout,
    /^lease_id +db\/x\nlease_duration +1h\nlease_renewable +true\na +b$/m,
  );
  answer = (_request, reply) => reply.end('{"lease_id":"","lease_duration":2764800,"data":{"a":"b"}}');
  assert.match((await run(['read', 'x'])).stdout, /^refresh_interval +768h\na +b$/m);
});

test("a status without a time of activity has Go's zero time", async () => {
  answer = (_request, reply) => reply.end('{"type":"shamir","sealed":false}');
  const status = JSON.parse((await run(['status', '-format=json'])).stdout) as Record<string, unknown>;
  assert.equal(status.active_time, '0001-01-01T00:00:00Z');
  assert.equal('storage_type' in status, false);
});

test('flags that count anywhere do not count behind a double dash', async () => {
  assert.match((await run(['read', 'a', '-format=json'])).stdout, /^\{/);
  assert.match((await run(['read', '--', 'a', '-format=json'])).stdout, /^Key/);
});

test('an answer that never comes ends at VAULT_CLIENT_TIMEOUT', async () => {
  answer = () => {};
  const { exit, stderr } = await run(['read', 'a'], { VAULT_CLIENT_TIMEOUT: '50ms' });
  assert.equal(exit, 2);
  assert.equal(stderr, `Error reading a: Get "${address}/v1/a": context deadline exceeded\n`);
  server.closeAllConnections();
});

test('an answer that breaks off is an error', async () => {
  answer = (_request, reply) => {
    reply.writeHead(200, { 'Content-Length': '100' });
    reply.write('{"data"');
    reply.socket?.destroy();
  };
  assert.equal((await run(['read', 'a'])).exit, 2);
});

test('requests go through VAULT_PROXY_ADDR, but not for this machine through HTTP_PROXY', async () => {
  const env = { VAULT_ADDR: 'http://vault.example:8200', VAULT_PROXY_ADDR: address };
  assert.equal((await run(['read', '-field=a', 'x'], env)).stdout, 'b');
  assert.equal(only().url, 'http://vault.example:8200/v1/x');
  assert.equal(only().headers.host, 'vault.example:8200');
  assert.equal((await run(['read', '-field=a', 'x'], { HTTP_PROXY: 'http://127.0.0.1:1' })).stdout, 'b');
  const excepted = { ...env, VAULT_PROXY_ADDR: '', HTTP_PROXY: address, NO_PROXY: '.example' };
  assert.match((await run(['read', 'x'], excepted)).stderr, /no such host/);
});

test('a token with control characters never leaves', async () => {
  const { exit, stderr } = await run(['read', 'a'], { VAULT_TOKEN: 'a\nb' });
  assert.equal(exit, 2);
  assert.match(stderr, /non-printable characters/);
  assert.equal(seen.length, 0);
});

test('described requests are not sent, and never show the token', async () => {
  for (const flag of ['-output-curl-string', '-output-policy']) {
    const { exit, stdout } = await run(['write', flag, 'a', 'x=1']);
    assert.equal(exit, 0);
    assert(!stdout.includes('"X-Vault-Token: T"'));
  }
  assert.equal(seen.length, 0);
  assert.match(
    (await run(['read', '-output-curl-string', '-header=A=b', 'x'])).stdout,
    /-H "A: b" -H "X-Vault-Request: true" -H "X-Vault-Token: \$\(vault print token\)"/,
  );
});

test('security: an answer without end is given up', async () => {
  async function* pieces(count: number) {
    for (let at = 0; at < count; at++) yield Buffer.alloc(1_000);
  }
  assert.equal((await readAll(pieces(5), 5_000)).length, 5_000);
  await assert.rejects(readAll(pieces(10_000), 5_000), /^Error: the answer is larger than 5000 bytes$/);
});

test('a variable that says nothing sensible is refused: whoever set it believes it is in force', async () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  const refused: [name: string, text: string, why: string][] = [
    ['VAULT_RATE_LIMIT', 'x', 'VAULT_RATE_LIMIT was provided but incorrectly formatted'],
    ['VAULT_RATE_LIMIT', '3:x', 'VAULT_RATE_LIMIT was provided but incorrectly formatted'],
    ['VAULT_RATE_LIMIT', ' 3', 'VAULT_RATE_LIMIT was provided but incorrectly formatted'],
    ['VAULT_CACERT_BYTES', 'foo', "Error appending CA: Couldn't parse PEM"],
  ];
  for (const [name, text, why] of refused) {
    const { exit, stderr } = await run(['read', 'a'], { [name]: text });
    assert.deepEqual([exit, stderr], [2, `failed to read environment: ${why}\n`], `${name}=${text}`);
    assert.equal((await run(['status'], { [name]: text })).exit, 1, 'as Vault: 2 would be sealed');
  }
  assert.deepEqual(seen, []);
  for (const text of ['3', '3.5', '10:20', '3:4:5', '1e2']) {
    assert.equal((await run(['read', 'a'], { VAULT_RATE_LIMIT: text })).exit, 0, text);
  }
  assert.equal((await run(['read', 'a'], { VAULT_CACERT_BYTES: pem })).exit, 0);
});

test('what a refusal brings stands behind it', async () => {
  answer = (request, reply) => {
    const isMount = request.url?.startsWith('/v1/sys/internal/ui/mounts/');
    reply.statusCode = isMount ? 200 : 404;
    reply.end(
      isMount
        ? '{"data":{"path":"secret/","options":{"version":"2"}}}'
        : '{"errors":[],"warnings":["Not at the root."]}',
    );
  };
  const { exit, stderr } = await run(['kv', 'put', 'secret', 'a=b']);
  assert.equal(exit, 2);
  const [error, warning] = ['Error writing data to secret/data: ', 'WARNING! The following warnings were'];
  assert(stderr.startsWith(error), stderr);
  assert(stderr.indexOf(warning) > 0, stderr);
});

test('version passes over whatever follows it', async () => {
  for (const args of [['-format=json'], ['-nope'], ['more', '-format=json']]) {
    const { exit, stdout, stderr } = await run(['version', ...args]);
    assert.deepEqual([exit, stderr], [0, ''], args.join(' '));
    assert.match(stdout, /^Vault v1\.19\.\d+ \(Coffer .*\)\n$/);
  }
});
