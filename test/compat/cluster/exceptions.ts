/**
 * What may fail behind three nodes though it passes on one, and why; docs/compatibility.md shows it.
 *
 * @module
 */
import type { Exception } from '../checks.ts';
import type { Target } from '../target.ts';

type Client = 'hvac' | 'go';

/** By client, besides the exceptions of one node. */
export const CLUSTER_EXCEPTIONS: Record<Client, readonly Exception[]> = { hvac: [], go: [] };

/** @param usual - the client's exceptions for one node. */
export function exceptionsFor(
  { name }: Target,
  client: Client,
  usual: readonly Exception[],
): readonly Exception[] {
  if (name === 'bao') return [];
  return name === 'cluster' ? [...usual, ...CLUSTER_EXCEPTIONS[client]] : usual;
}
