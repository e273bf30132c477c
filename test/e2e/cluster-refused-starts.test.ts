/**
 * A node of a cluster that cannot start says why, and ends: it holds a connection to its store by then.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runToEnd } from '../support/configured.ts';
import { findConsul, startConsul } from '../support/consul.ts';
import { findEtcd, type StoreServer, startEtcd } from '../support/etcd.ts';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/missing.ts';
import { testFolder } from '../support/test-folder.ts';

const stores: StoreServer[] = [];
after(() => Promise.all(stores.map((store) => store.remove())));

for (const { kind, find, start } of [
  { kind: 'etcd', find: findEtcd, start: startEtcd },
  { kind: 'consul', find: findConsul, start: startConsul },
]) {
  test(`with ${kind}: a secret file that will not do`, async (t) => {
    const found = await find();
    if ('missing' in found) return t.skip(missing(found.missing));
    const store = await start(found.path);
    stores.push(store);
    const folder = testFolder('refused');
    const [secret, config] = [join(folder, 'secret'), join(folder, 'coffer.hcl')];
    writeFileSync(
      config,
      `node_id = "n1"
       api_addr = "http://127.0.0.1:${await freePort()}"
       cluster_addr = "127.0.0.1:${await freePort()}"
       cluster_name = "test"
       cluster { secret_file = "${secret}" }
       listener "tcp" {
         address = "127.0.0.1:${await freePort()}"
         tls_disable = true
       }
       storage "${kind}" { address = "${store.address}" }`,
    );
    const refused = async (why: string) => {
      const { code, stderr } = await runToEnd(['server', `-config=${config}`], { env: { HOME: folder } });
      const sentence = `Error starting the server: the cluster's secret file ${secret} cannot be used: ${why}\n`;
      assert.deepEqual([code, stderr], [1, sentence]);
    };
    await refused('it does not exist; `coffer cluster secret` makes one');
    writeFileSync(secret, 'password', { mode: 0o600 });
    await refused('secret 1 is not 32 bytes in base64; `coffer cluster secret` makes one');
  });
}
