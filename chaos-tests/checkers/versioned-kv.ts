/**
 * One path of a versioned KV mount as clients see it: values by version, check-and-set, deletes of the latest version, and of all.
 *
 * @module
 */
import type { Model } from './wgl.ts';

export type KvInput =
  | { readonly op: 'put'; readonly value: string; readonly cas: number | undefined }
  /** `version` 0: the latest. */
  | { readonly op: 'get'; readonly version: number }
  | { readonly op: 'delete' }
  | { readonly op: 'forget' };

export type KvOutput =
  /** A put: the version it made. */
  | { readonly kind: 'written'; readonly version: number }
  /** A put: check-and-set found another version. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'value'; readonly version: number; readonly value: string }
  /** A get: that version was deleted. */
  | { readonly kind: 'deleted'; readonly version: number }
  /** A get: there is no such version. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'done' };

interface Version {
  readonly value: string;
  readonly isDeleted: boolean;
}

export interface KvModelState {
  /** Number of the newest; 0: nothing was written since it was last forgotten. */
  readonly current: number;
  /** The newest versions, the last is `current`. */
  readonly versions: readonly Version[];
}

const NOTHING: KvModelState = { current: 0, versions: [] };

/** @param versionsMax - kept; an older one is nothing. */
export function versionedKv(versionsMax: number): Model<KvModelState, KvInput, KvOutput> {
  return {
    initial: NOTHING,
    keyOf: ({ current, versions }) =>
      `${current}:${versions.map(({ value, isDeleted }) => (isDeleted ? `(${value})` : value)).join()}`,
    step(state, input, output) {
      switch (input.op) {
        case 'put':
          return put(state, input.value, input.cas, output, versionsMax);
        case 'get':
          return output === undefined || isSeen(state, input.version, output) ? state : undefined;
        case 'delete':
          if (output !== undefined && output.kind !== 'done') return undefined;
          return deleted(state);
        case 'forget':
          return output !== undefined && output.kind !== 'done' ? undefined : NOTHING;
      }
    },
  };
}

function put(
  state: KvModelState,
  value: string,
  cas: number | undefined,
  output: KvOutput | undefined,
  versionsMax: number,
): KvModelState | undefined {
  const matches = cas === undefined || cas === state.current;
  if (output?.kind === 'mismatch') return matches ? undefined : state;
  if (!matches) return output === undefined ? state : undefined;
  const current = state.current + 1;
  if (output !== undefined && (output.kind !== 'written' || output.version !== current)) return undefined;
  return { current, versions: [...state.versions, { value, isDeleted: false }].slice(-versionsMax) };
}

function isSeen({ current, versions }: KvModelState, asked: number, output: KvOutput): boolean {
  const number = asked === 0 ? current : asked;
  const found = versions[versions.length - 1 - (current - number)];
  if (!found) return output.kind === 'nothing';
  if (found.isDeleted) return output.kind === 'deleted' && output.version === number;
  return output.kind === 'value' && output.version === number && output.value === found.value;
}

function deleted(state: KvModelState): KvModelState {
  const last = state.versions.at(-1);
  if (!last || last.isDeleted) return state;
  return { ...state, versions: [...state.versions.slice(0, -1), { ...last, isDeleted: true }] };
}
