/**
 * What who listens to a node's log at `trace` sees of its work: each request, and in a cluster what goes from node to node, and new
 * actors. Nothing of it says what a secret, a token or an accessor is; where nobody listens it is not there.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { test } from 'node:test';
import { MONITOR_LOOK_MS } from '../../src/model/limits.ts';
import { asking, makeToken, succeed } from '../support/asking.ts';
import { startDev } from '../support/server.ts';
import { threeNodes } from '../support/three-nodes.ts';
import { until } from '../support/until.ts';

interface Line {
  readonly '@module': string;
  readonly '@message': string;
  readonly [field: string]: unknown;
}

/** What is said at a node from now on. */
async function listen(address: string, token: string, level: string) {
  let text = '';
  let isOpen = false;
  const { hostname, port } = new URL(address);
  const path = `/v1/sys/monitor?log_level=${level}&log_format=json`;
  const sent = get(
    { hostname, port, path, agent: false, headers: { 'x-vault-token': token } },
    (response) => {
      isOpen = response.statusCode === 200;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', () => {});
    },
  );
  sent.on('error', () => {});
  await until('a head', () => isOpen);
  const lines = (): Line[] => {
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).trimEnd();
    return whole === '' ? [] : whole.split('\n').map((line) => JSON.parse(line));
  };
  return { lines, text: () => text, leave: () => sent.destroy() };
}

test('each request is a line, with its id, for who listens at trace and for nobody else', async () => {
  const server = await startDev();
  try {
    const root = asking(server.address);
    await succeed(root, 'POST', 'sys/namespaces/tenant');
    const closely = await listen(server.address, 'root', 'trace');
    const others = await listen(server.address, 'root', 'debug');
    const headers = { 'x-vault-namespace': 'tenant', 'x-coffer-request-id': 'a-request-of-mine-0001' };
    const asked = await root('GET', 'sys/mounts', undefined, { headers });
    const made = await makeToken(root);
    const secret = { data: { v: 'what-nobody-may-see' } };
    await succeed(root, 'POST', 'secret/data/traced', secret);
    const requests = () => closely.lines().filter((line) => line['@message'] === 'completed_request');
    const of = (path: string) => requests().find((line) => line.request_path === `/v1/${path}`);
    await until('lines', () => of('secret/data/traced') !== undefined);
    const line = of('sys/mounts')!;
    assert.deepEqual(
      [line.request_id, line.status_code, line.request_method, line['@level']],
      [asked.body.request_id, 200, 'GET', 'trace'],
    );
    assert.match(String(line.duration), /^\d+ms$/);
    assert(closely.lines().some((one) => one['@message'] === 'activated' && one.kind));
    for (const hidden of [made.token, made.accessor, 'what-nobody-may-see'])
      assert(!closely.text().includes(hidden), hidden);
    assert.doesNotMatch(others.text(), /completed_request|activated/);
    closely.leave();
    others.leave();
  } finally {
    await server.stop();
  }
});

const { cluster, onAll: on, root } = threeNodes();

// The first change of a section after the start: some node reads the section anew.
test(
  'whatever is mounted meanwhile, who listens goes on listening',
  on(async (nodes) => {
    const listening = await Promise.all(
      nodes.map((node) => listen(node.address, cluster.rootToken, 'trace')),
    );
    await nodes[0]!.call('POST', 'sys/mounts/meanwhile', { ...root(), body: { type: 'kv' } });
    // Whether it still may is looked at now and then.
    const startedMs = performance.now();
    await until('two looks', () => performance.now() - startedMs > 2.5 * MONITOR_LOOK_MS);
    for (const node of nodes) await node.call('GET', 'sys/host-info', root());
    await until('lines of all', () => listening.every(({ text }) => text().includes('/v1/sys/host-info')));
    for (const { leave } of listening) leave();
  }),
);

test(
  'in a cluster: what was asked of which node, by which operation, on both sides',
  on(async (nodes) => {
    const listening = await Promise.all(
      nodes.map((node) => listen(node.address, cluster.rootToken, 'trace')),
    );
    await nodes[0]!.call('POST', 'sys/mounts/traced', { ...root(), body: { type: 'kv' } });
    for (let n = 0; n < 12; n++)
      await nodes[0]!.call('POST', `traced/hidden-name-${n}`, { ...root(), body: { v: 'hidden-value' } });
    const found = (at: number, message: string) =>
      listening[at]!.lines().filter((line) => line['@message'] === message && line.what === 'run');
    await until(
      'lines of both sides',
      () => found(0, 'asked').length > 0 && found(1, 'was asked').length + found(2, 'was asked').length > 0,
    );
    const [one] = found(0, 'asked');
    assert.match(String(one!.operation), /^[a-z0-9-]+[./][a-z-]+/);
    assert.equal(typeof one!.kind, 'string');
    assert.equal(one!.outcome, 'answered');
    assert.equal(typeof one!.took_ms, 'number');
    const names = new Set(nodes.map(({ id }) => id));
    assert(names.has(String(one!.node)), String(one!.node));
    for (const { lines, text } of listening) {
      for (const line of lines())
        if (line['@message'] !== 'completed_request')
          assert.doesNotMatch(JSON.stringify(line), /hidden-name/);
      assert(!text().includes('hidden-value'));
      assert(!text().includes(cluster.rootToken));
    }
    for (const { leave } of listening) leave();
  }),
);
