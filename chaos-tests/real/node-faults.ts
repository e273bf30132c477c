/**
 * Faults of the nodes: killed, stopped and continued, restarted.
 *
 * @module
 */
import { allActive, disturbed, type Fault, killAndRestart, restartOne, sleep } from './fault-context.ts';

const kill: Fault = (context) =>
  killAndRestart(context, context.random.pick(context.cluster.nodes), context.random.between(500, 5_000));

/** Stands still for longer than its deadline, so that others take over, or for less. */
const pause: Fault = async (context) => {
  const { cluster, random, say } = context;
  const node = random.pick(cluster.nodes);
  const ms = random.between(300, 6_000);
  say(`SIGSTOP ${node.id} for ${ms.toFixed(0)} ms`);
  // What its clients had under way may run into their own time.
  await disturbed(context, { kind: 'down', address: node.address }, async () => {
    process.kill(node.pid(), 'SIGSTOP');
    await sleep(ms);
    process.kill(node.pid(), 'SIGCONT');
    await allActive(cluster);
  });
};

const restart: Fault = (context) => restartOne(context, context.random.pick(context.cluster.nodes));

/** Each in turn, once the one before is active again. */
const rolling: Fault = async (context) => {
  for (const node of context.cluster.nodes) await restartOne(context, node);
};

export const NODE_FAULTS: Readonly<Record<string, Fault>> = { kill, pause, restart, rolling };
