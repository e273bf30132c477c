/**
 * Processes that do the same in the same moment, again and again: what a race at a start needs to be seen.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** When they begin, ms from when all are ready; and how far the rounds are apart, ms. */
const BEGIN_MS = 50;
const ROUND_MS = 25;

/**
 * @param setup - JavaScript of a module, run once in each process.
 * @param round - run in round `n`, from 0, in process `me`, from 0, whose end `over()` tells; whatever it calls `say` with is returned.
 * @returns what was said, by round.
 */
export async function atOnce(
  processes: number,
  rounds: number,
  setup: string,
  round: string,
): Promise<string[][]> {
  const script = (me: number) => `import { once } from 'node:events';
    const me = ${me}, said = [];
    ${setup}
    process.stdout.write('ready');
    const [begin] = await once(process.stdin, 'data');
    for (let n = 0; n < ${rounds}; n++) {
      const say = (text) => said.push([n, text]);
      const over = () => Date.now() >= Number(begin) + ${ROUND_MS} * n + ${ROUND_MS / 2};
      while (Date.now() < Number(begin) + ${ROUND_MS} * n);
      ${round}
    }
    process.stdout.write(JSON.stringify(said), () => process.exit());`;
  const children = Array.from({ length: processes }, (_, me) =>
    spawn(process.execPath, ['--input-type=module', '-e', script(me)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  try {
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    const texts = children.map((child) => {
      const chunks: Buffer[] = [];
      child.stdout.on('data', (chunk) => chunks.push(chunk));
      return once(child, 'close').then(([code]) => {
        assert.equal(code, 0);
        return Buffer.concat(chunks).toString();
      });
    });
    for (const child of children) child.stdin.write(String(Date.now() + BEGIN_MS));
    const byRound: string[][] = Array.from({ length: rounds }, () => []);
    for (const text of await Promise.all(texts)) {
      for (const [n, what] of JSON.parse(text) as [number, string][]) byRound[n]!.push(what);
    }
    return byRound;
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}
