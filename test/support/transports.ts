/**
 * Transports on loopback for tests: made with little, stopped with the test.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Identity, identityFromSeed } from '../../src/cluster/transport/identity.ts';
import {
  type ClusterTransport,
  type ClusterTransportOptions,
  makeClusterTransport,
} from '../../src/cluster/transport/transport.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import type { PeerAddress } from '../../src/model/transport.ts';
import { systemClock } from '../../src/system-clock.ts';
import { until } from './until.ts';

export const SECRET = Buffer.alloc(32, 7);

export interface TestNode extends ClusterTransport {
  readonly identity: Identity;
  /** Where it can be dialed. */
  readonly at: PeerAddress;
}

/** A started transport on a port of its own. It says `protocol` 1 and speaks 1 and 2. */
export async function startNode(
  t: TestContext,
  changes: Partial<ClusterTransportOptions> = {},
): Promise<TestNode> {
  const identity = changes.identity ?? (await identityFromSeed(randomBytes(32)));
  const transport = makeClusterTransport({
    identity,
    listen: '127.0.0.1:0',
    secrets: () => [SECRET],
    speaks: { min: 1, max: 2 },
    protocol: () => 1,
    isBarred: () => false,
    clock: systemClock,
    randomBytes,
    log: SILENT_LOG,
    ...changes,
  });
  t.after(() => transport.stop());
  await transport.start();
  const address = transport.address();
  return {
    ...transport,
    identity,
    at: { peer: identity.peer, addresses: address === undefined ? [] : [address] },
  };
}

/** Two nodes with a link between them, which the first dialed. */
export async function startPair(
  t: TestContext,
  first: Partial<ClusterTransportOptions> = {},
  second: Partial<ClusterTransportOptions> = {},
): Promise<[TestNode, TestNode]> {
  const a = await startNode(t, first);
  const b = await startNode(t, second);
  a.keep([b.at]);
  await linked(a, b);
  return [a, b];
}

/** Both ends say so. */
export async function linked(a: TestNode, b: TestNode): Promise<void> {
  await until('both are linked', () => a.peers().includes(b.peer) && b.peers().includes(a.peer));
}
