/**
 * What stands in front of nodes: asks `sys/health` of each every 200 ms, and sends each request to the next node that is well, over
 * connections that are kept.
 *
 * @module
 */
import { Agent, request } from 'node:http';

export interface Balanced {
  readonly status: number;
  readonly text: string;
}

export interface Balancer {
  /** Addresses of nodes that were well when last asked. */
  well(): readonly string[];
  /** @throws where no node is well, or the connection broke. */
  ask(method: string, path: string, body?: unknown): Promise<Balanced>;
  stop(): Promise<void>;
}

const CHECK_MS = 200;
const CHECK_TIMEOUT_MS = 2_000;

/** @param addresses - `http://host:port` of each node. */
export function makeBalancer(addresses: readonly string[], token: string): Balancer {
  const agents = new Map(addresses.map((address) => [address, new Agent({ keepAlive: true })]));
  const well = new Set(addresses);
  let turn = 0;
  let stopped = false;

  function ask(address: string, method: string, path: string, body?: unknown, agent?: Agent) {
    return new Promise<Balanced>((resolve, reject) => {
      const options = {
        method,
        agent,
        headers: { 'X-Vault-Token': token },
        timeout: agent ? 0 : CHECK_TIMEOUT_MS,
      };
      const asked = request(`${address}/v1/${path}`, options, (reply) => {
        let text = '';
        reply.on('data', (chunk) => {
          text += chunk;
        });
        reply.on('end', () => resolve({ status: reply.statusCode!, text }));
        reply.on('error', reject);
      });
      asked.on('timeout', () => asked.destroy(new Error('no answer')));
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async function check(address: string): Promise<void> {
    while (!stopped) {
      const isWell = await ask(address, 'GET', 'sys/health').then(
        ({ status }) => status === 200,
        () => false,
      );
      if (isWell) well.add(address);
      else well.delete(address);
      await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
    }
  }
  const checks = addresses.map(check);

  return {
    well: () => [...well],
    async ask(method, path, body) {
      const [...all] = well;
      const address = all[turn++ % all.length];
      if (address === undefined) throw new Error('no node is well');
      return ask(address, method, path, body, agents.get(address));
    },
    async stop() {
      stopped = true;
      await Promise.all(checks);
      for (const agent of agents.values()) agent.destroy();
    },
  };
}
