/**
 * A register with compare-and-set, as Jepsen's etcd histories have it.
 *
 * @module
 */
import type { Model } from './wgl.ts';

export type RegisterInput =
  | { readonly op: 'read' }
  | { readonly op: 'write'; readonly value: number }
  | { readonly op: 'cas'; readonly from: number; readonly to: number };

/** `value` of a read, null: nothing there; `done` of a compare-and-set: did it set? */
export interface RegisterOutput {
  readonly value?: number | null;
  readonly done?: boolean;
}

export const register: Model<number | null, RegisterInput, RegisterOutput> = {
  initial: null,
  keyOf: (state) => String(state),
  step(state, input, output) {
    switch (input.op) {
      case 'read':
        return output === undefined || output.value === state ? state : undefined;
      case 'write':
        return input.value;
      case 'cas': {
        const done = state === input.from;
        if (output !== undefined && output.done !== done) return undefined;
        return done ? input.to : state;
      }
    }
  },
};
