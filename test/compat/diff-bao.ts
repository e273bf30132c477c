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

import { parseArgs } from 'node:util';
import { findBao } from './bao.ts';
import { missingTool, printPart, printTotal } from './checks.ts';
import { printVerdict, verdictChecks } from './diff/report.ts';
import { runDiff } from './diff/run-diff.ts';
import { chooseTarget } from './target.ts';

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
  printPart('diff-bao', checks, 0);
  printTotal(checks);
} else {
  const verdict = await runDiff(found.bao, await chooseTarget(values.against), values.only);
  printVerdict(verdict, { brief: values.brief ?? false });
  printTotal(verdictChecks(verdict));
}
