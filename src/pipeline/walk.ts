/**
 * What one attempt at a request has found so far, and what can be told from it alone.
 *
 * @module
 */
import type { Question } from '../auth/policies/acl.ts';
import type { Caller } from '../model/caller.ts';
import type { AnyOperation, Route } from '../model/engine.ts';
import type { JsonMap } from '../model/json.ts';
import type { Request, Verb } from '../model/request.ts';
import type { Decision } from './authority.ts';
import type { Resolved } from './resolve.ts';

/** One attempt's findings. */
export interface Walk {
  readonly request: Request;
  readonly resolved: Resolved;
  /** Of the catalog, when the path was resolved. */
  readonly version: number;
  caller: Caller | undefined;
  /** Path from the caller's namespace to that of the request: before its path where the caller's policies see it. */
  prefix: string;
  question: Question | undefined;
  decision: Decision | undefined;
  operation: AnyOperation | undefined;
  /** Of what a POST names that is create or update, where somebody has asked. */
  exists: boolean | undefined;
  /** The decision on that one of the two. */
  judged: Decision | undefined;
}

/** Nothing is found yet but whom the path leads to. */
export function beginning(request: Request, resolved: Resolved, version: number): Walk {
  return {
    request,
    resolved,
    version,
    caller: undefined,
    prefix: '',
    question: undefined,
    decision: undefined,
    operation: undefined,
    exists: undefined,
    judged: undefined,
  };
}

const EMPTY: JsonMap = new Map();

export function routeOperation({ request, resolved }: Walk): AnyOperation | undefined {
  return operationFor(request.verb, resolved.match?.route);
}

export function operationFor(verb: Verb, route: Route | undefined): AnyOperation | undefined {
  if (!route) return undefined;
  switch (verb) {
    case 'help':
      return undefined;
    case 'header':
      return route.head ? route.read : undefined;
    default:
      return route[verb];
  }
}

export function changesNothing(verb: Verb): boolean {
  return verb === 'read' || verb === 'list' || verb === 'help' || verb === 'header';
}

export function isWrite(verb: Verb): boolean {
  return verb === 'update' || verb === 'patch';
}

/** What the request says: writes say it in the body, and only there. */
export function fieldsOf({ verb, body, query }: Request): JsonMap {
  return isWrite(verb) ? (body ?? EMPTY) : query;
}

/** Is POST here create or update, as the object's own actor finds? */
export function mayCreate(operation: AnyOperation | undefined): boolean {
  return operation?.existence !== undefined;
}
