/**
 * What tells clients apart in what Vault counts and shows: tokens of no entity are one client where they have the same policies.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { Caller } from '../../model/caller.ts';

/** Neither stands in a policy's name. */
const AFTER_POLICY = '\x7f';
const BEFORE_NAMESPACE = '\0';

/** As Vault makes it; says nothing of the token. */
export function clientIdOf({ state, namespace }: Pick<Caller, 'state' | 'namespace'>): string {
  const policies = [...state.policies].sort().join(AFTER_POLICY);
  return hash('sha256', policies + BEFORE_NAMESPACE + namespace, 'base64');
}
