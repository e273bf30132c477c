/**
 * A cluster of real processes under load while faults happen, one after another; then its history is checked.
 *
 * @module
 */
import { makeHosts } from '../../test/support/namespaces.ts';
import { type StoreKind, startNodes } from '../../test/support/nodes.ts';
import type { HistoryEntry } from '../checkers/history.ts';
import { makeRandom } from '../sim/random.ts';
import { startComings } from './comings.ts';
import { sleep } from './fault-context.ts';
import { FAULTS, faultsFor } from './faults.ts';
import { enableKv, startLoad } from './load.ts';
import { makeMachine } from './machine.ts';
import { type Disturbance, percentile, type Report, report } from './report.ts';
import { watchStandstill } from './standstill.ts';

export interface ChaosOptions {
  readonly store: StoreKind;
  readonly nodes: number;
  /** Of etcd. */
  readonly members: number;
  /** Names the order of faults and requests; the machine decides the rest. */
  readonly seed: number;
  /** Requests/s. */
  readonly rate: number;
  /** KV paths; 500 where absent. */
  readonly keys?: number;
  /** Asked before each fault, which is then run to its end. */
  isOver(faults: number): boolean;
  /** Names of faults, drawn from; all that can be had where absent. */
  readonly faults?: readonly string[];
  /** One after the other as they stand, instead of drawn. */
  readonly inOrder?: boolean;
  /** Each node in a network namespace of its own. */
  readonly hosts?: boolean;
  /** Each node with a wall clock of its own. */
  readonly clocks?: boolean;
  /** The embedded store on a small disk. */
  readonly disk?: boolean;
  say(line: string): void;
}

export interface ChaosReport extends Report {
  readonly faults: number;
  /** Of good answers, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly history: readonly HistoryEntry<unknown, unknown>[];
  /** What each node printed since it was started last. */
  readonly outputs: ReadonlyMap<string, string>;
}

/** Between two faults, ms. */
const CALM_MS = [500, 3_000] as const;
/** Machines that run other things too take their time. */
const READY_MS = 180_000;
/** Of a node's output, where a run fails, characters. */
const OUTPUT_SHOWN = 3_000;

/** @returns a sentence where this machine cannot. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport | { missing: string }> {
  const { say } = options;
  const random = makeRandom(options.seed);
  const machine = await makeMachine({
    nodes: options.nodes,
    clocks: options.clocks === true,
    disk: options.disk === true,
  });
  if ('missing' in machine) return machine;
  const hosts = options.hosts ? makeHosts(options.nodes) : undefined;
  if (hosts && 'missing' in hosts) return hosts;
  const cluster = await startNodes({
    hosts,
    count: options.nodes,
    store: options.store,
    storeMembers: options.members,
    wrapper: machine.clocks?.wrapper,
    storeFolder: machine.disk?.folder,
    readyTimeoutMs: READY_MS,
  });
  if ('missing' in cluster) return cluster;
  try {
    await cluster.open();
    say(`${options.nodes} nodes on ${options.store} are active; seed ${options.seed}`);
    const addresses = cluster.nodes.map((node) => node.address);
    const { rootToken } = cluster;
    await enableKv(addresses[0]!, rootToken);
    const load = await startLoad({
      addresses,
      rootToken,
      random: random.fork('load'),
      rate: options.rate,
      keys: options.keys,
    });
    const comings = await startComings(addresses, rootToken, random.fork('comings'));
    const disturbances: Disturbance[] = [];
    const watched = watchStandstill(disturbances, say);
    const names = options.faults ?? faultsFor({ cluster, hosts, machine });
    let faults = 0;
    while (!options.isOver(faults)) {
      await sleep(random.between(...CALM_MS));
      const name = options.inOrder ? names[faults % names.length]! : random.pick(names);
      await FAULTS[name]!({ cluster, random, disturbances, hosts, machine, say });
      faults++;
    }
    await sleep(1_000);
    await Promise.all([load.stop(), comings.stop()]);
    watched();
    const found = await report(load, addresses, rootToken, disturbances);
    const came = await comings.check();
    say(`beside the load: ${came.summary}`);
    const good = load.requests.filter(({ heard }) => heard.kind === 'reply' && heard.status < 300);
    const latencies = good.map(({ sentMs, endedMs }) => endedMs - sentMs);
    return {
      ...found,
      violations: [...found.violations, ...came.violations],
      undecided: found.undecided + came.undecided,
      faults,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      history: load.history.entries,
      outputs: new Map(cluster.nodes.map((node) => [node.id, node.output()])),
    };
  } catch (error) {
    for (const node of cluster.nodes) say(`${node.id} said last: ${node.output().slice(-OUTPUT_SHOWN)}`);
    throw error;
  } finally {
    await cluster.remove();
    await hosts?.remove();
    machine.remove();
  }
}
