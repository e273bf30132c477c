/**
 * What a run of real processes is asked for: no acknowledged write lost, no stale or wrong answer, few refusals, and how long they took.
 *
 * @module
 */
import type { KvOutput } from '../checkers/versioned-kv.ts';
import { checkKv } from '../workloads/kv.ts';
import { makeClient } from './client.ts';
import type { Load, Request } from './load.ts';

/** What requests may notice of a fault while it lasts. */
export interface Disturbance {
  /** `down`: connections to this address break, to all where there is none. `full`: the store takes no writes, and says so. */
  readonly kind: 'down' | 'full';
  readonly address?: string;
  readonly atMs: number;
  readonly untilMs: number;
}

export interface Report {
  readonly violations: readonly string[];
  readonly requests: number;
  /** 503 with Retry-After. */
  readonly refused: number;
  /** Connections to a node that was killed meanwhile. */
  readonly broken: number;
  /** Refused because the disk was full. */
  readonly full: number;
  readonly undecided: number;
}

/** Versions kept where a mount says nothing. */
const VERSIONS_MAX = 10;
const READERS = 8;

/** @param addresses - of nodes that are up: everything is read once more there. */
export async function report(
  load: Load,
  addresses: readonly string[],
  rootToken: string,
  disturbances: readonly Disturbance[],
): Promise<Report> {
  const violations: string[] = [];
  await readAll(load, addresses, rootToken, violations);
  const { violations: found, undecided } = checkKv(load.history, VERSIONS_MAX);
  violations.push(...found);
  const counts = { refused: 0, broken: 0, full: 0 };
  for (const request of load.requests) {
    const failure = failureOf(request, disturbances);
    if (failure === undefined) continue;
    if (typeof failure === 'string') counts[failure]++;
    else violations.push(failure.sentence);
  }
  return { violations, requests: load.requests.length, ...counts, undecided };
}

/** A connection to a killed node may break, and a full disk takes nothing; every other failure is a 503 with Retry-After. */
function failureOf(
  { kind, key, address, sentMs, endedMs, heard }: Request,
  disturbances: readonly Disturbance[],
): 'refused' | 'broken' | 'full' | { sentence: string } | undefined {
  const meanwhile = disturbances.filter(({ atMs, untilMs }) => atMs <= endedMs && sentMs <= untilMs);
  // Instants count from this process's start, as in what is said meanwhile.
  const at = `${(sentMs / 1_000).toFixed(1)} s:`;
  if (heard.kind === 'broken') {
    const isDown = (each: Disturbance) => each.kind === 'down' && (each.address ?? address) === address;
    if (meanwhile.some(isDown)) return 'broken';
    return { sentence: `${at} ${kind} ${key} at ${address}: ${heard.why}, though nobody killed it` };
  }
  const { status, retryAfter, body } = heard;
  if (status === 503 && retryAfter) return 'refused';
  if (status < 300 || (kind === 'read' && status === 404)) return undefined;
  if (kind === 'write' && status === 400 && String(body?.errors).includes('did not match')) return undefined;
  const isFull = status === 500 && String(body?.errors).includes('did not take the change');
  if (kind !== 'read' && isFull && meanwhile.some((each) => each.kind === 'full')) return 'full';
  const ms = (endedMs - sentMs).toFixed(0);
  return {
    sentence: `${at} ${kind} ${key} at ${address} was answered ${status} after ${ms} ms: ${JSON.stringify(body)}`,
  };
}

/** What was acknowledged must be there: each path is read at the end, at every node, and each token that was made is looked up. */
async function readAll(
  load: Load,
  addresses: readonly string[],
  rootToken: string,
  violations: string[],
): Promise<void> {
  const client = makeClient();
  const { history } = load;
  const keys = [...new Set(history.entries.map((entry) => entry.key))];
  await inParallel(keys, async (key, n) => {
    const path = load.keys.find((each) => each.endsWith(`/${key}`))!;
    const address = addresses[n % addresses.length]!;
    const entry = history.call('final', key, { op: 'get', version: 0 }, performance.now());
    const heard = await client.ask(address, { method: 'GET', path, token: rootToken });
    if (heard.kind === 'reply' && heard.status === 200) {
      const { metadata, data } = heard.body.data;
      const output: KvOutput = { kind: 'value', version: metadata.version, value: data.v };
      history.back(entry, 'ok', output, performance.now());
    } else if (heard.kind === 'reply' && heard.status === 404) {
      history.back(entry, 'ok', { kind: 'nothing' }, performance.now());
    } else {
      history.back(entry, 'unknown', undefined, performance.now());
      violations.push(`${key} is not served after the faults ended: ${JSON.stringify(heard)}`);
    }
  });
  await inParallel(load.created, async (accessor, n) => {
    const address = addresses[n % addresses.length]!;
    const body = { accessor };
    const asked = { method: 'POST', path: 'auth/token/lookup-accessor', token: rootToken, body };
    const heard = await client.ask(address, asked);
    if (heard.kind !== 'reply' || heard.status !== 200)
      violations.push(`a token that was made is gone: ${JSON.stringify(heard)}`);
  });
  client.close();
}

async function inParallel<T>(items: readonly T[], run: (item: T, n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const n = next++;
      await run(items[n]!, n);
    }
  };
  await Promise.all(Array.from({ length: READERS }, worker));
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
