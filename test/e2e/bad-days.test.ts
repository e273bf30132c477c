/**
 * Bad days of a real server (issue, section 6): full disks, folders that cannot be written, damage, removal, a disk that never answers, and
 * kill -9 in the middle of what takes several steps. A clear sentence each time; nothing acknowledged is lost; nothing is damaged.
 *
 * @module
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { openCoffer } from '../../src/main.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { clientOf, readIf, runToEnd, startConfigured } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { type CallReply, call } from '../support/http.ts';
import { insideOf, noOwnMounts, readOnly, tmpfsOn, withMounts } from '../support/own-mounts.ts';
import { killServers, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

afterEach(killServers);

type Client = ReturnType<typeof clientOf>;

/** A configured server on a folder: starts it as often as asked, and initialises and unseals it. */
async function makeServer(name: string, wrapper: (folder: string) => readonly string[] = () => []) {
  const folder = testFolder(name);
  const data = join(folder, 'data');
  mkdirSync(data);
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const config = `
    storage "file" { path = "${data}" }
    pid_file = "${folder}/pid"
    listener "tcp" { address = "127.0.0.1:${port}" tls_disable = true }`;
  let [key, token] = ['', ''];
  const start = () => startConfigured({ folder, address, config, wrapper: wrapper(folder) });
  return {
    folder,
    data,
    address,
    config: join(folder, 'coffer.hcl'),
    start,
    /** @returns a client with the root token. */
    async init(): Promise<Client> {
      const { body } = await clientOf(address)('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
      key = body.keys[0];
      token = body.root_token;
      return this.unseal();
    },
    async unseal(): Promise<Client> {
      await clientOf(address)('PUT', 'sys/unseal', { key });
      return clientOf(address, { token });
    },
    ask: (method: string, path: string, body?: unknown): Promise<CallReply> =>
      call(address, method, `/v1/${path}`, { token, body }),
    pid: () => Number(readFileSync(join(folder, 'pid'), 'utf8')),
  };
}

const PADDING = 'p'.repeat(3_000);

test('full disks: said so, reads go on, nothing acknowledged is lost, and it works again with room', {
  skip: noOwnMounts,
}, async () => {
  const made = await makeServer('full', (folder) => {
    mkdirSync(join(folder, 'audit'), { recursive: true });
    return withMounts(
      [tmpfsOn(join(folder, 'data'), 16_000_000), tmpfsOn(join(folder, 'audit'), 500_000)],
      2,
    );
  });
  const server = await made.start();
  const root = await made.init();
  await root('POST', 'sys/mounts/kv', { type: 'kv' });
  const ballast = insideOf(made.pid(), `${made.data}/ballast`);
  writeFileSync(ballast, Buffer.alloc(11_000_000));

  const acknowledged = new Map<string, number>();
  const failures: CallReply[] = [];
  const write = async (writer: number, n: number) => {
    const reply = await made.ask('POST', `kv/w/${writer}/${n % 50}`, { n, PADDING });
    if (reply.status === 204) acknowledged.set(`kv/w/${writer}/${n % 50}`, n);
    else failures.push(reply);
  };
  const writers = (done: () => boolean) =>
    Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 1; !done(); n++) await write(writer, n);
      }),
    );
  await writers(() => failures.length >= 16);
  for (const { status, body } of failures) {
    assert.deepEqual([status, body.errors], [500, ['the storage did not take the change']]);
  }
  await until('the reason in the log', () => /the disk that holds .*\/data is full/.test(server.stderr()));
  const check = async () => {
    for (const [path, n] of acknowledged)
      assert.equal((await root('GET', path)).body.data.n >= n, true, path);
  };
  await check();
  assert.equal((await made.ask('GET', 'sys/health')).status, 200);
  rmSync(ballast);
  await until(
    'writes to work again',
    async () => (await made.ask('POST', 'kv/again', { a: 1 })).status === 204,
  );

  // The audit log's own disk: a request that no device takes is refused, and does nothing.
  const audit = join(made.folder, 'audit/audit.log');
  await root('PUT', 'sys/audit/full', { type: 'file', options: { file_path: audit } });
  let n = 0;
  let refused: CallReply | undefined;
  while (refused === undefined && n < 5_000) {
    const reply = await made.ask('POST', `kv/audited/${++n}`, { PADDING });
    if (reply.status !== 204) refused = reply;
  }
  // That one may have been refused for its reply's line; what comes now is, before anything is done.
  refused = await made.ask('POST', `kv/audited/${++n}`, { PADDING });
  assert.deepEqual([refused.status, refused.body.errors.length], [500, 1]);
  assert.equal((await made.ask('GET', 'kv/again')).status, 500);
  await until('the device in the log', () => server.stderr().includes('an audit device fails'));
  assert.equal((await made.ask('GET', 'sys/health')).status, 200);
  rmSync(insideOf(made.pid(), audit));
  await until('requests to be served again', async () => (await made.ask('GET', 'kv/again')).status === 200);
  await root('GET', `kv/audited/${n}`, undefined, [404]);
  await root('GET', `kv/audited/${n - 2}`);

  await root('DELETE', 'sys/audit/full');

  const first = made.pid();
  process.kill(first, 'SIGTERM');
  await until('the second start', () => Number(readIf(join(made.folder, 'pid')) || first) !== first);
  await until(
    'it to answer',
    async () => (await made.ask('GET', 'sys/health').catch(() => undefined))?.status === 503,
  );
  await made.unseal();
  await check();
  process.kill(made.pid(), 'SIGTERM');
  assert.equal(await server.exited, 0);
});

