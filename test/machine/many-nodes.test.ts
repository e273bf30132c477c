import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { COMPILED, clientOf, readIf, runToEnd } from '../support/configured.ts';
import { freePort, freePorts } from '../support/free-port.ts';
import { notOnThisPlatform } from '../support/missing.ts';
import { COFFER_ENTRY, killServers, type RunningServer, startServer } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

after(killServers);
const onLinux = process.platform !== 'linux' && notOnThisPlatform('children are found in /proc');
/** Until a node has started, joined and been unsealed by the other, beside whatever else runs. */
const NODE_UP_MS = 45_000;

interface Place {
  readonly folder: string;
  readonly file: string;
  readonly address: string;
}

/** A configuration for one node. */
async function newPlace(): Promise<Place> {
  const folder = testFolder('many');
  const port = await freePort();
  const file = join(folder, 'coffer.hcl');
  writeFileSync(
    file,
    `cluster_addr = "127.0.0.1:${await freePorts(2)}"
pid_file = "${folder}/pid"
listener "tcp" {
  address     = "127.0.0.1:${port}"
  tls_disable = true
}
storage "file" {
  path = "${folder}/data"
}
`,
  );
  return { folder, file, address: `http://127.0.0.1:${port}` };
}

const start = ({ file, folder, address }: Place, ...args: string[]): Promise<RunningServer> =>
  startServer({
    command: process.execPath,
    args: [COFFER_ENTRY, 'server', `-config=${file}`, ...args],
    env: { HOME: folder, NODE_COMPILE_CACHE: COMPILED, VAULT_ADDR: undefined, VAULT_TOKEN: undefined },
    address,
    readyStatus: [200, 501, 503],
  });

/** Processes that `pid` has started, oldest first. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

test('two nodes at one address: one is killed, the other answers, and a new one takes its place unsealed', {
  skip: onLinux,
  timeout: 180_000,
}, async () => {
  const place = await newPlace();
  const server = await start(place, '-nodes=2');
  await until('all of it is up', () => server.stdout().includes('Vault server started'), NODE_UP_MS);
  assert.equal(readFileSync(join(place.folder, 'pid'), 'utf8'), `${server.pid}\n`);
  assert.match(server.stdout(), /Nodes: 2/);
  assert.equal(server.stdout().match(/Vault server started/g)?.length, 1, 'said once');

  const open = clientOf(place.address);
  const made = (await open('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })).body;
  const key = made.keys_base64[0] as string;
  const ask = clientOf(place.address, { token: made.root_token });
  // Each call has a connection of its own, and any node takes it.
  const allOpen = async () => {
    const replies = await Promise.all(
      Array.from({ length: 12 }, () => open('GET', 'sys/health', undefined, [200, 503])),
    );
    return replies.every(({ status }) => status === 200);
  };
  await open('PUT', 'sys/unseal', { key });
  await until('both are open', allOpen, NODE_UP_MS);
  await ask('PUT', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await ask('PUT', 'secret/data/a', { data: { n: 0 } });
  const nodes = (await ask('GET', 'sys/ha-status')).body.data.nodes as { active_node: boolean }[];
  assert.deepEqual(
    nodes.map(({ active_node }) => active_node),
    [true, true],
  );

  const [first, second] = childrenOf(server.pid);
  process.kill(first!, 'SIGKILL');
  await until('the kernel gives it no more connections', () => !childrenOf(server.pid).includes(first!));
  for (let n = 1; n <= 10; n++) {
    await ask('PUT', 'secret/data/a', { data: { n } });
    assert.equal((await ask('GET', 'secret/data/a')).body.data.data.n, n);
  }
  await until('there are two again', () => childrenOf(server.pid).length === 2, NODE_UP_MS);
  await until('both are open', allOpen, NODE_UP_MS);
  assert(childrenOf(server.pid).includes(second!));
  assert.match(server.stderr(), /a node ended and is started again/);
  for (let n = 0; n < 10; n++) assert.equal((await ask('GET', 'secret/data/a')).body.data.data.n, 10);

  const before = childrenOf(server.pid);
  await server.stop();
  assert.equal(await server.exited, 0);
  for (const pid of before) assert(!existsSync(`/proc/${pid}`), `${pid} has ended`);
  assert(!existsSync(join(place.folder, 'pid')));

  const alone = await start(place);
  await open('PUT', 'sys/unseal', { key });
  await until(
    'it is open',
    async () => (await open('GET', 'sys/health', undefined, [200, 503])).status === 200,
  );
  assert.equal((await ask('GET', 'secret/data/a')).body.data.data.n, 10, 'a node alone has it too');
  await alone.stop();
});

test('of two that start at the same moment one serves, and the other says so', {
  skip: onLinux,
  timeout: 180_000,
}, async () => {
  const place = await newPlace();
  const run = () =>
    runToEnd(['server', `-config=${place.file}`, '-nodes=2'], { env: { HOME: place.folder } });
  const both = [run(), run()];
  const { code, stderr } = await Promise.race(both);
  assert.match(stderr, /another server( \(process \d+\))? uses the data folder .*nodes/);
  assert.equal(code, 1);
  const pidFile = join(place.folder, 'pid');
  await until('the other has started', () => readIf(pidFile) !== '', NODE_UP_MS);
  assert.equal((await clientOf(place.address)('GET', 'sys/init')).body.initialized, false);
  process.kill(Number(readIf(pidFile)), 'SIGTERM');
  assert.deepEqual((await Promise.all(both)).map((ended) => ended.code).toSorted(), [0, 1]);
});

test('an address that is taken, a store that cannot be shared and a node that does not start end it with a sentence', async () => {
  const place = await newPlace();
  const port = Number(new URL(place.address).port);
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const run = (...args: string[]) =>
    runToEnd(['server', ...args, '-nodes', '2'], { env: { HOME: place.folder } });
  const taken = await run(`-config=${place.file}`);
  other.close();
  assert.equal(taken.code, 1);
  assert.match(
    taken.stderr,
    new RegExp(
      `^Error starting the server: cannot listen on 127.0.0.1:${port}: the address is already in use; see who listens there: .*\\n$`,
    ),
  );
  assert.match((await run('-dev')).stderr, /-nodes: not with -dev/);
  const config = readFileSync(place.file, 'utf8');
  const inmem = join(place.folder, 'inmem.hcl');
  writeFileSync(inmem, config.replace(/storage "file" \{[^}]*\}/, 'storage "inmem" {}'));
  assert.match(
    (await run(`-config=${inmem}`)).stderr,
    /-nodes: several nodes need a store that they can share/,
  );

  const broken = join(place.folder, 'broken.hcl');
  writeFileSync(broken, `${config}\ncluster {\n secret_file = "${place.folder}/none"\n}\n`);
  const ended = await run(`-config=${broken}`);
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /^Error starting the server: node [12] of 2 ended \(1\) before it listened$/m);
  assert.match(ended.stderr, /secret file .*none cannot be used/);
});
