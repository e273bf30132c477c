/**
 * A peer that follows the rules only as far as a test wants: libp2p and the admission by hand, then any bytes.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { dialAddress, parseHostPort } from '../../src/cluster/transport/address.ts';
import { admitAsDialer, type Exchange } from '../../src/cluster/transport/admission.ts';
import { channelOf } from '../../src/cluster/transport/channel.ts';
import { makeExchange } from '../../src/cluster/transport/exchange.ts';
import { encodeFrame, type Frame, makeFrameReader } from '../../src/cluster/transport/frame.ts';
import { makeHost } from '../../src/cluster/transport/host.ts';
import { type Identity, identityFromSeed } from '../../src/cluster/transport/identity.ts';
import { ADMISSION_PROTOCOL, MESSAGES_PROTOCOL } from '../../src/cluster/transport/transport.ts';
import { SECRET, type TestNode } from './transports.ts';
import { until } from './until.ts';

export interface RawPeer {
  readonly identity: Identity;
  readonly host: Libp2p;
  readonly connection: Connection;
  /** The node's stream to us, once it is open. */
  incoming(): Stream | undefined;
  /** Frames the node sent, while `incoming` is read. */
  readonly got: Frame[];
}

/** Connected by TLS, nothing more. */
export async function connectRaw(t: TestContext, node: TestNode, given?: Identity): Promise<RawPeer> {
  const identity = given ?? (await identityFromSeed(randomBytes(32)));
  const host = await makeHost(identity, undefined, { denyDialMultiaddr: () => false });
  t.after(() => host.stop());
  const got: Frame[] = [];
  let incoming: Stream | undefined;
  await host.handle(MESSAGES_PROTOCOL, (stream) => {
    incoming = stream;
    const reader = makeFrameReader((frame) => got.push(frame));
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk);
    });
  });
  await host.start();
  const connection = await host.dial(dialAddress(parseHostPort(node.at.addresses[0]!), node.peer));
  return { identity, host, connection, got, incoming: () => incoming };
}

/** @param watch - may look at each frame of the admission and change it */
export async function admitRaw(
  raw: RawPeer,
  node: TestNode,
  secrets: Uint8Array[] = [SECRET],
  watch: (exchange: Exchange) => Exchange = (exchange) => exchange,
): Promise<void> {
  const stream = await raw.connection.newStream([ADMISSION_PROTOCOL]);
  const own = {
    peer: raw.identity.peer,
    speaks: { min: 1, max: 1 },
    instance: randomBytes(16),
    nonce: randomBytes(32),
    secrets,
  };
  const { binding } = channelOf(raw.connection)!;
  const exchange = watch(makeExchange(stream, new AbortController().signal));
  await admitAsDialer(exchange, own, node.peer, binding, false);
  stream.close().catch(() => {});
}

/** A member with a stream of messages that the test writes by hand. */
export async function rawMember(
  t: TestContext,
  node: TestNode,
): Promise<RawPeer & { write(...frames: Frame[]): void; outgoing: Stream }> {
  const raw = await connectRaw(t, node);
  await admitRaw(raw, node);
  const outgoing = await raw.connection.newStream([MESSAGES_PROTOCOL]);
  await until('it is linked', () => raw.incoming() !== undefined && node.peers().includes(raw.identity.peer));
  return {
    ...raw,
    outgoing,
    write: (...frames) => void outgoing.send(Buffer.concat(frames.map(encodeFrame))),
  };
}