test('a folder that cannot be written, or that another server uses, is refused with one sentence', async (t) => {
  const made = await makeServer('taken');
  const server = await made.start();
  const root = await made.init();
  await root('POST', 'sys/mounts/kv', { type: 'kv' });
  const second = await runToEnd(['server', `-config=${made.config}`]);
  assert.deepEqual(
    [second.code, second.stderr],
    [
      1,
      `Error starting the server: another server (process ${server.pid}) uses the data folder ${made.data}\n`,
    ],
  );
  await root('POST', 'kv/a', { b: 1 });
  assert.equal((await root('GET', 'kv/a')).body.data.b, 1);
  await server.stop();
  assert.equal(await server.exited, 0);

  if (process.getuid?.() === 0) {
    // Root may write everywhere but where nobody may.
    if (noOwnMounts) return t.skip(noOwnMounts);
    const ended = await runToEnd(['server', `-config=${made.config}`], {
      wrapper: withMounts([readOnly(made.data)]),
    });
    assert.equal(ended.code, 1);
    assert.match(
      ended.stderr,
      /^Error starting the server: the data (?:file|folder) .* cannot be (?:opened|written)[ :(].*\n$/,
    );
    return;
  }
  chmodSync(made.data, 0o500);
  const ended = await runToEnd(['server', `-config=${made.config}`]);
  chmodSync(made.data, 0o700);
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /^Error starting the server: the data folder .* cannot be written \(.*\)\n$/);
});

test('a data file that is cut or overwritten is refused; what a torn write left behind its end does no harm', async () => {
  const made = await makeServer('torn');
  let server = await made.start();
  let root = await made.init();
  await root('POST', 'sys/mounts/kv', { type: 'kv' });
  for (let n = 0; n < 40; n++) await root('POST', `kv/${n}`, { n, PADDING });
  await server.stop('SIGKILL');
  const file = join(made.data, 'coffer.mdb');
  copyFileSync(file, `${file}.good`);
  const { size } = statSync(file);
  for (const spoil of [
    () => truncateSync(file, size >> 1),
    () => truncateSync(file, 100),
    () => writeFileSync(file, 'not a data file'),
  ]) {
    spoil();
    const ended = await runToEnd(['server', `-config=${made.config}`]);
    assert.equal(ended.code, 1);
    assert.match(
      ended.stderr,
      /^Error starting the server: the data file .* is damaged \(.*\); restore it from a backup\n$/,
    );
    copyFileSync(`${file}.good`, file);
  }
  writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(50_000, 0xee)]));
  server = await made.start();
  root = await made.unseal();
  for (let n = 0; n < 40; n++) assert.equal((await root('GET', `kv/${n}`)).body.data.n, n);
  await root('POST', 'kv/more', { a: 1 });
  await server.stop();
  assert.equal(await server.exited, 0);
});

test('a store that is deleted under the server: no write is acknowledged, reads go on, it stops cleanly', async () => {
  const made = await makeServer('deleted');
  const server = await made.start();
  const root = await made.init();
  await root('POST', 'sys/mounts/kv', { type: 'kv' });
  await root('POST', 'kv/a', { b: 1 });
  rmSync(made.data, { recursive: true });
  for (let n = 0; n < 3; n++) {
    const { status, body } = await made.ask('POST', `kv/${n}`, { n });
    assert.deepEqual([status, body.errors], [500, ['the storage did not take the change']]);
  }
  await until('the reason in the log', () =>
    server.stderr().includes('was removed or replaced under the server'),
  );
  assert.equal((await root('GET', 'kv/a')).body.data.b, 1);
  await root('GET', 'kv/0', undefined, [404]);
  await server.stop();
  assert.equal(await server.exited, 0);
});

