/**
 * From a request's head and body to `RequestHandler.handle`, and from its reply to the wire. All that a client may get wrong in HTTP
 * itself is refused here, before anything looks at the token.
 *
 * @module
 */
import type { ServerResponse } from 'node:http';
import { badRequest, CodedError } from '../model/errors.ts';
import type { JsonLimits } from '../model/json-parser.ts';
import { BODY_BYTES_FREE, HEAD_BYTES_MAX, OPEN_BODY_BYTES_MAX, REPLY_BYTES_FREE } from '../model/limits.ts';
import type { Log } from '../model/log.ts';
import type { Reply, Request, RequestHandler } from '../model/request.ts';
import {
  type AnyRequest,
  type BodyBudget,
  ClientGone,
  checkPatchType,
  counted,
  declaredLength,
  hasBody,
  parseBody,
  readBody,
  tooLarge,
} from './body.ts';
import type { ForwardedAddress } from './client-address.ts';
import type { Cors } from './cors.ts';
import { type Encoded, encodeReply, replyToError } from './envelope.ts';
import { type InFlight, type InFlightRow, makeInFlight } from './in-flight.ts';
import { type AnyResponse, type Asked, IncomingRequest, isCut } from './incoming-request.ts';
import { sentVerb } from './list-verb.ts';
import type { ListenerAccess } from './listener-access.ts';
import { apiPath, decodePath, pathFor, splitTarget } from './path.ts';
import { parseQuery, verbOf } from './query.ts';
import { rootReply } from './roots.ts';
import { cutOff, type Sender } from './send.ts';
import { awaitTurn, mustWait } from './turns.ts';

export interface FrontDoorOptions {
  readonly handler: RequestHandler;
  readonly log: Log;
  readonly sender: Sender;
  readonly bodyBytesMax: number;
  readonly json: JsonLimits;
  readonly budget: BodyBudget;
  /** Bytes of large replies that clients have not read yet. */
  readonly replies: BodyBudget;
  /** How long a request may take once it is whole; 0 for ever. */
  readonly durationMs: number;
  /** How long an HTTP/2 body may take; HTTP/1's time is watched by Node. */
  readonly bodyMs: number;
  /** How long a client may take to read a large reply; 0 for ever. */
  readonly replyMs: number;
  /** Undefined: a request comes from its peer. */
  readonly forwardedAddress: ForwardedAddress | undefined;
  /** Undefined: this listener is as every other. */
  readonly access: ListenerAccess | undefined;
  /** Is a web interface asked for? */
  readonly ui: boolean;
  readonly cors: Cors;
  /** Header and value of pages of the web interface. */
  uiHeaders?(): readonly string[];
  /** Told of each request to the API at its end, for the log. */
  completed?(request: Request, status: number): void;
  /** Wall clock, ms. */
  now(): number;
}

export interface FrontDoor {
  /** @param continues - the client waits for `100 Continue` before it sends its body. */
  serve(request: AnyRequest, response: AnyResponse, continues: boolean): void;
  inFlight(): Map<string, InFlightRow>;
  stop(): void;
}

