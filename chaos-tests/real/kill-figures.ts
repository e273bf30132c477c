/**
 * The figures of runs in which nodes are killed, what is asked of them, and the file in which several runs add them up.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { percentile } from './report.ts';

export interface KillFigures {
  /** By node id. */
  readonly kills: Record<string, number>;
  keeperKills: number;
  /** From the kill to the first good answer, ms, of each actor that was asked for. */
  readonly outages: number[];
  /** Latencies of requests whose path and token live on survivors, ms: before a kill, and after it. */
  readonly calm: number[];
  readonly around: number[];
  requests: number;
  refused: number;
  /** With the connection to the node that was killed. */
  broken: number;
  undecided: number;
  violations: number;
}

const SERVED_AGAIN_MS = 2_500;
const REFUSED_SHARE_MAX = 0.001;
/** Of so many kills in all each node has its part. */
const KILLS_ALL = 20;
const KILLS_EACH = 5;

/** @param file - of earlier runs, where there is one. @param nodes - node ids */
export function readFigures(file: string | undefined, nodes: readonly string[]): KillFigures {
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  return {
    kills: Object.fromEntries(nodes.map((id) => [id, 0])),
    keeperKills: 0,
    outages: [],
    calm: [],
    around: [],
    requests: 0,
    refused: 0,
    broken: 0,
    undecided: 0,
    violations: 0,
  };
}

export function keepFigures(file: string | undefined, figures: KillFigures): void {
  if (file !== undefined) writeFileSync(file, JSON.stringify(figures));
}

interface Goal {
  readonly line: string;
  readonly isMet: boolean;
}

/** A line for each goal. */
export function judge(figures: KillFigures): Goal[] {
  const { kills, keeperKills, outages, calm, around, requests, refused, broken, undecided } = figures;
  const counts = Object.entries(kills);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const served = percentile(outages, 0.99);
  const [calmMs, aroundMs] = [percentile(calm, 0.99), percentile(around, 0.99)];
  const boundMs = 2 * calmMs + 20;
  const share = refused / requests;
  return [
    {
      line: `${all} kills (${counts.map(([id, count]) => `${id} ${count}`).join(', ')}), ${keeperKills} of them of the keeper`,
      // A shorter run is a piece of one.
      isMet: all < KILLS_ALL || (counts.every(([, count]) => count >= KILLS_EACH) && keeperKills > 0),
    },
    {
      line:
        `served again after p50 ${percentile(outages, 0.5).toFixed(0)} ms, p99 ${served.toFixed(0)} ms ` +
        `(goal ${SERVED_AGAIN_MS}), of ${outages.length} actors`,
      isMet: served <= SERVED_AGAIN_MS,
    },
    {
      line:
        `path and token on survivors: p99 ${aroundMs.toFixed(1)} ms of ${around.length} around kills, ` +
        `${calmMs.toFixed(1)} ms of ${calm.length} in the calm (goal ${boundMs.toFixed(1)})`,
      isMet: aroundMs <= boundMs,
    },
    {
      line:
        `${requests} requests: ${refused} refused with 503 (${(100 * share).toFixed(3)} %, goal ${100 * REFUSED_SHARE_MAX}), ` +
        `${broken} broken with their node, ${undecided} undecided`,
      isMet: share <= REFUSED_SHARE_MAX,
    },
    { line: `${figures.violations} violations`, isMet: figures.violations === 0 },
  ];
}
