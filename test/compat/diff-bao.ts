/**
 * `npm run diff-bao`: the same requests to `bao server -dev` and to Coffer's dev server, and every difference with its reason.
 *
 *     npm run diff-bao -- [--only=TEXT] [--brief] [--against=bao]
 *
 * `--only` runs the sequences whose name holds the text. `--brief` leaves out the differences that are meant. `--against=bao` compares
 * bao with itself, which must show nothing.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunningServer } from '../support/server.ts';
import { findBao, startBaoDev } from './bao.ts';
import { missingTool, printTotal } from './checks.ts';
import { askBoth } from './diff/ask-both.ts';
import { judge, report } from './diff/report.ts';
import { SEQUENCES } from './diff/sequences.ts';
import { chooseTarget } from './target.ts';

const ROOT_TOKEN = 'root';
const BANNER_TIMEOUT_MS = 10_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    brief: { type: 'boolean' },
    against: { type: 'string', default: 'coffer' },
  },
});
const found = await findBao();
if ('missing' in found) {
  const checks = missingTool('diff-bao', found.missing);
  for (const { outcome, detail } of checks) console.log(`${outcome}: ${detail}`);
  printTotal(checks);
} else {
  await compareWith(found.bao);
}

async function compareWith(bao: string): Promise<void> {
  const target = await chooseTarget(values.against);
  const only = values.only;
  const sequences = SEQUENCES.filter(({ name }) => only === undefined || name.includes(only));
  const work = mkdtempSync(join(tmpdir(), 'coffer-diff-'));
  const started = await Promise.allSettled([startBaoDev(bao, ROOT_TOKEN), target.startDev(ROOT_TOKEN)]);
  const servers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  try {
    const [theirs, ours] = started.map((each) => {
      if (each.status === 'rejected') throw each.reason;
      return each.value;
    }) as [RunningServer, RunningServer];
    const findings = await askBoth({ bao: theirs.address, ours: ours.address }, sequences, {
      bao: { unsealKey: await unsealKeyOf(theirs), auditFile: join(work, 'bao.log') },
      ours: { unsealKey: await unsealKeyOf(ours), auditFile: join(work, 'ours.log') },
    });
    report(judge(findings, { whole: only === undefined && target.name === 'coffer' }), {
      brief: values.brief ?? false,
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
