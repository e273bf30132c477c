/**
 * Starts `bao server -dev` and the target's dev server, asks both the same, and judges the differences.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startAll } from '../../support/server.ts';
import { findBao, startBaoDev } from '../bao.ts';
import { type Check, missingTool } from '../checks.ts';
import type { Target } from '../target.ts';
import { askBoth } from './ask-both.ts';
import { judge, type Verdict, verdictChecks } from './report.ts';
import { SEQUENCES } from './sequences.ts';

const ROOT_TOKEN = 'root';
const BANNER_TIMEOUT_MS = 10_000;

/** The comparison as a part of `npm run compat`. */
export async function runDiffBao(target: Target): Promise<Check[]> {
  const found = await findBao();
  return 'missing' in found
    ? missingTool('diff-bao', found.missing)
    : verdictChecks(await runDiff(found.bao, target));
}

/** @param only - run the sequences whose name holds this text. */
export async function runDiff(bao: string, target: Target, only?: string): Promise<Verdict> {
  const sequences = SEQUENCES.filter(({ name }) => only === undefined || name.includes(only));
  const work = mkdtempSync(join(tmpdir(), 'coffer-diff-'));
  const servers = await startAll([startBaoDev(bao, ROOT_TOKEN), target.startDev(ROOT_TOKEN)]);
  const [theirs, ours] = servers as [RunningServer, RunningServer];
  try {
    const findings = await askBoth({ bao: theirs.address, ours: ours.address }, sequences, {
      bao: { unsealKey: await unsealKeyOf(theirs), auditFile: join(work, 'bao.log') },
      ours: { unsealKey: await unsealKeyOf(ours), auditFile: join(work, 'ours.log') },
    });
    return judge(findings, {
      whole: only === undefined && target.name !== 'bao',
      cluster: target.name === 'cluster',
    });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(work, { recursive: true, force: true });
  }
}

/** The banner of dev mode is printed a moment after the server answers. */
async function unsealKeyOf(server: RunningServer): Promise<string> {
  const deadline = Date.now() + BANNER_TIMEOUT_MS;
  for (;;) {
    const key = /^Unseal Key:\s*(\S+)/m.exec(server.stdout())?.[1];
    if (key !== undefined) return key;
    if (Date.now() > deadline) throw new Error(`no unseal key was printed: ${server.stdout()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
