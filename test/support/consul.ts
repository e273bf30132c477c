/**
 * A real Consul server, alone, for tests; as `etcd.ts` has it.
 *
 * @module
 */
import { findProgram } from './debian-package.ts';
import { type StoreServer, storeServer } from './etcd.ts';
import { freePort } from './free-port.ts';
import { startServer } from './server.ts';
import { testFolder } from './test-folder.ts';

/** The path of a Consul that runs here, or a sentence saying why there is none. `COFFER_CONSUL` names another one. */
export function findConsul(): Promise<{ path: string } | { missing: string }> {
  const own = process.env.COFFER_CONSUL;
  if (own) return Promise.resolve({ path: own });
  return findProgram({ package: 'consul', version: '1.8.7', suite: 'bullseye', path: 'usr/bin/consul' });
}

export async function startConsul(program: string): Promise<StoreServer> {
  const folder = testFolder('consul');
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const ports = [await freePort(), await freePort()];
  return storeServer(address, folder, () =>
    startServer({
      command: program,
      args: [
        ...[
          'agent',
          '-server',
          '-bootstrap-expect=1',
          '-node=test',
          `-data-dir=${folder}`,
          '-bind=127.0.0.1',
        ],
        ...[`-http-port=${port}`, `-server-port=${ports[0]}`, `-serf-lan-port=${ports[1]}`],
        ...['-serf-wan-port=-1', '-dns-port=-1', '-grpc-port=-1', '-log-level=err'],
        // Elections after one second instead of five.
        ...['-hcl=performance { raft_multiplier = 1 }', '-hcl=disable_update_check = true'],
      ],
      address,
      // It answers this only once it leads.
      readyPath: '/v1/kv/none?consistent',
      readyStatus: [404],
    }),
  );
}
