/**
 * What a disabled mount and revoked tokens leave in the store: nothing, even where the server is killed right after it said so (GHSA-vv66).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { asking, makeToken, succeed } from '../support/asking.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const SECRETS = 200;
const TOKENS = 20;
const SWEPT_MS = 15_000;

/** Paths of all records. */
async function records(folder: string): Promise<string[]> {
  const storage = await openLmdb({ type: 'file', folder: join(folder, 'store') });
  try {
    return await storage.list('', '', Number.MAX_SAFE_INTEGER);
  } finally {
    await storage.close();
  }
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`nothing stays of a mount and of tokens, though ${signal} comes at once`, {
    timeout: 60_000,
  }, async () => {
    const folder = testFolder('mount-data');
    let server: RunningServer | undefined;
    const start = async () => {
      server = await startDev({ args: [`-dev-data=${folder}`] });
      return asking(server.address);
    };
    try {
      let root = await start();
      await succeed(root, 'POST', 'sys/mounts/gone', { type: 'kv-v2' });
      const { uuid } = (await succeed(root, 'GET', 'sys/mounts/gone')).body.data;
      const parent = await makeToken(root);
      const ask = asking(server!.address, parent.token);
      await Promise.all(
        Array.from({ length: SECRETS }, (_, at) =>
          succeed(root, 'PUT', `gone/data/a/${at}`, { data: { at } }),
        ),
      );
      await Promise.all(
        Array.from({ length: TOKENS }, async () => {
          const { token } = await makeToken(ask);
          await succeed(asking(server!.address, token), 'PUT', 'cubbyhole/a/b', { kept: 'secret' });
        }),
      );
      await server!.stop();
      const full = await records(folder);
      const kinds = (paths: string[], kind: string) =>
        paths.filter((path) => path.includes(`/${kind}/`)).length;
      assert(full.filter((path) => path.includes(uuid)).length >= SECRETS, 'its records name it');
      assert(kinds(full, 'cubbyhole') >= TOKENS);
      assert(kinds(full, 'token') > TOKENS);

      root = await start();
      await succeed(root, 'DELETE', 'sys/mounts/gone');
      await succeed(root, 'POST', 'auth/token/revoke', { token: parent.token });
      await server!.stop(signal);
      root = await start();
      await until('the sweep of tokens goes on', async () => {
        return (await root('LIST', 'auth/token/accessors')).body.data.keys.length === 1;
      });
      // Sweeping and stopping take turns until both are through.
      for (const deadline = Date.now() + SWEPT_MS; ; ) {
        await server!.stop();
        const left = await records(folder);
        if (!left.some((path) => path.includes(uuid)) && kinds(left, 'cubbyhole') === 0) break;
        assert(Date.now() < deadline, 'all is swept');
        root = await start();
      }
      const left = await records(folder);
      assert.equal(kinds(left, 'token'), 1);
      assert.deepEqual(
        left.filter((path) => path.startsWith('timer/') || path.startsWith('by/')),
        [],
      );
    } finally {
      await server?.stop('SIGKILL');
    }
  });
}
