/**
 * npm's `node-vault` against the target: every command in scope, against its own response schemas.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '../../support/server.ts';
import type { Check } from '../checks.ts';
import type { Target } from '../target.ts';
import { callCommand, nodeVault, refusal } from './client.ts';
import { NOT_YET } from './not-yet.ts';
import { devSteps } from './scenario.ts';
import type { Step } from './step.ts';
import { sealSteps } from './steps/seal.ts';

const ROOT_TOKEN = 'compat-root';

export async function runNodeVault(target: Target): Promise<Check[]> {
  const work = mkdtempSync(join(tmpdir(), 'coffer-node-vault-'));
  try {
    const sealed = await withServer(target.startUninitialized(), (address) => runSteps(sealSteps(address)));
    const dev = await withServer(target.startDev(ROOT_TOKEN), async (address) => [
      ...(await runSteps(devSteps(address, ROOT_TOKEN, join(work, 'audit.log')))),
      ...(target.name !== 'bao' ? await runNotYet(address) : []),
    ]);
    return [...sealed, ...dev, ...unlistedCommands([...sealed, ...dev])];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function withServer(
  starting: Promise<RunningServer>,
  use: (address: string) => Promise<Check[]>,
): Promise<Check[]> {
  const server = await starting;
  try {
    return await use(server.address);
  } finally {
    await server.stop();
  }
}

async function runSteps(steps: Step[]): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [name, step] of steps) {
    try {
      await step();
      checks.push({ name, outcome: 'passed' });
    } catch (error) {
      checks.push({ name, outcome: 'failed', detail: describe(error) });
    }
  }
  return checks;
}

/** Each command that is not served yet must be refused. */
async function runNotYet(address: string): Promise<Check[]> {
  const client = nodeVault(address, ROOT_TOKEN);
  const checks: Check[] = [];
  for (const [name, { args = {}, reason }] of Object.entries(NOT_YET)) {
    try {
      const status = await refusal(callCommand(client, name, args));
      const outcome = status !== undefined && status >= 400 && status < 500 ? 'excepted' : 'failed';
      const detail = outcome === 'excepted' ? reason : `answered ${status ?? 'success'}, although: ${reason}`;
      checks.push({ name, outcome, detail });
    } catch (error) {
      checks.push({ name, outcome: 'failed', detail: describe(error) });
    }
  }
  return checks;
}

/** A failure for each command of node-vault that neither a step nor the list of what is not served names. */
function unlistedCommands(checks: Check[]): Check[] {
  const named = new Set([...checks.flatMap(({ name }) => name.split(/[ ,]+/)), ...Object.keys(NOT_YET)]);
  return Object.keys(nodeVault('http://127.0.0.1').commands)
    .filter((name) => !named.has(name))
    .map((name) => ({ name, outcome: 'failed', detail: 'neither tried nor listed in not-yet.ts' }));
}

function describe(error: unknown): string {
  const { message, response } = error as Error & { response?: { statusCode: number; body: unknown } };
  return response === undefined ? message : `${response.statusCode} ${JSON.stringify(response.body)}`;
}
