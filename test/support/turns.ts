/**
 * Turns of the event loop, for what waits for nothing but its own.
 *
 * @module
 */

/** Far more turns than what is under way takes, where nothing of it waits for time or for a disk. */
export async function settle(turns = 40): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