test('a disk whose sync never returns: no write is acknowledged, and reads go on', async (t) => {
  const folder = testFolder('stuck');
  const port = await freePort();
  let stuck = false;
  const release = Promise.withResolvers<void>();
  /** The real store, the answers of whose commits are held back. */
  const openStuck = async (options: Parameters<typeof openLmdb>[0]): Promise<Storage> => {
    const storage = await openLmdb(options);
    const commit: Storage['commit'] = async (...args) => {
      if (stuck) await release.promise;
      return storage.commit(...args);
    };
    return { ...storage, commit };
  };
  const address = `http://127.0.0.1:${port}`;
  const coffer = await openCoffer({
    storage: { type: 'file', folder: join(folder, 'data') },
    listeners: [{ address: `127.0.0.1:${port}`, tls_disable: true }],
    apiAddress: address,
    clusterAddress: address,
    defaultLeaseTtl: 3_600,
    maxLeaseTtl: 3_600,
    log: SILENT_LOG,
    openStorage: openStuck,
  });
  t.after(async () => {
    release.resolve();
    await coffer.stop();
  });
  await coffer.listen();
  const { keys, root_token: token } = (
    await clientOf(address)('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
  ).body;
  await clientOf(address)('PUT', 'sys/unseal', { key: keys[0] });
  const root = clientOf(address, { token });
  await root('POST', 'sys/mounts/kv', { type: 'kv' });
  await root('POST', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' } });
  await root('POST', 'kv/a', { b: 'old' });

  stuck = true;
  let acknowledged = 0;
  const writes = [
    root('POST', 'kv/a', { b: 'new' }),
    root('POST', 'kv/other', { b: 'new' }),
    root('POST', 'kv2/data/a', { data: { b: 'new' } }),
    root('DELETE', 'kv/a'),
    root('POST', 'auth/token/create', { policies: ['default'] }),
    root('PUT', 'sys/policies/acl/p', { policy: 'path "a" { capabilities = ["read"] }' }),
    root('POST', 'sys/mounts/third', { type: 'kv' }),
    root('POST', 'sys/rotate'),
    root('POST', 'cubbyhole/a', { b: 'new' }),
  ].map((reply) =>
    reply.then((answer) => {
      acknowledged++;
      return answer;
    }),
  );
  // Many reads are answered while not one write is; each of them gave the writes a turn.
  for (let n = 0; n < 200; n++) {
    assert.equal((await root('GET', 'kv/a')).body.data.b, 'old');
    if (n % 50 === 0) {
      await root('GET', 'kv/other', undefined, [404]);
      await root('GET', 'kv2/data/a', undefined, [404]);
      await root('GET', 'sys/policies/acl/p', undefined, [404]);
      assert.equal((await root('GET', 'sys/mounts')).body['third/'], undefined);
    }
  }
  assert.equal(acknowledged, 0);
  stuck = false;
  release.resolve();
  await Promise.all(writes);
  await root('GET', 'kv/a', undefined, [404]);
  assert.equal((await root('GET', 'kv/other')).body.data.b, 'new');
});

test('a crash at any commit of init: the store is not initialised, and the next init is as the first', async () => {
  const folder = testFolder('init');
  const port = await freePort();
  const options = (data: string, openStorage?: typeof openLmdb) => ({
    storage: { type: 'file' as const, folder: data },
    listeners: [],
    apiAddress: `http://127.0.0.1:${port}`,
    clusterAddress: `http://127.0.0.1:${port}`,
    defaultLeaseTtl: 3_600,
    maxLeaseTtl: 3_600,
    log: SILENT_LOG,
    openStorage,
  });
  const data = join(folder, 'data');
  const crashes: string[] = [];
  const whole = await openCoffer(
    options(data, async (given) => {
      const storage = await openLmdb(given);
      const commit: Storage['commit'] = (...args) => {
        // What a crash right here would leave: between two commits the files are whole.
        const at = join(folder, `crash-${crashes.length}`);
        mkdirSync(at);
        for (const name of readdirSync(data)) {
          if (name.startsWith('coffer')) copyFileSync(join(data, name), join(at, name));
        }
        crashes.push(at);
        return storage.commit(...args);
      };
      return { ...storage, commit };
    }),
  );
  await whole.lifecycle.init({ shares: 1, threshold: 1 });
  await whole.stop();
  assert(crashes.length >= 6, `only ${crashes.length} commits`);
  for (const at of crashes) {
    const coffer = await openCoffer(options(at));
    assert.equal((await coffer.seal.status()).initialized, false, at);
    const { keys, rootToken } = await coffer.lifecycle.init({ shares: 1, threshold: 1 });
    await coffer.lifecycle.unseal(keys[0]!);
    assert(await coffer.tokens.authenticate(rootToken));
    assert.equal(coffer.catalog.entries('mounts').size, 3, 'nothing of the first attempt is left');
    assert.equal((await coffer.tokens.accessors('root')).length, 1);
    await coffer.stop();
  }
});

test('kill -9 during init: who was answered can unseal, and who was not can init', async () => {
  for (const afterMs of [1, 12]) {
    const made = await makeServer('killed-init');
    const server = await made.start();
    const answered = made.init().then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await server.stop('SIGKILL');
    const isAnswered = await answered;
    const again = await made.start();
    const { initialized } = (await made.ask('GET', 'sys/init')).body;
    if (isAnswered) assert.equal(initialized, true);
    // Between its last commit and its answer nothing can be done: the keys were in that answer.
    if (!initialized) await (await made.init())('GET', 'sys/mounts');
    await again.stop('SIGKILL');
  }
});

test('kill -9 while keys rotate under writers: every term is there, and every acknowledged write', async () => {
  const made = await makeServer('rotate');
  const server = await made.start();
  const root = await made.init();
  await root('POST', 'sys/mounts/kv', { type: 'kv' });
  let [rotations, killed] = [0, false];
  const acknowledged: string[] = [];
  const working = (work: (n: number) => Promise<void>) =>
    (async () => {
      for (let n = 0; !killed; n++) {
        await work(n).catch((error: unknown) => {
          if (!killed) throw error;
        });
      }
    })();
  const all = [
    working(async () => {
      await root('POST', 'sys/rotate');
      rotations++;
    }),
    ...Array.from({ length: 8 }, (_, writer) =>
      working(async (n) => {
        await root('POST', `kv/${writer}/${n}`, { n });
        acknowledged.push(`kv/${writer}/${n}`);
      }),
    ),
  ];
  await until('some rotations', () => rotations >= 20 && acknowledged.length >= 100);
  killed = true;
  await server.stop('SIGKILL');
  await Promise.all(all);
  const again = await made.start();
  await made.unseal();
  assert((await root('GET', 'sys/key-status')).body.data.term > rotations);
  for (const path of acknowledged) await root('GET', path);
  await again.stop();
  assert.equal(await again.exited, 0);
});

test('kill -9 while a disabled mount is swept: the next start goes on until nothing is left in the store', async () => {
  const made = await makeServer('sweep');
  const server = await made.start();
  const root = await made.init();
  await root('POST', 'sys/mounts/gone', { type: 'kv', options: { version: '2' } });
  await root('POST', 'sys/mounts/kept', { type: 'kv' });
  await root('POST', 'kept/a', { b: 1 });
  const { uuid } = (await root('GET', 'sys/mounts')).body['gone/'];
  const SECRETS = 1_000;
  await Promise.all(
    Array.from({ length: 16 }, async (_, writer) => {
      for (let n = writer; n < SECRETS; n += 16) await root('POST', `gone/data/${n}`, { data: { n } });
    }),
  );
  await root('DELETE', 'sys/mounts/gone');
  await server.stop('SIGKILL');

  /** Records of the mount, as they lie in the store. */
  const left = async (): Promise<number> => {
    const storage = await openLmdb({ type: 'file', folder: made.data });
    const all = await storage.list('', '', 1_000_000);
    await storage.close();
    return all.filter((path) => path.includes(uuid)).length;
  };
  const before = await left();
  assert(before > 0, 'the sweep was over before the server was killed: more secrets are needed');
  const again = await made.start();
  await made.unseal();
  await root('GET', 'gone/data/1', undefined, [404]);
  await again.stop();
  assert.equal(await again.exited, 0);
  assert((await left()) <= before, 'a start that is stopped at once brings nothing back');
  const next = await made.start();
  await made.unseal();
  await until('the sweep is through', async () => {
    return Object.keys((await root('GET', 'sys/removals')).body.data).length === 0;
  });
  await next.stop();
  assert.equal(await left(), 0);
  const last = await made.start();
  await made.unseal();
  assert.equal((await root('GET', 'kept/a')).body.data.b, 1);
  await last.stop();
});

test('kill -9 at any moment of the first start of -dev-data: the folder is not locked, and dev mode is whole', async () => {
  const folder = testFolder('dev');
  const args = ['server', '-dev', '-dev-no-store-token', `-dev-data=${folder}`];
  for (const afterMs of [280, 340, 400]) {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await runToEnd([...args, `-dev-listen-address=127.0.0.1:${await freePort()}`], {
      signal: { name: 'SIGKILL', afterMs },
    });
    const server = await startDev({ args: [`-dev-data=${folder}`] });
    await clientOf(server.address, { token: 'root' })('POST', 'secret/data/a', { data: { b: 1 } });
    await server.stop('SIGKILL');
  }
});
