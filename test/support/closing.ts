/**
 * Connections that the other side ends.
 *
 * @module
 */
import type { EventEmitter } from 'node:events';

/** Resolves once it is closed, in peace or not: `once(…, 'close')` fails where the kernel tells of a reset before. */
export function closing(what: EventEmitter): Promise<void> {
  what.on('error', () => {});
  return new Promise((resolve) => what.once('close', () => resolve()));
}
