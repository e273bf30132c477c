/**
 * The policies of a token, compiled: what may it do at which path? Immutable once made.
 *
 * @module
 */
import assert from 'node:assert';
import type { Explanation } from '../../model/explanation.ts';
import { BIT, capabilityNames } from './capabilities.ts';
import { explain } from './explain.ts';
import type { Policy } from './parse.ts';
import { mayMatchUnder, patternOf } from './pattern.ts';
import { type ResultantAcl, resultantOf } from './resultant.ts';
import { DENIED, type Question, type Rule, type Verdict } from './rule.ts';
import { type Entry, RuleSet } from './rule-set.ts';
import { type TemplateValues, valuesOf } from './template.ts';

export type { ResultantAcl } from './resultant.ts';
export { type Question, type Verdict, verdictOn } from './rule.ts';

/** A rule that holds for nobody now, since its path could not be filled in. */
export interface DroppedRule {
  readonly policy: string;
  readonly path: string;
  readonly reason: 'no value' | 'a value holds a slash';
}

export interface Acl {
  readonly isRoot: boolean;
  /** Allocates nothing where the rule has neither parameters nor a list's slash to look at. */
  check(question: Question): Verdict;
  /** Does the rule for this path have `sudo`? */
  isSudo(path: string): boolean;
  /** As `sys/capabilities` shows them: sorted; `['root']`; `['deny']` where nothing is granted. */
  capabilities(path: string): string[];
  /** Can anything under `prefix` (a mount's path, ending in `/`) be done? Decides which mounts the UI shows. */
  touches(prefix: string): boolean;
  /** Data of `sys/internal/ui/resultant-acl`. */
  resultant(): ResultantAcl;
  /** Why `check` answers as it does. Slow. */
  explain(question: Question): Explanation;
  readonly dropped: readonly DroppedRule[];
}

const NO_VALUES: TemplateValues = () => undefined;
const ROOT_VERDICT: Verdict = Object.freeze({
  allowed: true,
  mayCreate: true,
  mayUpdate: true,
  granting: Object.freeze(['root']),
});
const HELP_VERDICT: Verdict = Object.freeze({
  allowed: true,
  mayCreate: false,
  mayUpdate: false,
  granting: [],
});

/**
 * @param policies - `root` only alone.
 * @param values - Of the identity behind the token. Without them every rule with a `{{…}}` is dropped.
 */
export function compileAcl(policies: readonly Policy[], values: TemplateValues = NO_VALUES): Acl {
  if (policies.some((policy) => policy.isRoot)) {
    assert(policies.length === 1, 'other policies present along with root');
    return ROOT_ACL;
  }
  const entries: Entry[] = [];
  const dropped: DroppedRule[] = [];
  for (const { name: policy, rules } of policies) {
    for (const rule of rules) {
      const filled = valuesOf(rule.template, values);
      // A slash would carry a grant into another folder. A denial it only makes name that folder, which is safe.
      const strays = (rule.capabilities & BIT.deny) === 0 && filled?.some((value) => value.includes('/'));
      if (filled === undefined) dropped.push({ policy, path: rule.path, reason: 'no value' });
      else if (strays) dropped.push({ policy, path: rule.path, reason: 'a value holds a slash' });
      else entries.push({ pattern: patternOf(rule.template, filled), rule, policy });
    }
  }
  return aclOf(new RuleSet(entries), dropped);
}

const ROOT_EXPLANATION: Explanation = {
  allowed: true,
  reason: 'root',
  wanted: [],
  wantsSudo: false,
  granting: ['root'],
  rule: undefined,
  passedOver: [],
  faults: [],
  wrapping: { min: 0, max: 0 },
  dropped: [],
  needed: undefined,
};

const ROOT_ACL: Acl = {
  isRoot: true,
  check: () => ROOT_VERDICT,
  isSudo: () => true,
  capabilities: () => ['root'],
  touches: () => true,
  resultant: () => ({ root: true }),
  explain: () => ROOT_EXPLANATION,
  dropped: [],
};

function aclOf(rules: RuleSet, dropped: readonly DroppedRule[]): Acl {
  const readFor = ({ lowerCaseBelow }: Question): RuleSet =>
    lowerCaseBelow === undefined ? rules : rules.folded(lowerCaseBelow);
  return {
    isRoot: false,
    check(question) {
      if (question.verb === 'help') return HELP_VERDICT;
      const set = readFor(question);
      return set.find(question.path, question.verb === 'list')?.judge(question) ?? DENIED;
    },
    isSudo: (path) => ((rules.find(path, false)?.capabilities ?? 0) & BIT.sudo) !== 0,
    capabilities: (path) => capabilityNames(rules.find(path.replace(/^\/+/, ''), true)?.capabilities ?? 0),
    touches: (prefix) => touches(rules, prefix),
    resultant: () => resultantOf(rules),
    explain: (question) => explain(readFor(question), question, dropped),
    dropped,
  };
}

function touches(rules: RuleSet, prefix: string): boolean {
  const direct = rules.find(prefix, true);
  if (direct !== undefined && grants(direct)) return true;
  for (const paths of [rules.exact, rules.prefixes]) {
    for (const [path, rule] of paths) if (path.startsWith(prefix) && grants(rule)) return true;
  }
  for (const { pattern, rule } of rules.segments.values()) {
    if (grants(rule) && mayMatchUnder(pattern, prefix)) return true;
  }
  return false;
}

function grants(rule: Rule): boolean {
  return !rule.isDeny && rule.capabilities !== 0;
}
