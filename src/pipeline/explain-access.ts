/**
 * How a request would be decided, without making it.
 *
 * @module
 */
import type { Acl } from '../auth/policies/acl.ts';
import type { Caller } from '../model/caller.ts';
import type { AccessAsked, AccessExplained } from '../model/explanation.ts';
import type { JsonMap } from '../model/json.ts';
import type { Namespace } from '../model/namespace.ts';
import type { Authority } from './authority.ts';
import { questionOf } from './question.ts';
import type { Resolver } from './resolve.ts';
import { operationFor } from './walk.ts';

/**
 * Asks as the pipeline would. Who has no rule for the path, or is denied it, is not told by the answer whether anything is mounted there: the
 * path stays as it was spelled, and a POST may always create.
 * @param from - the namespace in which it is asked. @param of - whose policies they are
 */
export function explainSeenFrom(
  from: Namespace,
  of: string,
  acl: Acl,
  resolver: Resolver,
  { path, verb, fields, wrapTtlSeconds }: AccessAsked,
): AccessExplained {
  const resolved = resolver.resolve(path, verb === 'list', from.path.slice(0, -1));
  const { namespace, match, mount, asked } = resolved;
  const operation = operationFor(verb, match?.route);
  const isOpen = match?.route.open !== undefined;
  const found = { namespace: namespace?.path, isOpen, isServed: operation !== undefined };
  const prefix = namespace && resolver.prefixFrom(of, namespace);
  if (prefix === undefined) return { ...found, path: asked, explanation: undefined };
  const question = questionOf({ resolved, prefix, verb, operation, fields, wrapTtlSeconds });
  const explanation = acl.explain(question);
  const mayKnow = mount?.type === 'system' || !['no rule', 'denied'].includes(explanation.reason);
  if (mayKnow || isOpen) return { ...found, path: question.path, explanation };
  const blind = acl.explain({
    ...question,
    path: prefix + asked,
    lowerCaseBelow: undefined,
    mayCreate: verb === 'update',
    sudo: false,
  });
  const { wanted, wantsSudo } = blind;
  const told = explanation.reason === 'denied' ? { ...explanation, wanted, wantsSudo } : blind;
  return { ...found, path: prefix + asked, explanation: told };
}

/** Would a request without fields be let pass? As the pipeline decides it, for what one request looks at on the way. */
export function mayAsk(
  caller: Caller,
  from: Namespace,
  authority: Authority,
  resolver: Resolver,
): (verb: 'read' | 'list', path: string) => boolean {
  const header = from.path.slice(0, -1);
  return (verb, path) => {
    const resolved = resolver.resolve(path, verb === 'list', header);
    const { namespace, lockedBy, match } = resolved;
    if (!namespace || lockedBy) return false;
    const prefix = resolver.prefixFrom(caller.namespace, namespace);
    if (prefix === undefined) return false;
    const operation = operationFor(verb, match?.route);
    const question = questionOf({
      resolved,
      prefix,
      verb,
      operation,
      fields: NO_FIELDS,
      wrapTtlSeconds: undefined,
    });
    return authority.decide(caller, question).allowed;
  };
}

const NO_FIELDS: JsonMap = new Map();
