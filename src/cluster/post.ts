/**
 * Messages between nodes by kind and with values, over a transport that knows bytes alone.
 *
 * @module
 */
import type { Incoming, PeerId, RequestOptions, Transport } from '../model/transport.ts';

/** A short name, unique in the program: `run`, `hb`, `ask`, `end`, `catalog/apply` … What a receiver does not know it answers `unsupported`. */
export type MessageKind = string;

export interface Post {
  readonly transport: Pick<Transport, 'peer' | 'peers' | 'onPeer'>;
  /** Values are what `model/value-codec.ts` takes. Rejects as `Transport.request`; a CodedError of the handler keeps code, texts, status and data, a `Moved` its epoch. */
  request(peer: PeerId, kind: MessageKind, value: unknown, options?: RequestOptions): Promise<unknown>;
  /** @throws as `Transport.send`. */
  send(peer: PeerId, kind: MessageKind, value: unknown): void;
  /** One handler a kind. */
  onRequest(kind: MessageKind, handler: (value: unknown, from: Incoming) => unknown): void;
  onMessage(kind: MessageKind, handler: (value: unknown, from: Incoming) => void): void;
}
