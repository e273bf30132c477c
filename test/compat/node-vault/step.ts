/** @module What a step is, and what steps share. */

import type { Answer } from './client.ts';

/** One step; its name begins with the command it is about. */
export type Step = [name: string, run: () => Promise<void>];

/** Calls a command by its name and checks its answer. */
export type CallNamed = (name: string, args?: object) => Promise<Answer>;

export function pick(from: Answer, ...names: string[]): unknown[] {
  return names.map((name) => from[name]);
}
