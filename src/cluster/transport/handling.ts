/**
 * Requests and messages of one peer, on their way through the handlers: bounded, cancellable, and each request answered once.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import { CodedError } from '../../model/errors.ts';
import { PEER_REQUESTS_BYTES_MAX, PEER_REQUESTS_MAX } from '../../model/limits.ts';
import type { Log } from '../../model/log.ts';
import type { Incoming, PeerId } from '../../model/transport.ts';
import { type Frame, KINDS } from './frame.ts';
import { encodeRefusal } from './refusal.ts';

/** Set by `onRequest` and `onMessage`, for all peers. */
export interface Handlers {
  request?: (request: Incoming) => Uint8Array | Promise<Uint8Array>;
  message?: (message: Incoming) => void | Promise<void>;
}

export interface HandlingOptions {
  readonly peer: PeerId;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Log;
  /** Sends `reply` or `refusal` of that id. */
  readonly answer: (id: number, kind: number, payload: Uint8Array) => void;
}

export interface Handling {
  /** @returns false: a request with that id is being handled already. */
  request(frame: Frame): boolean;
  message(frame: Frame): void;
  /** Nobody waits for that request's reply any more. */
  cancel(id: number): void;
  count(): number;
  /** Fires the signals of all. Their replies go nowhere. */
  end(): void;
}

interface Handled extends Incoming {
  abort(why: unknown): void;
  finish(): void;
}

export function makeHandling({ peer, handlers, clock, log, answer }: HandlingOptions): Handling {
  const requests = new Map<number, Handled>();
  let messages = 0;
  let bytes = 0;
  let hasEnded = false;

  function isFull(): boolean {
    return requests.size + messages >= PEER_REQUESTS_MAX || bytes >= PEER_REQUESTS_BYTES_MAX;
  }

  function refuse(id: number, error: unknown): void {
    if (!(error instanceof CodedError))
      log.error('a message from a peer could not be handled', { peer, error });
    answer(id, KINDS.refusal, encodeRefusal(error));
  }

  return {
    request(frame) {
      const { id, payload } = frame;
      if (requests.has(id)) return false;
      if (isFull()) {
        refuse(id, new CodedError('overloaded'));
        return true;
      }
      if (!handlers.request) {
        refuse(id, new CodedError('unsupported'));
        return true;
      }
      const handled = makeHandled(peer, frame, clock);
      requests.set(id, handled);
      bytes += payload.length;
      const settle = (): boolean => {
        handled.finish();
        if (requests.get(id) !== handled) return false;
        requests.delete(id);
        bytes -= payload.length;
        return !hasEnded;
      };
      const done = (reply: Uint8Array): void => {
        if (settle()) answer(id, KINDS.reply, reply);
      };
      const failed = (error: unknown): void => {
        if (settle()) refuse(id, error);
      };
      try {
        const reply = handlers.request(handled);
        // What is answered at once leaves with the others of this turn, without a promise each.
        if (reply instanceof Uint8Array) done(reply);
        else reply.then(done, failed);
      } catch (error) {
        failed(error);
      }
      return true;
    },
    message(frame) {
      const { id, payload } = frame;
      if (isFull()) return refuse(id, new CodedError('overloaded'));
      if (!handlers.message) return refuse(id, new CodedError('unsupported'));
      const handled = makeHandled(peer, frame, clock);
      const failed = (error: unknown): void => {
        if (!hasEnded) refuse(id, error);
      };
      try {
        const running = handlers.message(handled);
        if (running === undefined) return;
        messages++;
        bytes += payload.length;
        running.catch(failed).finally(() => {
          messages--;
          bytes -= payload.length;
        });
      } catch (error) {
        failed(error);
      }
    },
    cancel(id) {
      requests.get(id)?.abort(new CodedError('deadline', 'nobody waits for the reply any more'));
    },
    count: () => requests.size + messages,
    end() {
      hasEnded = true;
      for (const handled of [...requests.values()]) handled.abort(new CodedError('connection_lost'));
    },
  };
}

/** Most handlers never look at the signal: it is made, with its timer, when one does. */
function makeHandled(peer: PeerId, frame: Frame, clock: Clock): Handled {
  let controller: AbortController | undefined;
  let timer: { clear(): void } | undefined;
  let ended: { why: unknown } | undefined;
  return {
    peer,
    protocol: frame.protocol,
    bytes: frame.payload,
    timeoutMs: frame.timeoutMs,
    get signal() {
      if (!controller) {
        const made = new AbortController();
        controller = made;
        if (ended) made.abort(ended.why);
        else if (frame.timeoutMs > 0) {
          timer = clock.after(() => made.abort(new CodedError('deadline')), frame.timeoutMs);
        }
      }
      return controller.signal;
    },
    abort(why) {
      ended ??= { why };
      timer?.clear();
      controller?.abort(why);
    },
    finish() {
      timer?.clear();
    },
  };
}
