/**
 * An ACL as `sys/internal/ui/resultant-acl` shows it. Paths with `+` are not in it, as in Vault.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import { capabilityNames } from './capabilities.ts';
import type { ParameterValues } from './parameters.ts';
import type { Rule } from './rule.ts';
import type { RuleSet } from './rule-set.ts';

export interface ResultantAcl {
  readonly root: boolean;
  /** Paths in alphabetical order. */
  readonly exact_paths?: ReadonlyMap<string, Encodable>;
  /** Without the `*` at their ends. */
  readonly glob_paths?: ReadonlyMap<string, Encodable>;
}

export function resultantOf(rules: RuleSet): ResultantAcl {
  return { root: false, exact_paths: shownAll(rules.exact), glob_paths: shownAll(rules.prefixes) };
}

function shownAll(rules: ReadonlyMap<string, Rule>): ReadonlyMap<string, Encodable> {
  const paths = [...rules.keys()].sort();
  return new Map(paths.map((path) => [path, shown(rules.get(path) as Rule)]));
}

function shown(rule: Rule): Encodable {
  const { allowed, denied, required } = rule.parameters;
  return {
    capabilities: capabilityNames(rule.capabilities),
    min_wrapping_ttl: rule.minWrappingTtl > 0 ? rule.minWrappingTtl : undefined,
    max_wrapping_ttl: rule.maxWrappingTtl > 0 ? rule.maxWrappingTtl : undefined,
    allowed_parameters: shownValues(allowed),
    denied_parameters: shownValues(denied),
    required_parameters: required.length > 0 ? required : undefined,
  };
}

function shownValues(values: ParameterValues | undefined): Encodable {
  return values === undefined || values.size === 0 ? undefined : values;
}
