/**
 * Sorts the findings of `diff-bao` into meant and unknown differences, and prints them.
 *
 * @module
 */

import type { Check } from '../checks.ts';
import { CLUSTER_EXPECTATIONS } from '../cluster/expectations.ts';
import { askText } from './ask.ts';
import type { Finding } from './ask-both.ts';
import { ABSENT, type Difference } from './compare.ts';
import { EXPECTATIONS, type Expectation } from './expectations.ts';

const SHOWN_CHARS_MAX = 300;

interface Judged {
  finding: Finding;
  difference: Difference;
  /** Undefined where nobody expected it. */
  expectation: Expectation | undefined;
}

export interface Verdict {
  findings: Finding[];
  judged: Judged[];
  /** Entries of the table that covered nothing. */
  stale: Expectation[];
}

export interface Judging {
  /** All sequences ran against Coffer, so that each expectation must have been met. */
  readonly whole: boolean;
  /** Ours were three nodes. */
  readonly cluster: boolean;
}

export function judge(findings: Finding[], { whole, cluster }: Judging): Verdict {
  const expectations = cluster ? [...EXPECTATIONS, ...CLUSTER_EXPECTATIONS] : EXPECTATIONS;
  const judged = findings.flatMap((finding) =>
    finding.differences.map((difference) => ({
      finding,
      difference,
      expectation: expectationOf(finding, difference, expectations),
    })),
  );
  const met = new Set(judged.map(({ expectation }) => expectation));
  return {
    findings,
    judged,
    stale: whole ? expectations.filter((expectation) => !met.has(expectation)) : [],
  };
}

function expectationOf(
  finding: Finding,
  difference: Difference,
  expectations: readonly Expectation[],
): Expectation | undefined {
  const ask = askText(finding.ask);
  return expectations.find(
    ({ asks, where, bao, ours }) =>
      asks.test(ask) &&
      where.test(difference.where) &&
      (bao === undefined || bao.test(json(difference.bao))) &&
      (ours === undefined || ours.test(json(difference.ours))),
  );
}

export function printVerdict({ findings, judged, stale }: Verdict, { brief }: { brief: boolean }): void {
  const byReason = Map.groupBy(judged, ({ expectation }) => expectation?.reason);
  for (const [reason, differences] of byReason) {
    if (reason === undefined || brief) continue;
    console.log(`\nmeant: ${reason} (${differences.length})`);
    for (const [finding, group] of groupByAsk(differences)) console.log(described(finding, group));
  }
  const unknown = byReason.get(undefined) ?? [];
  if (unknown.length > 0) console.log(`\nUNKNOWN (${unknown.length})`);
  for (const [finding, group] of groupByAsk(unknown)) console.log(described(finding, group));
  for (const expectation of stale) console.log(`\nSTALE: ${staleness(expectation)}`);
  const same = findings.filter((finding) => finding.differences.length === 0).length;
  console.log(
    `\n${findings.length} requests: ${same} answered alike; ${judged.length - unknown.length} differences that are meant, ${unknown.length} unknown`,
  );
}

/** One check for each request, failed where it has an unknown difference, and one for each stale expectation. */
export function verdictChecks({ findings, judged, stale }: Verdict): Check[] {
  const unknown = groupByAsk(judged.filter(({ expectation }) => expectation === undefined));
  return [
    ...findings.map((finding): Check => {
      const differences = unknown.get(finding);
      const name = `${finding.sequence} ${finding.index}`;
      return differences === undefined
        ? { name, outcome: 'passed' }
        : { name, outcome: 'failed', detail: described(finding, differences) };
    }),
    ...stale.map(
      (expectation): Check => ({
        name: 'diff/expectations.ts',
        outcome: 'failed',
        detail: staleness(expectation),
      }),
    ),
  ];
}

function groupByAsk(differences: Judged[]): Map<Finding, Judged[]> {
  return Map.groupBy(differences, ({ finding }) => finding);
}

function described({ ask, sequence, index }: Finding, differences: Judged[]): string {
  return [
    `  [${sequence} ${index}] ${clipped(askText(ask), SHOWN_CHARS_MAX)}`,
    ...differences.map(
      ({ difference: { where, bao, ours } }) => `      ${where}: bao ${shown(bao)}, ours ${shown(ours)}`,
    ),
  ].join('\n');
}

function staleness({ asks, where, reason }: Expectation): string {
  return `no difference of ${asks} at ${where} any more: ${reason}`;
}

function shown(value: unknown): string {
  return clipped(json(value), SHOWN_CHARS_MAX);
}

function json(value: unknown): string {
  return value === ABSENT ? 'absent' : JSON.stringify(value);
}

function clipped(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
}
