/** The commands about a cluster, against the real routes of the system engine with a cluster made by hand behind them. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { parseClusterSecrets } from '../../src/cluster/transport/secret.ts';
import { CodedError } from '../../src/model/errors.ts';
import { encodeSorted } from '../../src/model/json-encoder.ts';
import { ask, fakeCore } from '../engines/system/ask.ts';
import { type FakeControl, fakeControl } from '../support/control.ts';
import { runInProcess } from './in-process.ts';

const core = fakeCore();
let control: FakeControl;
let server: Server;
let address = '';

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const path = request.url!.replace(/^\/v1\/sys\//, '');
  const verb = request.method === 'GET' ? 'read' : 'update';
  try {
    const { data } = await ask(core, verb, path, { body: text === '' ? undefined : JSON.parse(text) });
    response.statusCode = data === undefined ? 204 : 200;
    response.end(data === undefined ? '' : encodeSorted({ request_id: 'r', data }));
  } catch (error) {
    response.statusCode = error instanceof CodedError ? error.status : 500;
    response.end(JSON.stringify({ errors: [(error as Error).message] }));
  }
}

async function listen(handler: typeof answer): Promise<{ server: Server; address: string }> {
  const made = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return { server: made, address: `http://127.0.0.1:${(made.address() as AddressInfo).port}` };
}

before(async () => {
  ({ server, address } = await listen(answer));
});
after(() => server.close());

function run(...args: string[]) {
  control = fakeControl();
  core.cluster = control;
  return runInProcess(['cluster', ...args], {
    COFFER_ARGV0: 'coffer',
    HOME: '/nonexistent',
    VAULT_ADDR: address,
    VAULT_TOKEN: 'root',
    VAULT_MAX_RETRIES: '0',
  });
}

test('status: facts, then one line for each node', async () => {
  const { exit, stdout, stderr } = await run('status');
  assert.equal(stderr, '');
  assert.equal(exit, 0);
  const lines = stdout.split('\n');
  assert.match(stdout, /^Epoch +7$/m);
  assert.match(stdout, /^Next view +8, waiting for n2$/m);
  assert.match(
    lines.find((line) => line.startsWith('n1'))!,
    /^n1 +serving +342 +33\.4 % +0 +0 ms +10 +3 +0\.1\.0 /,
  );
  assert.match(lines.find((line) => line.startsWith('n3'))!, /^n3 +silent \(not linked\) +341 .*1400 ms/);
});

test('status -format=json: what the server said', async () => {
  const { stdout } = await run('status', '-format=json');
  const found = JSON.parse(stdout);
  assert.equal(found.epoch, 7);
  assert.equal(found.nodes.length, 3);
});

test('whereis and trace', async () => {
  const found = await run('whereis', 'secret/hello');
  assert.match(found.stdout, /^Owner +n2$/m);
  assert.match(found.stdout, /^In memory +it does not answer$/m);
  assert.match(found.stdout, /^Replicas +n1$/m);
  const traced = await run('trace', '/secret/hello/');
  assert.match(traced.stdout, /^0\.123 ms +1\.500 ms +n2 +owner$/m);
  assert.equal((await run('whereis')).exit, 1);
  const nowhere = await run('whereis', 'nothing');
  assert.equal(nowhere.exit, 2);
  assert.match(nowhere.stderr, /no mount serves this path/);
});

test('verify: 2 where something is wrong, 0 once it was accepted', async () => {
  const bad = await run('verify');
  assert.equal(bad.exit, 2);
  assert.match(bad.stdout, /^! n3 did not answer$/m);
  assert.match(bad.stdout, /^! n3: it did not answer$/m);
  assert.deepEqual(control.done, ['verify false']);
  const good = await run('verify', '-accept');
  assert.equal(good.exit, 0);
  assert.deepEqual(control.done, ['verify true']);
  assert.equal((await run('verify', '-format=json')).exit, 2);
});

test('drain, remove, approve, secret rotate', async () => {
  assert.equal((await run('drain', 'n2')).stdout, 'Success! n2 is leaving\n');
  assert.deepEqual(control.done, ['drain n2']);
  assert.equal((await run('drain')).stdout, 'Success! n1 is leaving\n');
  assert.match((await run('drain', 'x')).stderr, /there is no such node/);
  assert.match((await run('remove', 'n3')).stdout, /^Success! Removed n3 for good: 12D3KooW3\n$/);
  assert.equal((await run('approve', '12D3KooW4')).exit, 0);
  assert.deepEqual(control.done, ['approve 12D3KooW4']);
  assert.equal((await run('secret', 'rotate')).stdout, 'Success! Renewed the secret on n1, n2\n');
});

test('drain -wait returns when the node is no member', async () => {
  for (const node of [[], ['n1']]) {
    const { exit, stderr } = await run('drain', '-wait', ...node);
    assert.deepEqual(
      [exit, stderr, control.done],
      [1, '-wait: n1 is the node that is asked; ask another one (-address)\n', ['status true']],
    );
  }
  const waiting = run('drain', '-wait', 'n2');
  const { glance } = control;
  let asked = 0;
  control.status = async () => {
    const status = glance();
    if (++asked < 3) return status;
    return { ...status, nodes: status.nodes.filter(({ nodeId }) => nodeId !== 'n2') };
  };
  assert.equal((await waiting).stdout, 'Success! n2 has left\n');
  assert.equal(asked, 3);
});

test('identities', async () => {
  const { stdout } = await run('identities');
  assert.match(stdout, /^waits +12D3KooW4 +n4 /m);
  assert.match(stdout, /^admitted +12D3KooW1 +n1 /m);
});

test('secret: made without any server, another one each time', async () => {
  address = `${address}0`;
  try {
    const made = await Promise.all([run('secret'), run('secret')]);
    for (const { exit, stdout } of made) {
      assert.equal(exit, 0);
      assert.equal(parseClusterSecrets(stdout).length, 1);
    }
    assert.notEqual(made[0]!.stdout, made[1]!.stdout);
    assert.equal((await run('secret', 'rotat')).exit, 1);
  } finally {
    address = address.slice(0, -1);
  }
});

test('watch: a line for each change', async () => {
  const watching = run('watch', '-interval=50ms', '-count=4');
  const { glance } = control;
  let asked = 0;
  control.status = async () => ({ ...glance(), epoch: ++asked < 3 ? 7 : 8 });
  const { exit, stdout } = await watching;
  assert.equal(exit, 0);
  assert.deepEqual(
    stdout.trim().split('\n'),
    [7, 8].map((epoch) => `epoch ${epoch}, keeper n2: n1 serving 342, n2 serving 341, n3 silent 341`),
  );
});

test('watch goes on with another node', async () => {
  const dying = await listen(async (request, response) => {
    await answer(request, response);
    dying.server.close();
    dying.server.closeAllConnections();
  });
  const living = address;
  address = dying.address;
  const watching = run('watch', '-interval=50ms', '-count=3', '-format=json');
  address = living;
  const { glance } = control;
  control.status = async () => {
    const status = glance();
    return { ...status, nodes: status.nodes.map((node) => ({ ...node, apiAddress: living })) };
  };
  const { exit, stdout, stderr } = await watching;
  assert.equal(exit, 0);
  assert.equal(stdout.trim().split('\n').length, 2, 'before and after');
  assert.match(stderr, new RegExp(`${dying.address.slice('http://'.length)} does not answer`));
});

test('watch: a refusal ends it', async () => {
  const refused = run('watch', '-interval=50ms');
  control.status = async () => {
    throw new CodedError('permission_denied');
  };
  assert.equal((await refused).exit, 2);
});
