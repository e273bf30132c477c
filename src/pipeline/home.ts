/**
 * In which namespace a request is asked. Mostly where header and path say; one about a token, an accessor or a lease of a namespace below is
 * asked there, as in Vault: it is that namespace's business, and takes what policies grant there.
 *
 * @module
 */
import { type Namespace, namespaceIdOf, ROOT_NAMESPACE } from '../model/namespace.ts';
import type { Request } from '../model/request.ts';
import type { Resolved, Resolver } from './resolve.ts';
import { fieldsOf } from './walk.ts';

/** Where a request leads. Never up or sideways: what is named of another namespace than those below leads nowhere else. */
export function resolveRequest(resolver: Resolver, request: Request): Resolved {
  const { path, verb } = request;
  const isList = verb === 'list' || verb === 'help';
  const resolved = resolver.resolve(path.text, isList, request.namespace);
  const home = homeOf(resolver, resolved, request);
  return home ? resolver.resolve(resolved.asked, isList, home.path.slice(0, -1)) : resolved;
}

function homeOf(resolver: Resolver, { namespace, match }: Resolved, request: Request): Namespace | undefined {
  const fields = match?.route.homeOf;
  if (!fields || !namespace) return undefined;
  const sent = fieldsOf(request);
  const named = fields
    .map((field) => match.captures[field] ?? sent.get(field))
    .find((value) => value !== undefined && value !== '');
  if (typeof named !== 'string') return undefined;
  const id = namespaceIdOf(named);
  return id === ROOT_NAMESPACE.id ? undefined : resolver.below(namespace, id);
}
