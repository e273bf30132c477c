/**
 * By which version of the protocol this node writes what others read: the view's, which all members speak, and while it knows none the lowest
 * of its own (protocol §17).
 *
 * @module
 */
import { FAULT, type Faults } from './faults.ts';
import type { View } from './view.ts';

/** @param speaks - the lowest and the highest that this node reads. */
export function writesBy(
  speaks: readonly [lowest: number, highest: number],
  view: () => Pick<View, 'protocol'> | undefined,
  faults?: Faults,
): () => number {
  if (faults?.has(FAULT.writesByOwnNewest)) return () => speaks[1];
  return () => view()?.protocol ?? speaks[0];
}
