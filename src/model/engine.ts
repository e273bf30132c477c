/**
 * Engines as tables: a route says which operation answers which verb; an operation says whose it is, what it takes, what it does.
 * Routing, OpenAPI, help and the compatibility list all come from these tables.
 *
 * @module
 */
import type {
  ActorContext,
  ActorKind,
  ActorOperation,
  AnyActorOperation,
  Claims,
  Cluster,
  Outcome,
} from './actor.ts';
import type { Caller } from './caller.ts';
import { denied } from './errors.ts';
import type { JsonMap } from './json.ts';
import type { Mount, SettingsOfMount } from './mount.ts';
import type { Namespace } from './namespace.ts';
import type { Decoded, Params } from './params.ts';
import type { LogicalReply, Request } from './request.ts';

/** What the request was, for operations that need more than their params. */
export interface RouteContext {
  readonly request: Request;
  /** In which it was asked. */
  readonly namespace: Namespace;
  /** API path within the namespace, as it was asked for. */
  readonly path: string;
  readonly mount: Mount;
  /** Undefined on open routes that were called without a token. */
  readonly caller: Caller | undefined;
  /** What `:name`, `:path*` and `:path+` stood for. */
  readonly captures: Readonly<Record<string, string>>;
  /** Whole body, or the query where the verb has no body. */
  readonly sent: JsonMap;
  readonly cluster: Cluster;
  /** To send with: the authority this request was given, checked again wherever it starts. */
  readonly claims: Claims;
  /** Of `mount`; they are at hand as `mount.settings`. */
  readonly settings: SettingsOfMount;
  /** Is the authority of this request still good? For what goes on after its reply began. @throws CodedError where nobody can tell. */
  stillGood(): Promise<boolean>;
  /** Do the caller's policies grant `sudo` on this path? */
  isSudo(): boolean;
  now(): number;
  randomBytes(bytes: number): Buffer;
}

interface OperationBase<P extends Params> {
  /** One sentence, for help and OpenAPI. */
  readonly summary: string;
  readonly params: P;
  /** All of the body is the value: unknown fields are no mistake, and nothing is decoded by name. */
  readonly wholeBody?: boolean;
  /** POST is `create` or `update`: the actor it is sent to decides which, under the claims. Without it POST is `update`. */
  readonly existence?: Existence;
}

/** How it is found out whether the object is there that a POST names. */
export interface Existence<S = unknown> {
  /** Asks the actor. */
  readonly op: ActorOperation<S, undefined, boolean>;
  /** As of a `RoutedOperation`. */
  actorName(captures: Readonly<Record<string, string>>, caller: Caller | undefined): string;
  isThere(state: S): boolean;
}

/** Runs where the request entered, outside any actor: lists, what concerns the node, what sends several messages. */
export interface PlainOperation<P extends Params = Params> extends OperationBase<P> {
  readonly where: 'here';
  run(params: Decoded<P>, ctx: RouteContext): LogicalReply | Promise<LogicalReply>;
}

