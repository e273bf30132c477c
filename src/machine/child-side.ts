/**
 * What a server does that was started by `node-process.ts`: it says when it listens, and ends when whoever started it is gone.
 *
 * @module
 */

/** Set in the environment of such a server. */
export const CHILD_VARIABLE = 'COFFER_CHILD';
export const CHILD_LISTENS = 'listening';

function isChild(): boolean {
  return process.env[CHILD_VARIABLE] === '1' && process.channel !== undefined;
}

/** To be called once all listeners are open. */
export function tellListening(): void {
  if (isChild() && process.connected) process.send?.(CHILD_LISTENS);
}

/** Calls `end` when whoever started this process is gone. Keeps the process from nothing. */
export function onParentGone(end: () => void): void {
  if (!isChild()) return;
  process.once('disconnect', end);
  process.channel?.unref();
}
