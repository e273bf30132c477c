/**
 * Real nodes as the simulator's workloads see theirs: what these ask and judge by replies alone is asked of processes in the same words. What they
 * look for in the memory of nodes, or in the store, is not to be had here and not looked for.
 *
 * @module
 */
import { makeHistory } from '../checkers/history.ts';
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimRequest } from '../sim/server.ts';
import type { Heard, SimClient, SimNode, World } from '../sim/world.ts';
import { type Client, makeClient } from './client.ts';
import { sleep } from './fault-context.ts';

const METHODS: Readonly<Record<string, string>> = {
  read: 'GET',
  update: 'POST',
  list: 'LIST',
  delete: 'DELETE',
};

export interface RealWorld {
  readonly world: World;
  close(): void;
}

/** Instants are of the machine's monotonic clock, ms. */
export function asWorld(addresses: readonly string[], rootToken: string, random: Random): RealWorld {
  const opened: Client[] = [];
  const nodes = addresses.map((name) => {
    return { process: { name, isAlive: true }, isOpen: true, member: undefined, server: undefined };
  });

  function client(name: string): Pick<SimClient, 'ask' | 'sleep'> & { process: { name: string } } {
    const mine = makeClient();
    opened.push(mine);
    return {
      process: { name },
      sleep,
      async ask(node: SimNode, request: SimRequest): Promise<Heard> {
        const { verb, path, token, body, query } = request;
        const search = query ? `?${new URLSearchParams(query)}` : '';
        const heard = await mine.ask(node.process.name, {
          method: METHODS[verb]!,
          path: path + search,
          token: token === ROOT_TOKEN ? rootToken : token,
          ...(verb === 'update' && { body: body ?? {} }),
        });
        if (heard.kind === 'broken') return { kind: heard.refused ? 'refused' : 'silence' };
        return { kind: 'reply', reply: { status: heard.status, body: heard.body } };
      },
    };
  }

  const world = {
    random,
    nodes,
    client,
    history: makeHistory(),
    starts: [],
    violations: [] as string[],
    undecided: 0,
    isCalm: false,
    membershipChanged: undefined,
    scheduler: {
      get nowMs() {
        return performance.now();
      },
    },
    store: { records: new Map(), onCommit: undefined, paths: () => [] },
    drive(_process: unknown, body: () => Promise<void>) {
      body().catch((error: unknown) => {
        world.violations.push(`the workload failed: ${(error as Error).stack ?? error}`);
      });
    },
  };
  return {
    world: world as unknown as World,
    close() {
      for (const each of opened) each.close();
    },
  };
}
