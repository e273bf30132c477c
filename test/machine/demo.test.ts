import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { COMPILED, clientOf, runToEnd } from '../support/configured.ts';
import { findConsul, startConsul } from '../support/consul.ts';
import { findEtcd, startEtcd } from '../support/etcd.ts';
import { freePorts } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { missing } from '../support/missing.ts';
import { COFFER_ENTRY } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const base = testFolder();

/** The promise is 10 s; the tests beside this one take their share of the machine. */
const UP_MS = 110_000;

interface DemoLine {
  readonly node_id: string;
  readonly pid: number;
  readonly api_addr: string;
  readonly cluster_addr: string;
}

interface Demo {
  readonly process: ChildProcess;
  readonly nodes: readonly DemoLine[];
  readonly stderr: () => string;
  /** Where it keeps its files; empty once it has ended. */
  readonly temporary: string;
}

async function startDemo(count: number, ...flags: string[]): Promise<Demo> {
  const temporary = mkdtempSync(join(base, 't-'));
  const process_ = spawn(
    process.execPath,
    [
      ...[COFFER_ENTRY, 'cluster', 'demo', `-nodes=${count}`, '-root-token-id=root', '-format=json'],
      ...[`-base-port=${await freePorts(2 * count)}`, ...flags],
    ],
    {
      env: { PATH: process.env.PATH, HOME: base, TMPDIR: temporary, NODE_COMPILE_CACHE: COMPILED },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  after(() => process_.kill('SIGKILL'));
  let stderr = '';
  process_.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const nodes: DemoLine[] = [];
  createInterface({ input: process_.stdout }).on('line', (line) => nodes.push(JSON.parse(line)));
  await until(
    'the nodes are up',
    () => {
      assert.equal(process_.exitCode, null, stderr);
      return nodes.length === count;
    },
    UP_MS,
  );
  return { process: process_, nodes, stderr: () => stderr, temporary };
}

/** As Ctrl-C does, and looks whether anything is left. */
async function end(demo: Demo): Promise<void> {
  const gone = once(demo.process, 'exit');
  demo.process.kill('SIGINT');
  assert.deepEqual(await gone, [0, null], demo.stderr());
  for (const { pid, node_id } of demo.nodes) assert(!isAlive(pid), node_id);
  assert.deepEqual(
    readdirSync(demo.temporary).filter((name) => name.startsWith('coffer-')),
    [],
  );
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const secret = (who: string) => ({ data: { who } });
const dataOf = (body: unknown) => (body as { data: { data: { who: string } } }).data.data.who;

test('three nodes: written on one, read on another, one killed, read on the third; Ctrl-C leaves nothing', {
  timeout: 180_000,
}, async () => {
  const demo = await startDemo(3);
  assert.deepEqual(
    demo.nodes.map((node) => Object.keys(node)),
    Array(3).fill(['node_id', 'pid', 'api_addr', 'cluster_addr']),
  );
  const clients = demo.nodes.map(({ api_addr }) => clientOf(api_addr, { token: 'root' }));
  const [first, second, third] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0]];
  await first('PUT', 'secret/data/hello', secret('world'));
  assert.equal(dataOf((await second('GET', 'secret/data/hello')).body), 'world');
  for (const client of clients) assert.equal((await client('GET', 'sys/health')).status, 200);

  process.kill(demo.nodes[0]!.pid, 'SIGKILL');
  const reply = await third('GET', 'secret/data/hello');
  assert.equal(dataOf(reply.body), 'world');
  await second('PUT', 'secret/data/hello', secret('again'));
  assert.equal(dataOf((await third('GET', 'secret/data/hello')).body), 'again');
  await until('the death is told', () => demo.stderr().includes('n1 ended (SIGKILL): 2 go on'));

  const gone = once(demo.process, 'exit');
  demo.process.kill('SIGINT');
  assert.deepEqual(await gone, [0, null]);
  for (const { pid, node_id } of demo.nodes) assert(!isAlive(pid), node_id);
  assert.deepEqual(
    readdirSync(demo.temporary).filter((name) => name.startsWith('coffer-')),
    [],
  );
});

for (const [store, find, startStore] of [
  ['etcd', findEtcd, startEtcd],
  ['consul', findConsul, startConsul],
] as const) {
  test(`on ${store}: one reads what the other wrote, and all keys are gone at the end`, {
    timeout: 180_000,
  }, async (t) => {
    const program = await find();
    if ('missing' in program) return t.skip(missing(program.missing));
    const server = await startStore(program.path);
    t.after(() => server.remove());
    const demo = await startDemo(store === 'etcd' ? 2 : 1, `-${store}=${server.address}`);
    const [first, second] = demo.nodes.map(({ api_addr }) => clientOf(api_addr, { token: 'root' }));
    await first!('PUT', 'secret/data/hello', secret(store));
    assert.equal(dataOf((await (second ?? first!)('GET', 'secret/data/hello')).body), store);
    assert.notEqual(await countKeys(store, server.address), 0);
    await end(demo);
    assert.equal(await countKeys(store, server.address), 0);
  });
}

/** Of the whole store. */
async function countKeys(store: 'etcd' | 'consul', address: string): Promise<number> {
  if (store === 'consul') {
    const { status, body } = await call(address, 'GET', '/v1/kv/?keys&consistent');
    return status === 404 ? 0 : body.length;
  }
  const all = { key: 'AA==', range_end: 'AA==', count_only: true };
  const { body } = await call(address, 'POST', '/v3/kv/range', { body: all });
  return Number(body.count ?? 0);
}

test('a demo that is killed takes its nodes with it', { timeout: 180_000 }, async () => {
  const demo = await startDemo(1);
  demo.process.kill('SIGKILL');
  await until('the node ends', () => !isAlive(demo.nodes[0]!.pid));
});

test('a port that is taken is named, with what helps; nothing is left', async () => {
  const port = await freePorts(2);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const temporary = join(base, 'taken');
  mkdirSync(temporary);
  const args = ['cluster', 'demo', '-nodes=1', `-base-port=${port}`];
  const { code, stderr } = await runToEnd(args, { env: { TMPDIR: temporary } });
  server.close();
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`port ${port} of 127.0.0.1 is already in use; take others: .* -base-port=\\d+`),
  );
  assert.deepEqual(
    readdirSync(temporary).filter((name) => name.startsWith('coffer-')),
    [],
  );
});

test('what cannot be is refused before anything starts', async () => {
  const wrong: [string, RegExp][] = [
    ['-nodes=0', /-nodes: expected a number from 1 to 64/],
    ['-base-port=65533', /-base-port: expected a port with room/],
    ['-etcd=http://a:1 -consul=http://b:1', /-etcd or -consul, not both/],
  ];
  for (const [flags, said] of wrong) {
    const { code, stderr } = await runToEnd(['cluster', 'demo', ...flags.split(' ')]);
    assert.equal(code, 1, flags);
    assert.match(stderr, said);
  }
});
