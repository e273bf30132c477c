/**
 * The server under test: Coffer, or (to try the harness itself) OpenBao.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { type RunningServer, startDev } from '../support/server.ts';
import { baoAsVault, findBao, startBaoDev } from './bao.ts';

export interface Target {
  name: 'coffer' | 'bao';
  /** Holds the program `vault`. */
  binFolder: string;
  startDev(rootToken: string): Promise<RunningServer>;
}

/** @throws Error when OpenBao is asked for and cannot be had. */
export async function chooseTarget(name: string): Promise<Target> {
  if (name === 'coffer') {
    return {
      name,
      binFolder: fileURLToPath(new URL('../../bin', import.meta.url)),
      startDev: (rootToken) => startDev({ rootToken }),
    };
  }
  const found = await findBao();
  if ('missing' in found) throw new Error(`needs ${found.missing}`);
  return {
    name: 'bao',
    binFolder: await baoAsVault(found.bao),
    startDev: (rootToken) => startBaoDev(found.bao, rootToken),
  };
}
