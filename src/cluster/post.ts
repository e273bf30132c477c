/**
 * Messages between nodes by kind and with values, over a transport that knows bytes alone.
 *
 * @module
 */
import { CodedError, ERRORS, type ErrorCode } from '../model/errors.ts';
import type { Incoming, PeerId, RequestOptions, Transport } from '../model/transport.ts';
import { packValue, unpackValue } from '../model/value-codec.ts';
import { Moved } from './moved.ts';

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

/** Errors that a handler threw, as against those of the way to it. */
const answers = new WeakSet<object>();

/** Did the peer's handler throw this? Otherwise nobody knows whether the request reached it, or what it did. */
export function wasAnswered(error: unknown): boolean {
  return typeof error === 'object' && error !== null && answers.has(error);
}

const REPLY = 0;
const REFUSED = 1;
const MOVED = 2;

/** Takes all requests and messages of the transport. */
export function makePost(options: {
  readonly transport: Pick<
    Transport,
    keyof Post['transport'] | 'request' | 'send' | 'onRequest' | 'onMessage'
  >;
}): Post {
  const { transport } = options;
  const requests = new Map<MessageKind, (value: unknown, from: Incoming) => unknown>();
  const messages = new Map<MessageKind, (value: unknown, from: Incoming) => void>();

  transport.onRequest((incoming) => {
    const [kind, value] = takeLetter(incoming.bytes);
    const handler = requests.get(kind);
    if (!handler) throw new CodedError('unsupported');
    try {
      const reply = handler(value, incoming);
      return reply instanceof Promise ? reply.then(answer, refuse) : answer(reply);
    } catch (error) {
      return refuse(error);
    }
  });

  transport.onMessage((incoming) => {
    const [kind, value] = takeLetter(incoming.bytes);
    const handler = messages.get(kind);
    if (!handler) throw new CodedError('unsupported');
    handler(value, incoming);
  });

  return {
    transport,
    async request(peer, kind, value, asking) {
      return open(await transport.request(peer, packValue([kind, value]), asking));
    },
    send: (peer, kind, value) => transport.send(peer, packValue([kind, value])),
    onRequest: (kind, handler) => addTo(requests, kind, handler),
    onMessage: (kind, handler) => addTo(messages, kind, handler),
  };
}

function addTo<T>(handlers: Map<MessageKind, T>, kind: MessageKind, handler: T): void {
  if (handlers.has(kind)) throw new Error(`two handlers for ${kind}`);
  handlers.set(kind, handler);
}

function takeLetter(bytes: Uint8Array): [kind: MessageKind, value: unknown] {
  const letter = unpackValue(bytes);
  if (!Array.isArray(letter) || typeof letter[0] !== 'string') throw new CodedError('unsupported');
  return letter as [string, unknown];
}

function answer(reply: unknown): Uint8Array {
  return packValue([REPLY, reply]);
}

/** @throws what has no code: the transport tells the log, and the sender nothing. */
function refuse(error: unknown): Uint8Array {
  if (error instanceof Moved) return packValue([MOVED, error.epoch]);
  if (!(error instanceof CodedError)) throw error;
  const { code, messages, status, data } = error;
  return packValue([REFUSED, code, messages, status, data]);
}

/** @throws what the handler threw. */
function open(bytes: Uint8Array): unknown {
  const answered = unpackValue(bytes);
  const [how, ...what] = Array.isArray(answered) ? (answered as unknown[]) : [];
  if (how === REPLY) return what[0];
  // Of another release, or damaged: nobody knows what became of the request.
  if (how !== MOVED && how !== REFUSED) throw new CodedError('connection_lost');
  const error = how === MOVED ? new Moved(Number(what[0]) || 0) : openRefusal(what);
  answers.add(error);
  throw error;
}

/** A code of a later release becomes `unsupported`: it was refused, and we do not understand why. */
function openRefusal([code, messages, status, data]: unknown[]): CodedError {
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) return new CodedError('unsupported');
  const texts = Array.isArray(messages) ? messages.filter((text) => typeof text === 'string') : [];
  // A client is answered with it.
  const isStatus = Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599;
  return new CodedError(code as ErrorCode, texts, {
    status: isStatus ? (status as number) : undefined,
    data,
  });
}
