/**
 * How the parts of this folder reach other lives: what cannot be sent is lost, as it might be on the way.
 *
 * @module
 */
import { CodedError } from '../../model/errors.ts';
import type { PeerChange, PeerId } from '../../model/transport.ts';
import type { Membership } from '../membership-interface.ts';
import type { MessageKind, Post } from '../post.ts';

export interface Wire {
  /** Where that life is reached; undefined: its record was never seen. */
  peerOf(inc: string): PeerId | undefined;
  send(peer: PeerId, kind: MessageKind, value: object): void;
  /** Undefined where the answer is, and where there is none. */
  request(peer: PeerId, kind: MessageKind, value: object, timeoutMs: number): Promise<unknown>;
  onMessage(kind: MessageKind, handler: (value: unknown, peer: PeerId) => void): void;
  onRequest(kind: MessageKind, handler: (value: unknown, peer: PeerId) => unknown): void;
  onPeer(told: (peer: PeerId, change: PeerChange) => void): () => void;
}

export interface WireOptions {
  readonly post: Post;
  membership(): Pick<Membership, 'members'>;
  fault(what: string, error: unknown): void;
}

export function makeWire({ post, membership, fault }: WireOptions): Wire {
  /** Failures between nodes are everyday; others are ours. */
  function failed(kind: MessageKind, error: unknown): void {
    if (!(error instanceof CodedError)) fault(`a message of grants: ${kind}`, error);
  }

  return {
    peerOf: (inc) => membership().members().get(inc)?.peerId,
    send(peer, kind, value) {
      try {
        post.send(peer, kind, value);
      } catch (error) {
        failed(kind, error);
      }
    },
    async request(peer, kind, value, timeoutMs) {
      try {
        return await post.request(peer, kind, value, { timeoutMs });
      } catch (error) {
        failed(kind, error);
        return undefined;
      }
    },
    onMessage(kind, handler) {
      post.onMessage(kind, (value, { peer }) => handler(value, peer));
    },
    onRequest(kind, handler) {
      post.onRequest(kind, (value, { peer }) => handler(value, peer));
    },
    onPeer: (told) => post.transport.onPeer(told),
  };
}
