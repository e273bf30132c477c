/**
 * `coffer cluster demo`: several nodes on this machine, initialised and unsealed, in one command that leaves nothing behind.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newClusterSecret } from '../cluster/transport/secret.ts';
import { openDemo } from './demo-opening.ts';
import { DEMO_HOST, type DemoNode, type DemoStore, planNodes, writeNodeFiles } from './demo-plan.ts';
import { removeDemoKeys } from './demo-store.ts';
import { deathNotice, demoBanner, demoLines } from './demo-text.ts';
import { type NodeProcess, startNode, stopNodes } from './node-process.ts';

export interface DemoOptions {
  readonly nodes: number;
  readonly basePort: number;
  /** Drawn where undefined. */
  readonly rootTokenId: string | undefined;
  /** Absent: the embedded store. */
  readonly store?: { readonly type: 'etcd' | 'consul'; readonly address: string };
  readonly format: 'text' | 'json';
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Aborted: end. */
  readonly end: AbortSignal;
}

const FOLDER_PREFIX = 'coffer-demo-';
/** Of a log, in the error where its node does not start. */
const TAIL_LINES = 5;

interface DemoProcess extends DemoNode {
  readonly process: NodeProcess;
  readonly log: string;
}

/**
 * Runs until `end` is aborted or no node is left.
 * @returns the exit code: 0 where it was ended, 1 where all nodes died.
 * @throws Error with one sentence where it does not come up; nothing is left behind then either.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const plan = planNodes(options.nodes, options.basePort);
  for (const { ports } of plan) for (const port of ports) await checkPort(port, options);
  const store: DemoStore = options.store
    ? { ...options.store, path: `${FOLDER_PREFIX}${randomBytes(8).toString('hex')}/` }
    : { type: 'file' };
  const folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  const nodes: DemoProcess[] = [];
  try {
    const secret = newClusterSecret(randomBytes);
    for (const node of plan) {
      const { config, log } = writeNodeFiles(folder, node, store, secret);
      const process = startNode({
        args: ['server', `-config=${config}`],
        env: ownEnvironment(options.env),
        logFile: log,
      });
      nodes.push({ ...node, process, log });
    }
    return await run(nodes, folder, store, options);
  } finally {
    await stopNodes(nodes.map(({ process }) => process));
    rmSync(folder, { recursive: true, force: true });
    if (store.type !== 'file') await removeDemoKeys(store);
  }
}

async function run(
  nodes: readonly DemoProcess[],
  folder: string,
  store: DemoStore,
  options: DemoOptions,
): Promise<number> {
  const { end, stdout, stderr } = options;
  const hopeless = new AbortController();
  for (const node of nodes) {
    void node.process.ended.then((how) => hopeless.abort(new Error(whyNot(node, how))));
  }
  const ended = once(end, 'abort').then(() => 'ended' as const);
  const addresses = nodes.map(({ apiAddress }) => apiAddress);
  const signal = AbortSignal.any([hopeless.signal, end]);
  const opened = await Promise.race([openDemo(addresses, options.rootTokenId, signal), ended]).catch(
    (error) => {
      if (end.aborted) return 'ended' as const;
      throw error;
    },
  );
  if (opened === 'ended') return 0;
  const running = nodes.map((node) => ({ ...node, pid: node.process.pid! }));
  stdout.write(
    options.format === 'json'
      ? demoLines(running)
      : demoBanner({ ...opened, nodes: running, folder, program: options.program, store: nameOf(store) }),
  );
  const deaths = nodes.map(async (node) => {
    const how = await node.process.ended;
    if (end.aborted) return;
    stderr.write(deathNotice(node, how, nodes.filter(({ process }) => process.isRunning()).length));
  });
  return await Promise.race([ended.then(() => 0), Promise.all(deaths).then(() => (end.aborted ? 0 : 1))]);
}

/** @throws Error with one sentence that names the port and what helps. */
async function checkPort(port: number, { program, basePort, nodes }: DemoOptions): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(port, DEMO_HOST);
    await once(probe, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const other = basePort + 100 + 2 * nodes > 65_000 ? 8200 : basePort + 100;
    throw new Error(
      `port ${port} of ${DEMO_HOST} is already in use; take others: ${program} cluster demo -base-port=${other}`,
    );
  } finally {
    probe.close();
  }
}

/** Nothing of whoever starts the demo changes what its nodes do. */
function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:VAULT|COFFER)_/.test(name) && name !== 'STATE_DIRECTORY'),
  );
}

function whyNot(node: DemoProcess, how: number | string): string {
  let lines: string[] = [];
  try {
    lines = readFileSync(node.log, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  } catch {
    // Then there is nothing to show.
  }
  const said = lines.join('\n    ');
  return `${node.nodeId} ended (${how}) before it was up${said === '' ? '' : `:\n    ${said}`}`;
}

function nameOf(store: DemoStore): string {
  if (store.type === 'file') return 'the embedded store';
  return `${store.type === 'etcd' ? 'etcd' : 'Consul'} at ${store.address}`;
}
