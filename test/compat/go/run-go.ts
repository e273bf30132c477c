/**
 * Vault's own Go client (`github.com/hashicorp/vault/api`) against the target: builds the program beside this file and reads its lines.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startAll } from '../../support/server.ts';
import { cached } from '../cache.ts';
import { applyExceptions, type Check, type Exception, missingTool } from '../checks.ts';
import { exceptionsFor } from '../cluster/exceptions.ts';
import { findProgram, run } from '../programs.ts';
import type { Target } from '../target.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const BUILD_TIMEOUT_MS = 240_000;
const RUN_TIMEOUT_MS = 60_000;
const ROOT_TOKEN = 'compat-root';

/** Checks of the Go program that may fail. */
export const GO_EXCEPTIONS: readonly Exception[] = [];

export async function runGo(target: Target): Promise<Check[]> {
  const go = findProgram('go');
  if (go === undefined) return missingTool('go', 'go');
  const program = await build(go);
  if (typeof program !== 'string')
    return program.missing ? missingTool('go', program.why) : [failed('go build', program.why)];
  const work = mkdtempSync(join(tmpdir(), 'coffer-go-'));
  const servers = await startAll([target.startDev(ROOT_TOKEN), target.startUninitialized()]);
  const [dev, uninitialized] = servers as [RunningServer, RunningServer];
  try {
    const result = await run(program, [], {
      env: {
        VAULT_ADDR: dev.address,
        VAULT_TOKEN: ROOT_TOKEN,
        VAULT_NAMESPACE: undefined,
        COMPAT_UNINITIALIZED_ADDR: uninitialized.address,
        COMPAT_AUDIT_FILE: join(work, 'audit.log'),
        COMPAT_TARGET: target.name,
      },
      timeoutMs: RUN_TIMEOUT_MS,
    });
    const checks = parseLines(result.stdout);
    if (result.timedOut) checks.push(failed('go', 'the program did not end in time'));
    if (result.code !== 0 && !checks.some((check) => check.outcome === 'failed'))
      checks.push(failed('go', result.stderr.slice(-4_000)));
    return applyExceptions(checks, exceptionsFor(target, 'go', GO_EXCEPTIONS));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(work, { recursive: true, force: true });
  }
}

/** Builds the program once for its sources. Modules that cannot be downloaded are a missing tool; sources that do not compile a failure. */
async function build(go: string): Promise<string | { why: string; missing: boolean }> {
  const sources = readdirSync(HERE).filter((file) => /\.go$|^go\.(mod|sum)$/.test(file));
  const key = createHash('sha256');
  for (const file of sources.sort()) key.update(readFileSync(join(HERE, file)));
  const env = { GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };
  const options = { cwd: HERE, env, timeoutMs: BUILD_TIMEOUT_MS };
  let missing = false;
  try {
    const folder = await cached('go-client', key.digest('hex'), async (work) => {
      const download = await run(go, ['mod', 'download'], options);
      missing = download.code !== 0;
      if (missing) throw new Error(`the modules of go.sum (${download.stderr.trim().slice(-500)})`);
      const built = await run(go, ['build', '-trimpath', '-o', join(work, 'client'), '.'], options);
      if (built.code !== 0) throw new Error(built.stderr.slice(-4_000));
    });
    return join(folder, 'client');
  } catch (error) {
    return { why: (error as Error).message, missing };
  }
}

function parseLines(stdout: string): Check[] {
  return stdout.split('\n').flatMap((line): Check[] => {
    if (line.startsWith('ok ')) return [{ name: line.slice(3), outcome: 'passed' }];
    const [, name, why] = /^FAIL (.*?): (.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [failed(name, why ?? '')];
  });
}

function failed(name: string, detail: string): Check {
  return { name, outcome: 'failed', detail };
}
