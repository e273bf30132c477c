/**
 * Clients that do not know the nodes: each request goes to the next node that a balancer found well, once.
 *
 * @module
 */
import { type Balancer, makeBalancer } from '../../test/support/balancer.ts';
import { type Client, makeClient } from './client.ts';

export interface Balanced {
  readonly balancer: Balancer;
  /** As `makeClient`; what address it is asked for does not matter. */
  client(): Client;
}

export function makeBalanced(addresses: readonly string[]): Balanced {
  const balancer = makeBalancer(addresses, '');
  let turn = 0;
  return {
    balancer,
    client() {
      const client = makeClient();
      return {
        ...client,
        async ask(_, asked) {
          const well = balancer.well();
          const address = well[turn++ % well.length];
          if (address === undefined) return { kind: 'broken', refused: true, why: 'no node is well' };
          return client.ask(address, asked);
        },
      };
    },
  };
}
