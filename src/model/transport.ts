/**
 * Messages between nodes, as the cluster's parts see them. Made of sockets in `cluster/transport/`, of a seeded scheduler in the simulator.
 *
 * A transport says who a peer is, and that it was admitted. It promises neither delivery nor order: a message arrives once or not at
 * all, and two messages may pass each other. Heartbeats are ordinary messages of the layer above.
 *
 * @module
 */

/** A node's identity, its libp2p peer id as text: `12D3KooW…`. It stays the same across restarts. */
export type PeerId = string;

/** Where a peer can be reached. */
export interface PeerAddress {
  readonly peer: PeerId;
  /** Each `host:port`, tried in this order. */
  readonly addresses: readonly string[];
}

/** A message as it came in. */
export interface Incoming {
  readonly peer: PeerId;
  /** The version that the sender wrote it by; one we speak. */
  readonly protocol: number;
  /** A view of a larger buffer: copy what is kept longer than the handling. */
  readonly bytes: Uint8Array;
  /** Of a request: how long the sender still waits, in ms, as it left there. 0: it does not say. */
  readonly timeoutMs: number;
  /** Of a request: fires when nobody waits for the reply any more (cancelled, time over, link lost). Never of a message. */
  readonly signal: AbortSignal;
}

export interface RequestOptions {
  /** Fires: the request is cancelled, here and there, and rejects with its reason. */
  readonly signal?: AbortSignal;
  /** ms; after it the request rejects with `deadline`. At most the limit of a whole request, which also holds where it is absent. */
  readonly timeoutMs?: number;
}

export type PeerChange = 'up' | 'down';

export interface Transport {
  /** Our own identity. */
  readonly peer: PeerId;
  /**
   * The peers to stay linked with, instead of those named before: dialed, and dialed again when lost, until they are
   * not named any more. Links to others, who dialed us, stay. Our own identity is passed over.
   */
  keep(peers: readonly PeerAddress[]): void;
  /** Ends the link to that peer at once; a kept one is dialed again. */
  drop(peer: PeerId): void;
  /** Peers that are linked now. */
  peers(): PeerId[];
  /**
   * Told when a peer is linked, and when it no longer is; a peer that has restarted is `down`, then `up`. In both cases `peers()`
   * already says so, and what was under way is already rejected. @returns what ends the telling.
   */
  onPeer(told: (peer: PeerId, change: PeerChange) => void): () => void;
  /**
   * Sends without waiting for anything. `bytes` are the transport's from now on.
   * @throws CodedError `connection_lost` when the peer is not linked, `overloaded` when too much waits for it, `too_large`.
   */
  send(peer: PeerId, bytes: Uint8Array): void;
  /**
   * Sends and waits for the reply. `bytes` are the transport's from now on.
   * @returns the reply: a view of a larger buffer.
   * @throws CodedError `connection_lost` (not linked, or the link ended: at once, and it may have taken effect), `overloaded`
   * (too much waits, here or there), `deadline`, `too_large`, `unsupported`, what the handler threw as CodedError, `internal`
   * when that was no CodedError; the signal's reason.
   */
  request(peer: PeerId, bytes: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
  /** Takes all messages that come by `send`, one handler for all. Without one, and for a kind it does not know, the sender is told. */
  onMessage(handler: (message: Incoming) => void | Promise<void>): void;
  /**
   * Takes all requests. What it throws goes to the sender: code and texts of a CodedError (its `data` does not cross), else
   * `internal`. A kind it does not know it answers by throwing `unsupported`.
   */
  onRequest(handler: (request: Incoming) => Uint8Array | Promise<Uint8Array>): void;
  start(): Promise<void>;
  /** Ends all links and takes no new ones. */
  stop(): Promise<void>;
}
