/**
 * Why a question is answered as it is: which rule of which policies decides, and what would be needed.
 *
 * @module
 */
import type { Explanation, FieldFault, Reason, RuleShown } from '../../model/explanation.ts';
import { EXPLAINED_RULES_MAX } from '../../model/limits.ts';
import { BIT, type CapabilitySet, capabilitiesIn } from './capabilities.ts';
import { parameterFaults } from './parameters.ts';
import type { Pattern } from './pattern.ts';
import { type Question, type Rule, wantedBy } from './rule.ts';
import type { RuleSet } from './rule-set.ts';

/** @param rules - those that the question is decided by: lower-cased where it is. */
export function explain(rules: RuleSet, question: Question, dropped: Explanation['dropped']): Explanation {
  const { path, verb, sudo, mayCreate, fields } = question;
  const isList = verb === 'list';
  const wanted = wantedBy(verb, mayCreate);
  const rule = rules.find(path, isList);
  const verdict = rule?.judge(question);
  const faults = rule && !rule.isDeny ? parameterFaults(rule.parameters, fields) : [];
  const reason = verdict?.allowed ? 'granted' : reasonOf(rule, wanted, sudo, faults);
  const matching = rules.matching(path, isList);
  const shown = (one: Rule): RuleShown => shownRule(rules, one);
  return {
    allowed: reason === 'granted',
    reason,
    wanted: capabilitiesIn(wanted),
    wantsSudo: sudo,
    granting: verdict?.granting ?? [],
    rule: rule && shown(rule),
    passedOver: matching
      .filter((one) => one !== rule)
      .slice(0, EXPLAINED_RULES_MAX)
      .map(shown),
    faults: reason === 'parameters' ? faults : [],
    wrapping: { min: rule?.minWrappingTtl ?? 0, max: rule?.maxWrappingTtl ?? 0 },
    dropped: dropped.filter((one) => path.startsWith(one.path.split('{{')[0]!)).slice(0, EXPLAINED_RULES_MAX),
    needed: neededFor(question, reason, rule, wanted),
  };
}

/** Of what is refused: the first of these, in the order in which a rule is judged. */
function reasonOf(
  rule: Rule | undefined,
  wanted: CapabilitySet,
  sudo: boolean,
  faults: readonly FieldFault[],
): Reason {
  if (!rule) return 'no rule';
  if (rule.isDeny) return 'denied';
  if ((rule.capabilities & wanted) === 0) return 'capability missing';
  if (sudo && (rule.capabilities & BIT.sudo) === 0) return 'sudo missing';
  return faults.length > 0 ? 'parameters' : 'wrapping';
}

/**
 * A rule for exactly this path comes before all others, and keeps what the one that decided so far grants. What is denied at this very path,
 * or refused for its parameters, no further grant lets pass.
 */
function neededFor(
  { path, sudo }: Question,
  reason: Reason,
  rule: Rule | undefined,
  wanted: CapabilitySet,
): Explanation['needed'] {
  // As a rule it would be a pattern, or a template.
  if (path.endsWith('*') || /(?:^|\/)\+|\{\{|\}\}/.test(path)) return undefined;
  if (reason !== 'no rule' && reason !== 'capability missing' && reason !== 'sudo missing') return undefined;
  const granted = (rule?.capabilities ?? 0) & wanted ? 0 : wanted;
  const all = (rule?.capabilities ?? 0) | granted | (sudo ? BIT.sudo : 0);
  return { path, capabilities: capabilitiesIn(all) };
}

function shownRule(rules: RuleSet, rule: Rule): RuleShown {
  const entries = rules.entriesOf(rule);
  return {
    path: textOf(entries[0]!.pattern),
    capabilities: capabilitiesIn(rule.capabilities),
    blocks: entries.map((entry) => ({
      policy: entry.policy,
      path: entry.rule.path,
      capabilities: capabilitiesIn(entry.rule.capabilities),
    })),
  };
}

function textOf(pattern: Pattern): string {
  const isOpen = pattern.kind === 'prefix' || (pattern.kind === 'segments' && pattern.open);
  return isOpen ? `${pattern.text}*` : pattern.text;
}
