/**
 * How a request would be decided by the policies of a token, and by what.
 *
 * @module
 */

import type { JsonMap } from './json.ts';
import type { Verb } from './request.ts';

export type Reason =
  | 'root'
  | 'granted'
  | 'no rule'
  | 'denied'
  | 'capability missing'
  | 'sudo missing'
  | 'parameters'
  | 'wrapping';

/** What policies say together of one path. */
export interface RuleShown {
  /** As a policy has it, wildcards and all, values filled in. */
  readonly path: string;
  readonly capabilities: readonly string[];
  /** Of each block: its policy, its path as it is written there, and what it grants. */
  readonly blocks: readonly {
    readonly policy: string;
    readonly path: string;
    readonly capabilities: readonly string[];
  }[];
}

/** A field of a request that a rule does not let pass. */
export interface FieldFault {
  readonly name: string;
  readonly reason: 'required' | 'denied' | 'not allowed' | 'value denied' | 'value not allowed';
}

export interface Explanation {
  readonly allowed: boolean;
  readonly reason: Reason;
  /** Any one of these is enough; none for root. */
  readonly wanted: readonly string[];
  /** Besides one of them. */
  readonly wantsSudo: boolean;
  /** Names of the policies that grant it. */
  readonly granting: readonly string[];
  /** The one that decides. */
  readonly rule: RuleShown | undefined;
  /** Others that match the path, but come after the one that decides. The first so many. */
  readonly passedOver: readonly RuleShown[];
  readonly faults: readonly FieldFault[];
  /** Seconds, of the rule; 0: none. */
  readonly wrapping: { readonly min: number; readonly max: number };
  /** Rules that might have been for this path, but hold for nobody now: their templates could not be filled in. */
  readonly dropped: readonly { readonly policy: string; readonly path: string; readonly reason: string }[];
  /** A rule for exactly this path that would let it pass; undefined where none would. */
  readonly needed: { readonly path: string; readonly capabilities: readonly string[] } | undefined;
}

export interface AccessAsked {
  /** After `/v1/`; of a list with a slash at its end. */
  readonly path: string;
  readonly verb: Verb;
  readonly fields: JsonMap;
  readonly wrapTtlSeconds: number | undefined;
}

export interface AccessExplained {
  /** Of the request, from the root namespace; undefined: there is none of that name. */
  readonly namespace: string | undefined;
  /** As the token's policies see it. */
  readonly path: string;
  /** No token is needed. */
  readonly isOpen: boolean;
  /** Undefined: policies of the token's namespace say nothing of that one. */
  readonly explanation: Explanation | undefined;
  /** Something answers this verb there. */
  readonly isServed: boolean;
}
