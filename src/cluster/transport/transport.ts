/**
 * The transport on real sockets: libp2p over TCP and TLS 1.3, closed to everybody who does not hold the cluster secret.
 *
 * A connection is a stranger until its admission has succeeded (`admission.ts`): strangers are bounded in number and time, and may open
 * nothing but the admission's stream. After it there is one link to each peer (`link.ts`), however many dialed whom.
 *
 * @module
 */
import type { Connection, Libp2p, Stream, PeerId as TheirPeerId } from '@libp2p/interface';
import { CodedError } from '../../model/errors.ts';
import { ADMISSION_MS, DIAL_MS, LINK_LOOK_MS, STREAMS_MAX } from '../../model/limits.ts';
import type { PeerId } from '../../model/transport.ts';
import { dialAddress, hostOf, hostPortOf, listenAddress, listenFailure, parseHostPort } from './address.ts';
import {
  AdmissionRefused,
  type Admitted,
  admitAsDialer,
  admitAsListener,
  type OwnSide,
} from './admission.ts';
import { channelOf } from './channel.ts';
import { type Deadline, makeDeadlines } from './deadline.ts';
import { makeDialer } from './dialer.ts';
import { makeExchange } from './exchange.ts';
import { makeGate } from './gate.ts';
import type { Handlers } from './handling.ts';
import { makeHost } from './host.ts';
import { LARGE_PROTOCOL } from './large.ts';
import { type Link, makeLink } from './link.ts';
import { makeLinks } from './links.ts';
import { makeStrangers } from './strangers.ts';
import type { ClusterTransport, ClusterTransportOptions } from './transport-interface.ts';

export type { ClusterTransport, ClusterTransportOptions, TransportCounts } from './transport-interface.ts';

export const ADMISSION_PROTOCOL = '/coffer/admission/1';
export const MESSAGES_PROTOCOL = '/coffer/messages/1';

/** What becomes of a connection. */
interface Standing {
  /** Its admission runs, or has succeeded. */
  begun: boolean;
  readonly deadline: Deadline;
  readonly link: PromiseWithResolvers<Link>;
  isAdmitted: boolean;
}

