/**
 * What is asked of the policies for a request: the same for one that is walked and for one that is explained.
 *
 * @module
 */
import type { Question } from '../auth/policies/acl.ts';
import type { AnyOperation } from '../model/engine.ts';
import type { JsonMap } from '../model/json.ts';
import { apiPath } from '../model/mount.ts';
import type { Verb } from '../model/request.ts';
import type { Resolved } from './resolve.ts';
import { mayCreate } from './walk.ts';

export interface Asked {
  readonly resolved: Resolved;
  /** Path from the caller's namespace to that of the request. */
  readonly prefix: string;
  readonly verb: Verb;
  readonly operation: AnyOperation | undefined;
  readonly fields: JsonMap;
  readonly wrapTtlSeconds: number | undefined;
}

export function questionOf({ resolved, prefix, verb, operation, fields, wrapTtlSeconds }: Asked): Question {
  const { match, mount, path } = resolved;
  return {
    path: prefix + path,
    lowerCaseBelow: match?.route.lowerCase && mount && prefix + apiPath(mount),
    verb,
    mayCreate: mayCreate(operation),
    sudo: match?.route.sudo === true,
    fields,
    wrapTtlSeconds,
  };
}
