/**
 * `npm run compat`: real clients against Coffer, within six minutes on two cores.
 *
 *     npm run compat -- [hvac] [node-vault] [go] [diff-bao] [--against=cluster|bao] [--only=EXPRESSION]
 *
 * Without names all parts run. `--against=cluster` (`npm run compat:cluster`) asks three nodes through a proxy that hands
 * each request to the next one; `--against=bao` tries the harness itself on OpenBao. `--only` is for hvac: pytest's `-k`.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { type Check, printPart, printTotal } from './checks.ts';
import { runDiffBao } from './diff/run-diff.ts';
import { runGo } from './go/run-go.ts';
import { runHvac } from './hvac/run-hvac.ts';
import { runNodeVault } from './node-vault/run-node-vault.ts';
import { chooseTarget, type Target } from './target.ts';

type Part = (target: Target, only: string | undefined) => Promise<Check[]>;

const PARTS: Record<string, Part> = {
  hvac: runHvac,
  'node-vault': runNodeVault,
  go: runGo,
  'diff-bao': runDiffBao,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { against: { type: 'string', default: 'coffer' }, only: { type: 'string' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = names.filter((name) => PARTS[name] === undefined);
if (unknown.length > 0)
  throw new Error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);

const target = await chooseTarget(values.against);
const all: Check[] = [];
for (const name of names) {
  const started = Date.now();
  const checks = await PARTS[name]!(target, values.only).catch((error: Error): Check[] => [
    { name, outcome: 'failed', detail: error.stack },
  ]);
  printPart(name, checks, (Date.now() - started) / 1_000);
  all.push(...checks);
}
printTotal(all);
