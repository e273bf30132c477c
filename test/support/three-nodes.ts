/**
 * What all tests through any of three nodes begin with: one cluster for a file, over the embedded store, opened before its first test.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { missing as missingTool } from './missing.ts';
import { startNodes, type TestNode, type TestNodes } from './nodes.ts';

type TestRun = (t: TestContext) => Promise<void>;

export interface ThreeNodes {
  /** From the first test on. */
  readonly cluster: Pick<TestNodes, 'nodes' | 'rootToken' | 'unsealKey'>;
  /** Options of a call with the root token. */
  root(): { token: string };
  /** What a test runs. @param run - `at(n)`: the node a step further, round and round. */
  on(run: (at: (step: number) => TestNode) => Promise<void>): TestRun;
  /** What a test runs. */
  onAll(run: (nodes: readonly TestNode[]) => Promise<void>): TestRun;
  /** The answer's body; anything but 2xx fails the test. @param token - the root token where absent. */
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers
  well(node: TestNode, method: string, path: string, body?: object, token?: string): Promise<any>;
}

/** @param opened - called once they serve. */
export function threeNodes(opened?: (cluster: TestNodes) => void): ThreeNodes {
  let running: TestNodes | undefined;
  let missing: string | undefined;
  before(async () => {
    const started = await startNodes({ store: 'embedded' });
    if ('missing' in started) {
      missing = started.missing;
      return;
    }
    running = started;
    await started.open();
    opened?.(started);
  });
  after(async () => running?.remove());

  const now = (): TestNodes => {
    assert(running, 'they are started before the first test');
    return running;
  };
  const cluster: ThreeNodes['cluster'] = {
    get nodes() {
      return now().nodes;
    },
    get rootToken() {
      return now().rootToken;
    },
    get unsealKey() {
      return now().unsealKey;
    },
  };
  const onAll: ThreeNodes['onAll'] = (run) => async (t) => {
    if (missing !== undefined) return t.skip(missingTool(missing));
    await run(cluster.nodes);
  };

  return {
    cluster,
    root: () => ({ token: cluster.rootToken }),
    onAll,
    on: (run) => onAll((nodes) => run((step) => nodes[step % nodes.length]!)),
    async well(node, method, path, body, token = cluster.rootToken) {
      const reply = await node.call(method, path, { token, body });
      assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
      return reply.body;
    },
  };
}
