/**
 * Golden files and OpenBao's `bao`. `BAO` names the program; without it the one from PyPI is used, as in `npm run diff-bao`.
 *
 * `node test/cli/record.ts FILE …` writes into the files what bao prints. Cases with another authority stay as they are, but are run
 * all the same, since later ones may build on them.
 * `node test/cli/record.ts --check FILE …` changes nothing: it asks the same bao server with bao and with our client, and prints
 * where the two differ.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { BAO_VERSION, findBao, startBaoDev } from '../compat/bao.ts';
import { testFolder } from '../support/test-folder.ts';
import { writeFixtures } from './golden/fixtures.ts';
import { asVault, normalize } from './golden/normalize.ts';
import { argumentsOf, environmentOf, type Facts, runCase } from './golden/run-case.ts';
import { type GoldenCase, parseTranscript, renderTranscript } from './golden/transcript.ts';

type Runner = (golden: GoldenCase, facts: Facts) => Promise<Pick<GoldenCase, 'stdout' | 'stderr' | 'exit'>>;

const found = process.env.BAO ? { bao: process.env.BAO } : await findBao();
if (!('bao' in found)) throw new Error(`there is no bao to ask: ${found.missing}`);
const { bao } = found;
const files = process.argv.slice(2).filter((arg) => arg !== '--check');

for (const file of files) {
  const cases = parseTranscript(readFileSync(file, 'utf8'));
  const theirs = await runAll(cases, askBao);
  if (process.argv.includes('--check')) {
    const ours = await runAll(cases, runCase);
    for (const [i, golden] of cases.entries()) compare(file, golden, theirs[i], ours[i]);
  } else {
    const told = cases.map((golden, i) =>
      golden.authority === `bao ${BAO_VERSION}` ? { ...golden, ...theirs[i] } : golden,
    );
    writeFileSync(file, renderTranscript(told));
  }
  process.stdout.write(`${file}: ${cases.length} cases\n`);
}

/** Runs `cases` in order on a fresh dev server. */
async function runAll(cases: readonly GoldenCase[], run: Runner) {
  const server = await startBaoDev(bao, 'root');
  const dir = testFolder('golden');
  try {
    writeFixtures(dir);
    const facts = { address: server.address, dir, saved: new Map<string, string>() };
    const outcomes = [];
    for (const golden of cases) outcomes.push(await run(golden, facts));
    return outcomes;
  } finally {
    await server.stop();
  }
}

async function askBao(golden: GoldenCase, facts: Facts) {
  const env = { PATH: process.env.PATH, ...environmentOf(golden, facts) };
  const done = spawnSync(bao, argumentsOf(golden, facts), {
    input: golden.stdin,
    encoding: 'utf8',
    timeout: 20_000,
    env,
  });
  if (golden.save) facts.saved.set(golden.save, done.stdout.trim());
  const told = (text: string) => normalize(asVault(text), facts);
  return { stdout: told(done.stdout), stderr: told(done.stderr), exit: done.status ?? -1 };
}

function compare(file: string, golden: GoldenCase, theirs: unknown, ours: unknown): void {
  if (JSON.stringify(theirs) === JSON.stringify(ours)) return;
  console.log(`${file}: ${golden.title}\n$ ${golden.command}`);
  console.log({ theirs, ours });
}