export function makeClusterTransport(options: ClusterTransportOptions): ClusterTransport {
  const { identity, clock, log, randomBytes, isBarred, speaks, protocol } = options;
  const own = identity.peer;
  const deadlines = makeDeadlines(clock);
  const strangers = makeStrangers(clock);
  const links = makeLinks(own, clock);
  const gate = makeGate({ ...options, strangers, links });
  const handlers: Handlers = {};
  const standings = new WeakMap<Connection, Standing>();
  const instance = randomBytes(16);
  /** Peers that answered `duplicate` although we have no link to them. */
  const again = new Set<PeerId>();
  /** The last failure that was said aloud, for each peer. */
  const saidFailures = new Map<PeerId, string>();
  let host: Libp2p | undefined;
  let looking: { clear(): void } | undefined;
  const dialer = makeDialer({
    clock,
    random: () => Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32,
    isLinked: (peer) => links.get(peer) !== undefined,
    dial,
    failed: dialFailed,
  });

  // --- who comes in

  function opened(connection: Connection): void {
    if (!host) {
      // It was on its way when we stopped.
      connection.abort(new Error('this node stops'));
      return;
    }
    const deadline = deadlines.signal(ADMISSION_MS);
    const link = Promise.withResolvers<Link>();
    link.promise.catch(() => {});
    standings.set(connection, { begun: false, deadline, link, isAdmitted: false });
    deadline.signal.addEventListener('abort', () => {
      if (connection.direction === 'inbound') strangers.failed(connection.remotePeer.toString());
      connection.abort(new Error('not admitted in time'));
    });
    connection.addEventListener('close', () => {
      deadline.clear();
      link.reject(new CodedError('connection_lost'));
      forget(connection.remotePeer);
    });
  }

  /** libp2p remembers every identity that ever connected; strangers may have any number of them. */
  function forget(peer: TheirPeerId): void {
    const name = peer.toString();
    if (!host || links.get(name) || dialer.isKept(name)) return;
    host.peerStore.delete(peer).catch(() => {});
  }

  function side(): OwnSide {
    return { peer: own, speaks, instance, nonce: randomBytes(32), secrets: options.secrets() };
  }

  async function welcome(stream: Stream, connection: Connection): Promise<void> {
    const standing = standings.get(connection);
    const channel = channelOf(connection);
    const peer = connection.remotePeer.toString();
    if (!standing || !channel || standing.begun || connection.direction !== 'inbound') {
      return gate.turnAway(connection, new Error('an admission out of turn'));
    }
    standing.begun = true;
    try {
      const exchange = makeExchange(stream, standing.deadline.signal);
      const admitted = await admitAsListener(exchange, side(), peer, channel.binding, (other) =>
        gate.judge(connection, peer, other),
      );
      accept(connection, standing, admitted, false);
      close(stream);
    } catch (error) {
      gate.turnAway(connection, error as Error);
    }
  }

  function accept(connection: Connection, standing: Standing, admitted: Admitted, dialedByUs: boolean): void {
    const peer = connection.remotePeer.toString();
    if (!host || connection.status !== 'open') throw new CodedError('connection_lost');
    standing.isAdmitted = true;
    standing.deadline.clear();
    strangers.leave(connection.timeline);
    strangers.proved(peer);
    again.delete(peer);
    saidFailures.delete(peer);
    const link = makeLink({
      ...{ connection, peer, dialedByUs, admitted, speaks, protocol, handlers, clock, deadlines, log },
      ended(link, why) {
        const lastedMs = links.remove(link);
        if (lastedMs === undefined) return;
        log.info('a peer is no longer linked', { peer, why });
        dialer.lost(peer, lastedMs);
      },
    });
    connection.newStream([MESSAGES_PROTOCOL]).then(
      (stream) => link.attach(stream),
      (error: Error) => link.end(error.message),
    );
    log.info('a peer is linked', { peer, host: hostOf(connection), dialed: dialedByUs });
    links.add(link, !dialedByUs && admitted.again);
    standing.link.resolve(link);
  }

  /** The link of the connection a stream came in on. Streams of strangers end their connection. */
  async function admittedLink(connection: Connection): Promise<Link> {
    const standing = standings.get(connection);
    // Who dialed learns last that it is admitted; who was dialed knows before anybody may send it anything.
    const mayWait = connection.direction === 'outbound' && standing?.begun;
    if (!standing || !(standing.isAdmitted || mayWait)) {
      const error = new Error('a stranger opened a stream');
      gate.turnAway(connection, error);
      throw error;
    }
    return standing.link.promise;
  }

  // --- whom we dial

  async function dial(peer: PeerId, address: string): Promise<void> {
    if (isBarred(peer)) throw new AdmissionRefused('barred', false);
    if (!gate.mayCome(peer)) throw new AdmissionRefused('awaits_approval', false);
    if (!host) throw new CodedError('connection_lost');
    const late = deadlines.signal(DIAL_MS);
    let connection: Connection | undefined;
    try {
      const target = dialAddress(parseHostPort(address), peer);
      connection = await host.dial(target, { signal: late.signal, force: true });
      const standing = standings.get(connection);
      const channel = channelOf(connection);
      if (!standing || !channel || connection.direction !== 'outbound')
        throw new Error('no channel to prove over');
      standing.begun = true;
      const stream = await connection.newStream([ADMISSION_PROTOCOL], { signal: late.signal });
      const exchange = makeExchange(stream, standing.deadline.signal);
      const admitted = await admitAsDialer(exchange, side(), peer, channel.binding, again.has(peer));
      accept(connection, standing, admitted, true);
      close(stream);
    } catch (error) {
      connection?.abort(error as Error);
      if (error instanceof AdmissionRefused && error.verdict === 'duplicate') {
        if (links.get(peer)) return;
        again.add(peer);
      }
      gate.countRefused();
      throw error;
    } finally {
      late.clear();
    }
  }

  function dialFailed(peer: PeerId, address: string, error: Error, pauseMs: number): void {
    const text = `${address} ${error.message}`;
    const level = saidFailures.get(peer) === text ? 'debug' : 'warn';
    saidFailures.set(peer, text);
    log[level]('a peer could not be reached', { peer, address, why: error.message, pause_ms: pauseMs });
  }

  // --- the whole

  function look(): void {
    links.look();
    looking = clock.after(look, LINK_LOOK_MS);
  }

  function linkTo(peer: PeerId): Link {
    const link = links.get(peer);
    if (!link) throw new CodedError('connection_lost');
    return link;
  }

  return {
    peer: own,
    keep(peers) {
      dialer.keep(peers.filter(({ peer }) => peer !== own));
    },
    drop: (peer) => links.get(peer)?.end('dropped'),
    peers: links.peers,
    onPeer: links.onPeer,
    send: (peer, bytes) => linkTo(peer).send(bytes),
    async request(peer, bytes, asking = {}) {
      return linkTo(peer).request(bytes, asking);
    },
    onMessage(handler) {
      handlers.message = handler;
    },
    onRequest(handler) {
      handlers.request = handler;
    },
    async start() {
      const listen =
        options.listen === undefined ? undefined : await listenAddress(parseHostPort(options.listen));
      host = await makeHost(identity, listen, gate.gater);
      host.addEventListener('connection:open', ({ detail }) => opened(detail));
      const one = { maxInboundStreams: 1, maxOutboundStreams: 1 };
      await host.handle(ADMISSION_PROTOCOL, welcome, one);
      await host.handle(
        MESSAGES_PROTOCOL,
        async (stream, connection) => (await admittedLink(connection)).receive(stream),
        one,
      );
      const several = { maxInboundStreams: STREAMS_MAX, maxOutboundStreams: STREAMS_MAX };
      await host.handle(
        LARGE_PROTOCOL,
        async (stream, connection) => (await admittedLink(connection)).receiveLarge(stream),
        several,
      );
      try {
        await host.start();
      } catch (error) {
        throw listenFailure(options.listen, error);
      }
      look();
    },
    async stop() {
      dialer.stop();
      looking?.clear();
      for (const link of links.all()) link.end('this node stops', 'gently');
      const stopped = host;
      host = undefined;
      await stopped?.stop();
    },
    address() {
      const address = host?.getMultiaddrs()[0];
      return address && hostPortOf(address);
    },
    reconsider() {
      const secrets = options.secrets().map((secret) => Buffer.from(secret));
      for (const link of links.all()) {
        if (!gate.mayCome(link.peer)) link.end('the peer is not admitted any more');
        else if (!secrets.some((secret) => secret.equals(link.secret))) {
          link.end('the peer was admitted by a secret that is not accepted any more');
        }
      }
      dialer.hurry();
    },
    async known() {
      const all = (await host?.peerStore.all()) ?? [];
      return all.filter(({ id }) => id.toString() !== own).length;
    },
    counts: () => ({ ...links.counts(), strangers: strangers.count(), refused: gate.refused() }),
  };
}

function close(stream: Stream): void {
  stream.close().catch((error: Error) => stream.abort(error));
}
