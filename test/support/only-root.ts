/**
 * A server without namespaces, for parts that are tested alone.
 *
 * @module
 */
import { ROOT_NAMESPACE } from '../../src/model/namespace.ts';
import type { ResolverParts } from '../../src/pipeline/resolve.ts';

export const ONLY_ROOT: ResolverParts['namespaces'] = {
  byId: (id) => (id === ROOT_NAMESPACE.id ? ROOT_NAMESPACE : undefined),
  at: () => undefined,
  descend: (base) => base,
  lockOf: () => undefined,
};
