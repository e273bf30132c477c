/**
 * The libp2p node under the transport: TCP, TLS, yamux and nothing else. No discovery, no identify, no relay, no ping.
 *
 * @module
 */
import type { ComponentLogger, ConnectionGater, Libp2p, Logger } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import {
  CONNECTION_UPGRADE_MS,
  CONNECTIONS_PER_SECOND_MAX,
  DIAL_MS,
  MEMBERS_MAX,
  STRANGERS_MAX,
  STREAM_WINDOW_BYTES_MAX,
  STREAMS_MAX,
} from '../../model/limits.ts';
import { boundTls } from './channel.ts';
import type { Identity } from './identity.ts';

/** libp2p keeps what a stream has not read up to this, and ends the stream beyond it. A window must fit in, or slowness ends streams. */
const UNREAD_BYTES_MAX = 2 * STREAM_WINDOW_BYTES_MAX;

export function makeHost(
  identity: Identity,
  listen: Multiaddr | undefined,
  gater: ConnectionGater,
): Promise<Libp2p> {
  return createLibp2p({
    start: false,
    privateKey: identity.key,
    addresses: { listen: listen ? [listen.toString()] : [] },
    transports: [tcp({ backlog: STRANGERS_MAX })],
    connectionEncrypters: [boundTls()],
    streamMuxers: [
      yamux({
        maxInboundStreams: STREAMS_MAX,
        maxOutboundStreams: STREAMS_MAX,
        streamOptions: {
          maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX,
          maxReadBufferLength: UNREAD_BYTES_MAX,
        },
      }),
    ],
    connectionGater: gater,
    connectionManager: {
      // Never prunes: strangers are bounded by the gater, and so never make up this many.
      maxConnections: 2 * MEMBERS_MAX + STRANGERS_MAX,
      maxParallelDials: MEMBERS_MAX,
      dialTimeout: DIAL_MS,
      addressDialTimeout: DIAL_MS,
      inboundUpgradeTimeout: CONNECTION_UPGRADE_MS,
      outboundStreamProtocolNegotiationTimeout: CONNECTION_UPGRADE_MS,
      inboundStreamProtocolNegotiationTimeout: CONNECTION_UPGRADE_MS,
      maxIncomingPendingConnections: STRANGERS_MAX,
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND_MAX,
    },
    connectionMonitor: { enabled: false },
    // What it would log by `DEBUG=libp2p*` goes nowhere: the log is ours, and what matters is said there.
    logger: SILENT,
  });
}

function silent(): Logger {
  const logger = (() => {}) as unknown as Logger;
  logger.error = () => {};
  logger.trace = () => {};
  logger.enabled = false;
  logger.newScope = () => logger;
  return logger;
}

const ONE_LOGGER = silent();
const SILENT: ComponentLogger = { forComponent: () => ONE_LOGGER };