/** Runs in the mailbox, or on the snapshot, of the actor that the route names. */
export interface RoutedOperation<S = unknown, P extends Params = Params> extends OperationBase<P> {
  readonly where: 'actor';
  readonly op: ActorOperation<S, { params: Decoded<P>; sent: JsonMap }, LogicalReply>;
  /** Its name within the mount; the route's only capture unless given. */
  actorName(captures: Readonly<Record<string, string>>, caller: Caller | undefined): string;
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds operations of many kinds; each is typed where it is declared
export type AnyOperation = PlainOperation<any> | RoutedOperation<any, any>;

export interface Route {
  readonly read?: AnyOperation;
  readonly list?: AnyOperation;
  readonly update?: AnyOperation;
  readonly delete?: AnyOperation;
  readonly patch?: AnyOperation;
  /** Served without a token; a token that is sent is still looked at where `'token welcome'`. */
  readonly open?: true | 'token welcome';
  /** A DELETE may end in a slash: its operation says what that means, mostly a place. Elsewhere it is refused, as the name of nothing. */
  readonly deletesWithSlash?: true;
  /** Clients say something in the body of a DELETE, too. Elsewhere it is not read. */
  readonly deleteBody?: true;
  /** Needs `sudo` besides the verb's capability. */
  readonly sudo?: true;
  /** Answered by a sealed or uninitialised node too, without asking who asks. */
  readonly whileSealed?: true;
  /** Of the system engine: served in every namespace, for that namespace. Without it only in the root namespace. */
  readonly inNamespaces?: true;
  /** HEAD is answered as GET, without the body; elsewhere it is 405. */
  readonly head?: true;
  /**
   * The first of these captures and fields that is given names a token, an accessor or a lease. Where that is of a namespace below, the
   * request is asked there.
   */
  readonly homeOf?: readonly string[];
  /** Captures that are lower-cased before policy, actor id and audit see them. */
  readonly lowerCase?: readonly string[];
}

/** A route without any operation only says that no token is needed to hear that nothing is there. */
export function isServed({ read, list, update, delete: remove, patch }: Route): boolean {
  return (read ?? list ?? update ?? remove ?? patch) !== undefined;
}

export interface Engine {
  readonly type: string;
  readonly description: string;
  /** In the order in which they are tried; `:name` is one name, `:path*` the rest (may be empty), `:path+` a rest that is not. */
  readonly routes: Readonly<Record<string, Route>>;
  /** What its operations send to actors, besides what a route names. Each must stand here: another node looks it up by its id. */
  readonly sends: readonly AnyActorOperation[];
}

export function engine(
  type: string,
  description: string,
  routes: Record<string, Route>,
  sends: readonly AnyActorOperation[] = [],
): Engine {
  return { type, description, routes, sends };
}

/** All that may be sent to actors on behalf of this engine. */
export function actorOperationsOf({ routes, sends }: Engine): AnyActorOperation[] {
  const found = new Set(sends);
  for (const { read, list, update, delete: remove, patch } of Object.values(routes)) {
    for (const operation of [read, list, update, remove, patch]) {
      if (operation?.where === 'actor') found.add(operation.op);
      if (operation?.existence) found.add(operation.existence.op);
    }
  }
  return [...found];
}

/** An operation that runs where the request entered. */
export function operation<P extends Params>(declared: Omit<PlainOperation<P>, 'where'>): PlainOperation<P> {
  return { where: 'here', ...declared };
}

interface Declared<S, P extends Params> extends OperationBase<P> {
  readonly actor: ActorKind<S>;
  readonly id: string;
  actorName?(captures: Readonly<Record<string, string>>, caller: Caller | undefined): string;
}

type Sent<P extends Params> = { params: Decoded<P>; sent: JsonMap };

/** Reads an actor's snapshot; changes nothing. */
export function reading<S, P extends Params>(
  declared: Declared<S, P> & {
    run(state: S, params: Decoded<P>, ctx: ActorContext, sent: JsonMap): LogicalReply | Promise<LogicalReply>;
  },
): RoutedOperation<S, P> {
  const { run } = declared;
  return routed(declared, {
    id: declared.id,
    actor: declared.actor,
    mode: 'read',
    run: (state, message, ctx) => {
      const reply = run(state, message.params, ctx, message.sent);
      return reply instanceof Promise ? reply.then((value) => ({ reply: value })) : { reply };
    },
  });
}

/** Changes an actor's state, in its mailbox. Where `exists` is given, the claims must allow that one of create and update. */
export function changing<S, P extends Params>(
  declared: Declared<S, P> & {
    exists?(state: S): boolean;
    run(
      state: S,
      params: Decoded<P>,
      ctx: ActorContext,
      sent: JsonMap,
    ): Outcome<S, LogicalReply> | Promise<Outcome<S, LogicalReply>>;
  },
): RoutedOperation<S, P> {
  const { run, exists } = declared;
  const made = routed<S, P>(declared, {
    id: declared.id,
    actor: declared.actor,
    mode: 'change',
    run: (state, message, ctx) => {
      if (exists && !(exists(state) ? ctx.claims.mayUpdate : ctx.claims.mayCreate)) throw denied();
      return run(state, message.params, ctx, message.sent);
    },
  });
  return exists ? { ...made, existence: existence(declared, exists) } : made;
}

/** @param id - names the question whether it exists: one that no other operation has. */
export function existence<S>(
  { id, actor, actorName = firstCapture }: Pick<Declared<S, Params>, 'id' | 'actor' | 'actorName'>,
  isThere: (state: S) => boolean = (state) => state !== undefined,
): Existence {
  const op: ActorOperation<S, undefined, boolean> = {
    id: `${id}/exists`,
    actor,
    mode: 'read',
    run: (state) => ({ reply: isThere(state) }),
  };
  return { op, actorName, isThere } as Existence<S> as Existence;
}

function firstCapture(captures: Readonly<Record<string, string>>): string {
  return Object.values(captures)[0] ?? '';
}

function routed<S, P extends Params>(
  declared: Declared<S, P>,
  op: ActorOperation<S, Sent<P>, LogicalReply>,
): RoutedOperation<S, P> {
  const { summary, params, wholeBody, actorName = firstCapture } = declared;
  return { where: 'actor', summary, params, wholeBody, op, actorName };
}