export function makeFrontDoor(options: FrontDoorOptions): FrontDoor {
  const { handler, log, sender } = options;
  const inFlight: InFlight = makeInFlight(options.durationMs, (request) => {
    log.warn('http: a request was answered without its handler, which did not end in time', {
      id: request.id,
    });
    answer(request, replyToError(new CodedError('deadline')));
  });

  function serve(incoming: AnyRequest, response: AnyResponse, continues: boolean): void {
    // Asked for once for each request, in the order in which they came.
    const method = sentVerb(incoming.method ?? '', incoming.socket);
    if (!mustWait(response)) begin(method, incoming, response, continues);
    else awaitTurn(incoming, response, () => begin(method, incoming, response, continues));
  }

  function begin(method: string, incoming: AnyRequest, response: AnyResponse, continues: boolean): void {
    if (isCoded(incoming.headers['transfer-encoding'])) {
      refuse(incoming, response, unknownCoding(), true);
      return;
    }
    try {
      if ('stream' in incoming) refuseLongHead(incoming.rawHeaders);
      const target = splitTarget(incoming.url ?? '');
      const decoded = decodePath(target.path);
      const path = apiPath(decoded);
      const address = options.forwardedAddress?.(incoming);
      const instead = options.access?.refusal(path?.text);
      const crossed = options.cors.instead(method, incoming.headers);
      if (path === undefined || instead !== undefined || crossed !== undefined) {
        sender.send(incoming, response, instead ?? crossed ?? root(method, decoded));
        return;
      }
      const query = parseQuery(target.query);
      const verb = verbOf(method, query);
      const asked: Asked = { method, verb, path: pathFor(verb, path), query: query.data };
      const request = new IncomingRequest(incoming, response, asked, options.now());
      if (address !== undefined) request.remoteAddress = address;
      if (verb === 'read' && options.access?.isOpen(path.text)) request.openHere = true;
      if (verb === 'patch') checkPatchType(incoming.headers['content-type']);
      if (!takesBody(request) || !hasBody(incoming)) run(request);
      else unlessRefused(request, () => withBody(request, continues));
    } catch (error) {
      refuse(incoming, response, error, false);
    }
  }

  /** Who asked too often is answered at once, whatever follows. */
  function unlessRefused(request: IncomingRequest, goOn: () => void): void {
    const refused = handler.refusal?.(request);
    if (refused === undefined) {
      goOn();
      return;
    }
    refused.then(
      (reply) => {
        if (isCut(request.response)) return;
        if (reply === undefined) goOn();
        else answer(request, reply, declaredLength(request.incoming) > BODY_BYTES_FREE);
      },
      (error: unknown) => refuse(request.incoming, request.response, error, true, request),
    );
  }

  function takesBody({ verb, path, namespace }: IncomingRequest): boolean {
    if (verb === 'delete') return handler.readsDeleteBody?.(path.text, namespace) === true;
    return verb === 'update' || verb === 'patch';
  }

  function root(method: string, path: string): Encoded {
    const { uiHeaders, ui } = options;
    return rootReply(method, path, ui, uiHeaders?.());
  }

  function withBody(request: IncomingRequest, continues: boolean): void {
    const { incoming, response } = request;
    const failed = (error: unknown, unread: boolean) => {
      giveBack(request);
      refuse(incoming, response, error, unread, request);
    };
    try {
      const bytesMax = bodyBytesMax(request);
      if (declaredLength(incoming) > bytesMax) throw tooLarge();
      if (continues) (response as ServerResponse).writeContinue();
      const timeMs = 'stream' in incoming ? options.bodyMs : 0;
      readBody(incoming, bytesMax, options.budget, timeMs, {
        failed: (error) => failed(error, true),
        whole(bytes, held) {
          request.bodyHeld = held;
          request.bodyBytes = bytes.length;
          try {
            holdParsed(request, bytes);
          } catch (error) {
            failed(error, false);
            return;
          }
          run(request);
        },
      });
    } catch (error) {
      failed(error, true);
    }
  }

  /** A body takes of the budget what it is in memory, where that is more than it was on the wire. */
  function holdParsed(request: IncomingRequest, bytes: Buffer): void {
    const { budget, json } = options;
    const room = budget.left + request.bodyHeld + BODY_BYTES_FREE;
    const { data, memory } = parseBody(bytes, request.incoming.headers['content-type'], json, room);
    const more = Math.max(0, counted(memory) - request.bodyHeld);
    budget.left -= more;
    request.bodyHeld += more;
    request.body = data;
  }

  function bodyBytesMax({ incoming, path, namespace }: IncomingRequest): number {
    const declared = declaredLength(incoming);
    // Most bodies are short enough for any path, and say so: then nothing has to be looked up.
    const short = declared > 0 && declared <= OPEN_BODY_BYTES_MAX;
    if (short || !handler.isOpen(path.text, namespace)) return options.bodyBytesMax;
    return Math.min(OPEN_BODY_BYTES_MAX, options.bodyBytesMax);
  }

  function run(request: IncomingRequest): void {
    inFlight.add(request);
    handler.handle(request).then(
      (reply) => settle(request, reply),
      (error: unknown) => {
        log.error('http: the handler failed', { id: request.id, error });
        settle(request, replyToError(error));
      },
    );
  }

  function settle(request: IncomingRequest, reply: Reply): void {
    inFlight.remove(request);
    giveBack(request);
    answer(request, reply);
  }

  function giveBack(request: IncomingRequest): void {
    options.budget.left += request.bodyHeld;
    request.bodyHeld = 0;
  }

  function answer(request: IncomingRequest, reply: Reply, unread = false): void {
    if (request.answered) return;
    request.answered = true;
    const { incoming, response } = request;
    const namespace = incoming.headers['x-vault-namespace'];
    const delivery = typeof namespace === 'string' ? { namespace, unread } : { unread };
    try {
      const encoded = encodeReply(reply);
      // Health codes are the client's to choose (`?standbycode=`): those that are no final status would break the message.
      if (!(encoded.status >= 200 && encoded.status <= 999)) throw badRequest('no such status');
      holdReply(response, encoded.body?.length ?? 0);
      sender.send(incoming, response, encoded, delivery);
      options.completed?.(request, encoded.status);
    } catch (error) {
      refuse(incoming, response, error, false, request);
    }
  }

  /**
   * A large reply takes of the budget, as text and as bytes, until the client has read it. Who reads a little now and then, so that
   * the connection never idles, is cut off all the same.
   * @throws CodedError `overloaded` where clients read so little that there is no room for another.
   */
  function holdReply(response: AnyResponse, length: number): void {
    if (length <= REPLY_BYTES_FREE) return;
    const { replies } = options;
    const hold = 2 * length;
    if (hold > replies.left) throw new CodedError('overloaded');
    replies.left -= hold;
    const late = options.replyMs > 0 ? setTimeout(() => cutOff(response), options.replyMs) : undefined;
    response.once('close', () => {
      clearTimeout(late);
      replies.left += hold;
    });
  }

  function refuse(
    incoming: AnyRequest,
    response: AnyResponse,
    error: unknown,
    unread: boolean,
    request?: IncomingRequest,
  ): void {
    if (error instanceof ClientGone) return;
    if (!(error instanceof CodedError)) log.error('http: a request could not be served', { error });
    try {
      const encoded = encodeReply(replyToError(error));
      sender.send(incoming, response, encoded, { unread });
      if (request !== undefined) options.completed?.(request, encoded.status);
    } catch (cause) {
      // Headers or stream are in a state that takes no reply any more; the connection says so.
      log.error('http: a reply could not be sent', { error: cause });
      response.destroy();
    }
  }

  return { serve, inFlight: () => inFlight.rows(), stop: () => inFlight.stop() };
}

/**
 * Node takes the chunks away and leaves what they were made of: a body would be read as what it is not. What ends with another coding than
 * chunks it refuses by itself.
 */
function isCoded(transfer: string | undefined): boolean {
  return transfer !== undefined && /,\s*chunked\s*$/i.test(transfer);
}

/** RFC 9112 §6.1, and Go: nothing that follows on that connection is read. */
function unknownCoding(): CodedError {
  return new CodedError('bad_request', 'unsupported transfer encoding', { status: 501 });
}

/** Node bounds how long a head of HTTP/1 is; of HTTP/2, only how many headers it has and how long each may be. */
function refuseLongHead(namesAndValues: readonly string[]): void {
  let length = 0;
  for (const text of namesAndValues) length += text.length;
  if (length > HEAD_BYTES_MAX) throw new CodedError('bad_request', [], { status: 431 });
}
