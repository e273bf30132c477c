/**
 * What comes and goes beside the load of a real cluster: mounts that move, namespaces that are deleted, secret ids that are used up and tokens that
 * end, with what the simulator asks of each of them.
 *
 * @module
 */
import type { History } from '../checkers/history.ts';
import type { KvInput, KvOutput } from '../checkers/versioned-kv.ts';
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN } from '../sim/server.ts';
import type { SimClient } from '../sim/world.ts';
import { ExpiryWorkload } from '../workloads/expiries.ts';
import { checkKv, KvWorkload } from '../workloads/kv.ts';
import { MoveWorkload } from '../workloads/moves.ts';
import { NamespaceWorkload } from '../workloads/namespaces.ts';
import { SecretIdWorkload } from '../workloads/secret-ids.ts';
import { asWorld } from './as-world.ts';
import { sleep } from './fault-context.ts';

export interface Comings {
  /** Resolves when all that was asked is answered. */
  stop(): Promise<void>;
  /** Once all is well again. */
  check(): Promise<{ violations: string[]; undecided: number; summary: string }>;
}

const VERSIONS_OF_MOUNTS = 10;
const LOOK_MS = 100;
/** What has ended is swept within this, ms. */
const SWEPT_MS = 60_000;
const ALWAYS = Number.POSITIVE_INFINITY;

export async function startComings(
  addresses: readonly string[],
  rootToken: string,
  random: Random,
): Promise<Comings> {
  const { world, close } = asWorld(addresses, rootToken, random);
  const reader = world.client('reader');
  const anyNode = () => random.pick(world.nodes);
  await enableAppRole(reader);
  const mounts = new MoveWorkload(world, { mounts: 3, movers: 1, pauseMs: [300, 2_000] });
  const writers = new KvWorkload(world, {
    ...{ clients: 4, keys: 6, operations: ALWAYS, pauseMs: [20, 200], operationsPerKey: 60 },
    where: (key) => mounts.visit(key),
    isReady: () => mounts.isReady,
  });
  const namespaces = new NamespaceWorkload(world, { owners: 2, users: 3, operations: ALWAYS });
  const secretIds = new SecretIdWorkload(world, { clients: 4, operations: ALWAYS });
  const tokens = new ExpiryWorkload(world, { clients: 4, operations: ALWAYS });
  const all = [mounts, writers, namespaces, secretIds, tokens];
  for (const each of all) each.start(anyNode);

  async function enableAppRole(client: SimClient): Promise<void> {
    const node = world.nodes[0]!;
    const type = { type: 'approle', config: { user_lockout_config: { lockout_disable: true } } };
    for (const [path, body] of [
      ['sys/auth/approle', { type: type.type }],
      ['sys/auth/approle/tune', type.config],
    ] as const) {
      const heard = await client.ask(node, { verb: 'update', path, token: ROOT_TOKEN, body });
      if (heard.kind !== 'reply' || heard.reply.status !== 204)
        throw new Error(`${path}: ${JSON.stringify(heard)}`);
    }
  }

  /** What has ended is not listed any more, once it is swept. */
  async function leftOfTokens(): Promise<string[]> {
    const untilMs = performance.now() + SWEPT_MS;
    for (;;) {
      const heard = await reader.ask(anyNode(), {
        verb: 'list',
        path: 'auth/token/accessors',
        token: ROOT_TOKEN,
      });
      const listed = heard.kind === 'reply' && heard.reply.status === 200 && heard.reply.body.data.keys;
      const ended = new Set(tokens.ended());
      const left = listed ? listed.filter((accessor: string) => ended.has(accessor)) : [];
      if (listed && left.length === 0) return [];
      if (performance.now() > untilMs) return [`${left.length} tokens that have ended are still listed`];
      await sleep(LOOK_MS);
    }
  }

  return {
    async stop() {
      for (const each of all) each.stop();
      while (!all.every(({ isOver }) => isOver) && world.violations.length === 0) await sleep(LOOK_MS);
    },
    async check() {
      const left: string[] = [];
      if (world.violations.length === 0) {
        await writers.readAll(reader, anyNode);
        await mounts.readLeft(reader);
        await namespaces.finish(reader);
        left.push(...(await leftOfTokens()));
      }
      const history = checkKv(world.history as History<KvInput, KvOutput>, VERSIONS_OF_MOUNTS);
      const checked = [mounts, namespaces, secretIds, tokens].flatMap((each) => each.check());
      close();
      return {
        violations: [...world.violations, ...left, ...history.violations, ...checked],
        undecided: history.undecided + world.undecided,
        summary: `${mounts.moves} moves, ${namespaces.deleted} namespaces deleted, ${secretIds.logins} logins, ${tokens.ended().length} tokens ended`,
      };
    },
  };
}
