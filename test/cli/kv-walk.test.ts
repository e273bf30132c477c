/** `kv list -recursive` against a server: all that may be listed, in order, and what may not is named. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { call } from '../support/http.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { runInProcess } from './in-process.ts';

let server: RunningServer;
before(async () => {
  server = await startDev({ rootToken: 'root' });
});
after(() => server?.stop());

const run = (token: string, ...args: string[]) =>
  runInProcess(['kv', 'list', ...args], {
    COFFER_ARGV0: 'vault',
    HOME: '/nonexistent',
    VAULT_ADDR: server.address,
    VAULT_TOKEN: token,
    VAULT_MAX_RETRIES: '0',
  });

async function ask(method: string, path: string, body?: unknown) {
  const reply = await call(server.address, method, `/v1/${path}`, { token: 'root', body });
  assert(reply.status < 300, `${path}: ${reply.status} ${reply.text}`);
  return reply.body;
}

const PATHS = ['a', 'a-b', 'a/b', 'a/c/d', 'a/c/e', 'team one/ä', 'z/hidden/x', 'z/open'];

for (const version of ['1', '2']) {
  describe(`version ${version}`, () => {
    const mount = `kv-${version}`;
    const inApi = (section: string, path: string) =>
      version === '2' ? `${mount}/${section}/${path}` : `${mount}/${path}`;
    let limited = '';
    before(async () => {
      await ask('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version } });
      for (const path of PATHS)
        await ask(
          'POST',
          inApi('data', encodeURI(path)),
          version === '2' ? { data: { k: 'v' } } : { k: 'v' },
        );
      const policy = `path "${inApi('metadata', '*')}" { capabilities = ["list"] }
        path "${inApi('metadata', 'z/hidden/*')}" { capabilities = ["deny"] }
        path "${inApi('metadata', 'a/c/')}" { capabilities = ["read"] }`;
      await ask('POST', `sys/policies/acl/walk-${version}`, { policy });
      const { auth } = await ask('POST', 'auth/token/create', { policies: [`walk-${version}`] });
      limited = auth.client_token;
    });

    test('all of a mount, depth first in the order of the lists', async () => {
      const { exit, stdout, stderr } = await run('root', `-mount=${mount}`, '-recursive');
      assert.equal(stderr, '');
      assert.equal(exit, 0);
      const [heading, line, ...paths] = stdout.trimEnd().split('\n');
      assert.deepEqual([heading, line], ['Secrets', '-------']);
      assert.deepEqual(paths, ['a', 'a-b', 'a/b', 'a/c/d', 'a/c/e', 'team one/ä', 'z/hidden/x', 'z/open']);
    });

    test('below a folder, as JSON and as YAML', async () => {
      const asJson = await run('root', '-recursive', '-format=json', `${mount}/a`);
      assert.deepEqual(JSON.parse(asJson.stdout), ['b', 'c/d', 'c/e']);
      assert.equal(asJson.exit, 0);
      assert.equal(
        (await run('root', '-recursive', '-format=yaml', `${mount}/a/`)).stdout,
        '- b\n- c/d\n- c/e\n',
      );
    });

    test('folders that may not be listed are named at the end, and the exit code says so', async () => {
      const { exit, stdout, stderr } = await run(limited, '-recursive', '-format=json', mount);
      assert.deepEqual(JSON.parse(stdout), ['a', 'a-b', 'a/b', 'team one/ä', 'z/open']);
      assert.equal(stderr, 'Not listed, permission denied: a/c/\nNot listed, permission denied: z/hidden/\n');
      assert.equal(exit, 2);
    });

    test('a first folder that may not be listed is a refusal as without -recursive', async () => {
      const { exit, stdout, stderr } = await run(limited, '-recursive', `${mount}/z/hidden`);
      assert.equal(stdout, '');
      assert.match(stderr, /^Error listing kv-.*Code: 403/s);
      assert.equal(exit, 2);
    });

    test('nothing there', async () => {
      const people = await run('root', '-recursive', `${mount}/none`);
      assert.match(people.stderr, /^No value found at kv-/);
      assert.equal(people.exit, 2);
      const machines = await run('root', '-recursive', '-format=json', `${mount}/none`);
      assert.equal(machines.stdout, '[]\n');
      assert.equal(machines.exit, 2);
    });

    test('no more than -limit, and it says that there are more', async () => {
      const { exit, stdout, stderr } = await run('root', '-recursive', '-limit=2', '-format=json', mount);
      assert.deepEqual(JSON.parse(stdout), ['a', 'a-b']);
      assert.match(stderr, /Stopped after 2 secrets/);
      assert.equal(exit, 2);
      const exact = await run('root', '-recursive', `-limit=${PATHS.length}`, mount);
      assert.equal(exact.exit, 0, 'as many as there are is no cut');
    });
  });
}

test('flags that do not go together', async () => {
  for (const flags of [
    ['-limit=3'],
    ['-recursive', '-limit=0'],
    ['-recursive', '-wrap-ttl=1m'],
    ['-recursive', '-format=pretty'],
  ]) {
    const { exit, stdout } = await run('root', ...flags, 'kv-1');
    assert.equal(exit, 1, flags.join(' '));
    assert.equal(stdout, '');
  }
});

test('the first request is what is described', async () => {
  const { exit, stdout } = await run('root', '-recursive', '-output-curl-string', 'kv-2/a');
  assert.match(stdout, /^curl .*\/v1\/kv-2\/metadata\/a\?list=true"\n$/);
  assert.equal(exit, 0);
});

test('a server that fails on the way: what was printed is whole JSON, and the exit code 2', async () => {
  const failing = createServer((request, response) => {
    const path = request.url!.split('?')[0];
    if (path === '/v1/sys/internal/ui/mounts/x')
      response.end('{"data":{"path":"x/","options":{"version":"1"}}}');
    else if (path === '/v1/x') response.end('{"data":{"keys":["a","b/"]}}');
    else {
      response.statusCode = 500;
      response.end('{"errors":["internal error"]}');
    }
  });
  await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve));
  const { port } = failing.address() as AddressInfo;
  const { exit, stdout, stderr } = await runInProcess(['kv', 'list', '-recursive', '-format=json', 'x'], {
    HOME: '/nonexistent',
    VAULT_ADDR: `http://127.0.0.1:${port}`,
    VAULT_TOKEN: 't',
    VAULT_MAX_RETRIES: '0',
  });
  failing.close();
  assert.deepEqual(JSON.parse(stdout), ['a']);
  assert.match(stderr, /^Error listing: x\/b\/: .*500/s);
  assert.equal(exit, 2);
});
