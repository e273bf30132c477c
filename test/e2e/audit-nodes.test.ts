/**
 * Audit devices on three nodes: enabled and disabled through any of them; each node has a chain of its own, and any of them tells of all.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { runInProcess } from '../cli/in-process.ts';
import { logLines, tamper } from '../support/audit-chain.ts';
import type { TestNode } from '../support/nodes.ts';
import { testFolder } from '../support/test-folder.ts';
import { threeNodes } from '../support/three-nodes.ts';
import { until } from '../support/until.ts';

const { cluster, onAll: on, root } = threeNodes();
const folder = testFolder('audit-nodes');

test(
  'one file that all nodes of a machine write to: a chain for each, all of them whole',
  on(async (nodes) => {
    const path = join(folder, 'audit.log');
    const enabled = await nodes[0]!.call('PUT', 'sys/audit/file', {
      ...root(),
      body: { type: 'file', options: { file_path: path } },
    });
    assert.equal(enabled.status, 204, enabled.text);
    for (let n = 0; n < 30; n++) await nodes[n % 3]!.call('GET', 'sys/mounts', root());
    for (const node of nodes) {
      const { body } = await node.call('GET', 'sys/audit', root());
      assert.deepEqual(Object.keys(body.data), ['file/']);
    }
    const disabled = await nodes[1]!.call('DELETE', 'sys/audit/file', root());
    assert.equal(disabled.status, 204, disabled.text);
    // The others close theirs when they hear of it.
    let chains: { node: string; closed: boolean; enabled: boolean; seq: number }[] = [];
    await until('all chains are closed', async () => {
      const { body } = await nodes[2]!.call('LIST', 'sys/audit-chains', root());
      chains = Object.values(body.data.key_info);
      return chains.length === 3 && chains.every(({ closed }) => closed);
    });
    assert.equal(new Set(chains.map(({ node }) => node)).size, 3);
    assert(chains.every((chain) => !chain.enabled && chain.seq > 20));
    const env = {
      COFFER_ARGV0: 'coffer',
      HOME: folder,
      VAULT_ADDR: nodes[0]!.address,
      VAULT_TOKEN: cluster.rootToken,
    };
    const whole = await runInProcess(['audit', 'verify', '-format=json', path], env);
    assert.equal(whole.exit, 0, whole.stdout + whole.stderr);
    assert.equal(JSON.parse(whole.stdout).chains.length, 3);
    const at = logLines(path).findIndex((line) => line.includes('"path":"sys/mounts"'));
    tamper(path, (lines) => lines.toSpliced(at, 1));
    const { findings } = JSON.parse(
      (await runInProcess(['audit', 'verify', '-format=json', path], env)).stdout,
    );
    assert.deepEqual(
      findings.map(({ kind }: { kind: string }) => kind),
      ['removed'],
    );
  }),
);

test(
  'with a device on, too, a request that is sent again under its id is told what it was told, by who may create only',
  on(async (nodes) => {
    const options = { file_path: join(folder, 'again.log') };
    await nodes[0]!.call('PUT', 'sys/audit/again', { ...root(), body: { type: 'file', options } });
    await nodes[0]!.call('POST', 'sys/mounts/again', { ...root(), body: { type: 'kv' } });
    const policy = 'path "again/once" { capabilities = ["create"] }';
    await nodes[0]!.call('PUT', 'sys/policies/acl/once', { ...root(), body: { policy } });
    const made = await nodes[0]!.call('POST', 'auth/token/create', {
      ...root(),
      body: { policies: ['once'], no_default_policy: true },
    });
    const token: string = made.body.auth.client_token;
    const body = { a: '1' };
    const headers = { 'x-coffer-request-id': randomUUID() };
    for (const node of nodes)
      assert.equal((await node.call('POST', 'again/once', { token, headers, body })).status, 204, node.id);
    for (const node of nodes)
      assert.equal((await node.call('POST', 'again/once', { token, body })).status, 403, node.id);
    await nodes[0]!.call('DELETE', 'sys/audit/again', root());
  }),
);

test(
  'a POST is create or update in the log of every node, whoever owns what it names',
  on(async (nodes) => {
    const path = join(folder, 'operations.log');
    const enabled = await nodes[0]!.call('PUT', 'sys/audit/operations', {
      ...root(),
      body: { type: 'file', options: { file_path: path } },
    });
    assert.equal(enabled.status, 204, enabled.text);
    for (const node of nodes) {
      await until('it is on', async () => {
        await node.call('GET', 'sys/mounts', root());
        return 'operations/' in (await node.call('GET', 'sys/audit', root())).body.data;
      });
    }
    for (let n = 0; n < 12; n++) {
      const options = { ...root(), body: { password: 'pw' } };
      for (const at of [n, n + 1]) await nodes[at % 3]!.call('POST', `cubbyhole/secret-${n}`, options);
    }
    await nodes[0]!.call('DELETE', 'sys/audit/operations', root());
    const told = logLines(path)
      .map((line) => JSON.parse(line))
      .filter(({ type, request }) => type === 'request' && request.path.startsWith('cubbyhole/'))
      .map(({ request }) => request.operation);
    assert.deepEqual(told, Array.from({ length: 12 }, () => ['create', 'update']).flat());
  }),
);

test(
  'a socket device through any node; a second fallback device is refused at every node',
  on(async (nodes) => {
    let text = '';
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('data', (bytes) => {
        text += bytes;
      });
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const enable = (node: TestNode, name: string, fallback: string) =>
        node.call('PUT', `sys/audit/${name}`, {
          ...root(),
          body: { type: 'socket', options: { address: `127.0.0.1:${port}`, fallback } },
        });
      assert.equal((await enable(nodes[1]!, 'socket', 'true')).status, 204);
      for (const node of nodes) {
        const refused = await enable(node, 'other', 'true');
        assert.equal(refused.status, 400);
        assert.match(refused.text, /there is a fallback device already/);
        await node.call('GET', 'sys/mounts', root());
      }
      const chainsIn = () =>
        new Set([...text.matchAll(/"path":"sys\/mounts".*?"chain":"([0-9a-f]{16})"/g)].map(([, id]) => id));
      await until('lines of all nodes', () => chainsIn().size === 3);
      assert.equal((await nodes[0]!.call('DELETE', 'sys/audit/socket', root())).status, 204);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  }),
);

test(
  'a request header that is named at one node stands in the lines of each',
  on(async (nodes) => {
    const path = join(folder, 'headers.log');
    const asked = async (node: TestNode, method: string, to: string, body?: object) => {
      const headers = { 'x-named': 'HEADER-VALUE' };
      const reply = await node.call(method, to, { ...root(), body, headers });
      assert(reply.status < 300, reply.text);
    };
    await asked(nodes[0]!, 'PUT', 'sys/audit/headers', { type: 'file', options: { file_path: path } });
    for (const node of nodes) {
      await asked(node, 'POST', 'sys/config/auditing/request-headers/X-Named');
      for (const other of nodes) await asked(other, 'GET', 'sys/mounts');
      await asked(node, 'DELETE', 'sys/config/auditing/request-headers/x-named');
      for (const other of nodes) await asked(other, 'GET', 'sys/policy');
    }
    await asked(nodes[1]!, 'DELETE', 'sys/audit/headers');
    const requests = logLines(path)
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === 'request')
      .map(({ request }) => request);
    const of = (wanted: string) => requests.filter((request) => request.path === wanted);
    assert.equal(of('sys/mounts').length, 9);
    assert.equal(of('sys/policy').length, 9);
    for (const { headers } of of('sys/mounts')) assert.deepEqual(headers?.['x-named'], ['HEADER-VALUE']);
    for (const { headers } of of('sys/policy')) assert.equal(headers?.['x-named'], undefined);
  }),
);
