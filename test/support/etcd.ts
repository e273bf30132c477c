/**
 * A real etcd of one member or several, for tests: found in the cache or fetched, on free ports of 127.0.0.1, with a data folder of its own that
 * outlives kills.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { findProgram } from './debian-package.ts';
import { freePort } from './free-port.ts';
import { type RunningServer, startServer } from './server.ts';
import { testFolder } from './test-folder.ts';

export interface StoreServer {
  /** Such as `http://127.0.0.1:40123`; the same after each start. */
  readonly address: string;
  /** Of the running process. */
  pid(): number;
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>;
  /** Again, with the same data; resolves when it answers. */
  start(): Promise<void>;
  /** Kills it and removes its data. */
  remove(): Promise<void>;
}

/** The path of an etcd that runs here, or a sentence saying why there is none. `COFFER_ETCD` names another one. */
export function findEtcd(): Promise<{ path: string } | { missing: string }> {
  const own = process.env.COFFER_ETCD;
  if (own) return Promise.resolve({ path: own });
  return findProgram({
    package: 'etcd-server',
    version: '3.4.23',
    suite: 'bookworm',
    path: 'usr/bin/etcd',
  });
}

export interface EtcdServerOptions {
  /** Files for TLS on the client's side; clients must show a certificate of `ca` where that is given. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Such as `['--quota-backend-bytes=…']`. */
  readonly args?: readonly string[];
}

export async function startEtcd(program: string, options: EtcdServerOptions = {}): Promise<StoreServer> {
  const [member] = await startEtcdCluster(program, 1, options);
  return member!;
}

/** Members of one cluster, all of which answer. */
export async function startEtcdCluster(
  program: string,
  members: number,
  options: EtcdServerOptions = {},
): Promise<StoreServer[]> {
  const peers = await Promise.all(
    Array.from(
      { length: members },
      async (_, i) => [`m${i}`, `http://127.0.0.1:${await freePort()}`] as const,
    ),
  );
  const cluster = peers.map(([name, peer]) => `${name}=${peer}`).join(',');
  return Promise.all(peers.map(([name, peer]) => startMember(program, { name, peer, cluster }, options)));
}

interface Member {
  readonly name: string;
  readonly peer: string;
  /** All members' names and peer addresses. */
  readonly cluster: string;
}

async function startMember(
  program: string,
  { name, peer, cluster }: Member,
  options: EtcdServerOptions,
): Promise<StoreServer> {
  const folder = testFolder('etcd');
  const { tls } = options;
  const address = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${await freePort()}`;
  const health = `http://127.0.0.1:${await freePort()}`;
  return storeServer(address, folder, () =>
    startServer({
      command: program,
      args: [
        ...[`--name=${name}`, `--data-dir=${folder}`, '--logger=zap', '--log-level=error'],
        // One alone is there again in a third of a second after a kill, instead of more than one; several would lose each other.
        ...(cluster.includes(',') ? [] : ['--heartbeat-interval=30', '--election-timeout=300']),
        ...[`--listen-client-urls=${address}`, `--advertise-client-urls=${address}`],
        ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
        ...[`--initial-cluster=${cluster}`, `--listen-metrics-urls=${health}`],
        ...(tls === undefined ? [] : [`--cert-file=${tls.cert}`, `--key-file=${tls.key}`]),
        ...(tls?.ca === undefined ? [] : ['--client-cert-auth', `--trusted-ca-file=${tls.ca}`]),
        ...(options.args ?? []),
      ],
      address: health,
      readyPath: '/health',
    }),
  );
}

/** A server whose data lies in `folder`, started by `start` as often as it is killed. */
export async function storeServer(
  address: string,
  folder: string,
  start: () => Promise<RunningServer>,
): Promise<StoreServer> {
  let server = await start();
  return {
    address,
    pid: () => server.pid,
    kill: () => server.stop('SIGKILL'),
    async start() {
      server = await start();
    },
    async remove() {
      await server.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
