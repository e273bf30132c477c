/**
 * What all policies of a token say together about one path.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import type { Verb } from '../../model/request.ts';
import { BIT, type CapabilitySet, capabilitiesIn } from './capabilities.ts';
import { mergeParameters, type ParameterRules, parametersPass } from './parameters.ts';
import type { PathRule } from './parse.ts';

/** What is asked of an ACL: may this be done? */
export interface Question {
  /** Canonical, after `/v1/`; of a list with a slash at its end. */
  readonly path: string;
  readonly verb: Verb;
  /** `update` may turn out to be a create: both are asked for, and either is enough. */
  readonly mayCreate: boolean;
  /** The path is one of those that need `sudo` besides. */
  readonly sudo: boolean;
  /** Of the body; of the query where there is none. */
  readonly fields: JsonMap;
  /**
   * API path of the mount (ending in `/`) where the route lower-cases the names in its path, so that `path` is lower-case below it.
   * Policies are then read the same way.
   */
  readonly lowerCaseBelow?: string;
  /** TTL of the wrapping asked for; undefined: none is. */
  readonly wrapTtlSeconds?: number;
}

/** Shared and never changed: the same question about the same rule gets the same object. */
export interface Verdict {
  readonly allowed: boolean;
  /** Of an `update` that is allowed: may it create, may it change what is there? */
  readonly mayCreate: boolean;
  readonly mayUpdate: boolean;
  /** Names of the policies that grant it, in the token's order. Empty where it is not allowed. */
  readonly granting: readonly string[];
  /** Where it may create and may update: what is allowed of either, and by whom. */
  readonly either?: { readonly create: Verdict; readonly update: Verdict };
}

/** The same where it is known whether what a POST names exists. */
export function verdictOn(verdict: Verdict, exists: boolean): Verdict {
  if (verdict.either) return exists ? verdict.either.update : verdict.either.create;
  const { allowed, mayCreate, mayUpdate } = verdict;
  return !allowed || (exists ? mayUpdate : mayCreate) ? verdict : DENIED;
}

export const DENIED: Verdict = Object.freeze({
  allowed: false,
  mayCreate: false,
  mayUpdate: false,
  granting: [],
});

/** Verbs and the capabilities they may be done with: any one of them is enough. */
export function wantedBy(verb: Verb, mayCreate: boolean): CapabilitySet {
  switch (verb) {
    case 'read':
    case 'header':
      return BIT.read;
    case 'list':
      return BIT.list;
    case 'update':
      return mayCreate ? BIT.update | BIT.create : BIT.update;
    case 'delete':
      return BIT.delete;
    case 'patch':
      return BIT.patch;
    case 'help':
      return 0;
  }
}

/** Fields matter to what reads or writes by them; a list and a delete pass whatever they are sent with. */
const MINDS_PARAMETERS: CapabilitySet = BIT.read | BIT.create | BIT.update | BIT.patch;

export class Rule {
  #capabilities: CapabilitySet;
  #parameters: ParameterRules;
  #minWrappingTtl: number;
  #maxWrappingTtl: number;
  /** By bit: who grants it. */
  readonly #granting = new Map<number, string[]>();
  readonly #verdicts: Verdict[] = [];
  /** Has to look at more than the path. */
  #conditional = false;

  /** @param policy - Name of the policy that has this rule. */
  constructor(rule: PathRule, policy: string) {
    this.#capabilities = rule.capabilities;
    this.#parameters = rule.parameters;
    this.#minWrappingTtl = rule.minWrappingTtl;
    this.#maxWrappingTtl = rule.maxWrappingTtl;
    this.#note(rule, policy);
  }

  get capabilities(): CapabilitySet {
    return this.#capabilities;
  }

  get parameters(): ParameterRules {
    return this.#parameters;
  }

  get minWrappingTtl(): number {
    return this.#minWrappingTtl;
  }

  get maxWrappingTtl(): number {
    return this.#maxWrappingTtl;
  }

  get isDeny(): boolean {
    return (this.#capabilities & BIT.deny) !== 0;
  }

  /** Adds what another block says of the same path. `deny` wins, whichever came first. Only before the first question. */
  merge(rule: PathRule, policy: string): void {
    if (this.isDeny) return;
    if ((rule.capabilities & BIT.deny) !== 0) {
      this.#capabilities = BIT.deny;
      this.#parameters = { allowed: undefined, denied: undefined, required: [] };
      this.#conditional = false;
      return;
    }
    this.#capabilities |= rule.capabilities;
    this.#parameters = mergeParameters(this.#parameters, rule.parameters);
    this.#minWrappingTtl = smallerOf(this.#minWrappingTtl, rule.minWrappingTtl);
    this.#maxWrappingTtl = smallerOf(this.#maxWrappingTtl, rule.maxWrappingTtl);
    this.#note(rule, policy);
  }

  #note(rule: PathRule, policy: string): void {
    for (const capability of capabilitiesIn(rule.capabilities)) {
      const names = this.#granting.get(BIT[capability]) ?? [];
      if (!names.includes(policy)) names.push(policy);
      this.#granting.set(BIT[capability], names);
    }
    const { allowed, denied, required } = this.#parameters;
    const parameters = allowed !== undefined || denied !== undefined || required.length > 0;
    this.#conditional = parameters || this.#minWrappingTtl > 0 || this.#maxWrappingTtl > 0;
  }

  judge(question: Question): Verdict {
    const { verb, mayCreate, sudo } = question;
    const wanted = wantedBy(verb, mayCreate);
    const index = sudo ? wanted * 2 + 1 : wanted * 2;
    const verdict = this.#verdicts[index] ?? this.#firstVerdict(index, wanted, sudo);
    if (!this.#conditional || !verdict.allowed) return verdict;
    return this.#conditionsHold(wanted, question.fields, question.wrapTtlSeconds) ? verdict : DENIED;
  }

  #firstVerdict(index: number, wanted: CapabilitySet, sudo: boolean): Verdict {
    const granted = this.#capabilities & wanted;
    const allowed = granted !== 0 && (!sudo || (this.#capabilities & BIT.sudo) !== 0);
    const verdict = allowed ? this.#verdictOn(granted) : DENIED;
    this.#verdicts[index] = verdict;
    return verdict;
  }

  #verdictOn(granted: CapabilitySet): Verdict {
    const granting = capabilitiesIn(granted).flatMap(
      (capability) => this.#granting.get(BIT[capability]) ?? [],
    );
    const isEither = granted === (BIT.create | BIT.update);
    return Object.freeze({
      allowed: true,
      mayCreate: (granted & BIT.create) !== 0,
      mayUpdate: (granted & BIT.update) !== 0,
      granting: Object.freeze([...new Set(granting)]),
      ...(isEither && {
        either: { create: this.#verdictOn(BIT.create), update: this.#verdictOn(BIT.update) },
      }),
    });
  }

  #conditionsHold(wanted: CapabilitySet, fields: JsonMap, wrapTtlSeconds: number | undefined): boolean {
    const [min, max] = [this.#minWrappingTtl, this.#maxWrappingTtl];
    if (max > 0 && (wrapTtlSeconds === undefined || wrapTtlSeconds > max)) return false;
    // Where policies were merged the least may be above the most: then nothing fits, as it should.
    if (min > 0 && (wrapTtlSeconds === undefined || wrapTtlSeconds < min)) return false;
    return (wanted & MINDS_PARAMETERS) === 0 || parametersPass(this.#parameters, fields);
  }
}

/** 0 is no rule. */
function smallerOf(a: number, b: number): number {
  return a > 0 && b > 0 ? Math.min(a, b) : Math.max(a, b);
}
