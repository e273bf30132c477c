/**
 * The server under test: Coffer, three nodes of it behind a proxy, or (to try the harness itself) OpenBao.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { COFFER_ENTRY, type RunningServer, startDev, startServer } from '../support/server.ts';
import { baoAsVault, findBao, startBaoDev } from './bao.ts';

/** What `node` is given to be three nodes behind a proxy. */
const CLUSTER_ENTRY = fileURLToPath(new URL('cluster/serve.ts', import.meta.url));
const CLUSTER_READY_MS = 180_000;

export interface Target {
  name: 'coffer' | 'cluster' | 'bao';
  /** Holds the program `vault`. */
  binFolder: string;
  /** A dev server: unsealed, KV v2 at `secret/`. */
  startDev(rootToken: string): Promise<RunningServer>;
  /** A server with a configuration file, in memory, without TLS, not initialised. */
  startUninitialized(): Promise<RunningServer>;
}

/** @throws Error when OpenBao is asked for and cannot be had. */
export async function chooseTarget(name: string): Promise<Target> {
  if (name === 'coffer') {
    return {
      name,
      binFolder: fileURLToPath(new URL('../../bin', import.meta.url)),
      startDev: (rootToken) => startDev({ rootToken }),
      startUninitialized: () => startConfigured(process.execPath, [COFFER_ENTRY]),
    };
  }
  if (name === 'cluster') {
    return {
      name,
      binFolder: fileURLToPath(new URL('cluster/bin', import.meta.url)),
      startDev: startClusterDev,
      startUninitialized: () => startConfigured(process.execPath, [CLUSTER_ENTRY], CLUSTER_READY_MS),
    };
  }
  const found = await findBao();
  if ('missing' in found) throw new Error(`needs ${found.missing}`);
  const { bao } = found;
  return {
    name: 'bao',
    binFolder: await baoAsVault(bao),
    startDev: (rootToken) => startBaoDev(bao, rootToken),
    startUninitialized: () => startConfigured(bao, []),
  };
}

async function startClusterDev(rootToken: string): Promise<RunningServer> {
  const port = await freePort();
  const args = [
    ...[CLUSTER_ENTRY, 'server', '-dev'],
    ...[`-dev-root-token-id=${rootToken}`, `-dev-listen-address=127.0.0.1:${port}`],
  ];
  return startServer({
    command: process.execPath,
    args,
    address: `http://127.0.0.1:${port}`,
    readyTimeoutMs: CLUSTER_READY_MS,
  });
}

async function startConfigured(
  command: string,
  before: string[],
  readyTimeoutMs?: number,
): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'coffer-compat-'));
  const file = join(folder, 'server.hcl');
  writeFileSync(
    file,
    `storage "inmem" {}
disable_mlock = true
api_addr = "http://127.0.0.1:${port}"
listener "tcp" {
  address     = "127.0.0.1:${port}"
  tls_disable = true
}
`,
  );
  try {
    return await startServer({
      command,
      args: [...before, 'server', `-config=${file}`],
      env: { VAULT_ADDR: undefined, VAULT_TOKEN: undefined, HOME: folder },
      address: `http://127.0.0.1:${port}`,
      readyStatus: [501],
      readyTimeoutMs,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
