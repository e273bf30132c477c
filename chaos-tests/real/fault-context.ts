/**
 * What a fault is, and what it is given.
 *
 * @module
 */
import type { Hosts } from '../../test/support/namespaces.ts';
import type { TestNode, TestNodes } from '../../test/support/nodes.ts';
import type { Random } from '../sim/random.ts';
import type { Machine } from './machine.ts';
import type { Disturbance } from './report.ts';

export interface FaultContext {
  readonly cluster: TestNodes;
  readonly random: Random;
  /** What requests may notice; faults add to it. */
  readonly disturbances: Disturbance[];
  readonly hosts?: Hosts;
  readonly machine?: Machine;
  say(line: string): void;
}

/** Ends with all as it was: its promise resolves when every node is active again. */
export type Fault = (context: FaultContext) => Promise<void>;

/** A node that was evicted again and again is let in after a pause of up to five minutes. */
const ACTIVE_MS = 420_000;

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function allActive({ nodes }: TestNodes): Promise<void> {
  await Promise.all(nodes.map((node) => node.untilActive(ACTIVE_MS)));
}

/** What requests may notice is noted from before `run` until after it. */
export async function disturbed(
  { disturbances }: Pick<FaultContext, 'disturbances'>,
  what: Pick<Disturbance, 'kind' | 'address'>,
  run: () => Promise<void>,
): Promise<void> {
  const disturbance = { ...what, atMs: performance.now(), untilMs: Number.POSITIVE_INFINITY };
  disturbances.push(disturbance);
  await run();
  disturbance.untilMs = performance.now();
}

/** SIGKILL, and up again a while later. */
export function killAndRestart(context: FaultContext, node: TestNode, downMs: number): Promise<void> {
  context.say(`kill -9 ${node.id}`);
  return disturbed(context, { kind: 'down', address: node.address }, async () => {
    await node.stop('SIGKILL');
    await sleep(downMs);
    await node.start();
    await node.untilActive(ACTIVE_MS);
    context.say(`${node.id} is back`);
  });
}

/** SIGTERM, and up again. @param entry - of another release. */
export function restartOne(context: FaultContext, node: TestNode, entry?: string): Promise<void> {
  context.say(`restart ${node.id}`);
  return disturbed(context, { kind: 'down', address: node.address }, async () => {
    await node.stop('SIGTERM');
    await node.start(entry);
    await node.untilActive(ACTIVE_MS);
  });
}
