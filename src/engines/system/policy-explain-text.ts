/**
 * Explanations of decisions as people read them.
 *
 * @module
 */
import type { AccessExplained, Explanation } from '../../model/explanation.ts';

/** One sentence. Names of policies, rules and fields, no values. */
export function sentenceFor({ isOpen, namespace, explanation }: AccessExplained): string {
  if (isOpen) return 'no token is needed there';
  if (namespace === undefined) return 'there is no such namespace';
  if (!explanation) return "the path is in a namespace that is neither the token's nor below it";
  const { rule, granting } = explanation;
  const what = oneOf(explanation);
  const by = rule
    ? `the rule ${quoted(rule.path)} of ${policiesOf(rule.blocks.map(({ policy }) => policy))}`
    : '';
  switch (explanation.reason) {
    case 'root':
      return 'it is a root token';
    case 'granted':
      return `${by} decides, and ${policiesOf(granting)} grants ${what}`;
    case 'no rule':
      return `no rule of any of its policies matches the path; it needs ${what}`;
    case 'denied':
      return `${by} denies it, whatever other policies grant`;
    case 'capability missing':
      return `${by} decides, and does not grant ${what}`;
    case 'sudo missing':
      return `${by} decides, and does not grant sudo, which this path needs besides ${what}`;
    case 'parameters':
      return `${by} does not let these fields pass: ${fieldsOf(explanation)}`;
    case 'wrapping':
      return `${by} asks for the answer to be wrapped, ${wrappingOf(explanation)}`;
  }
}

/** HCL of a rule that would let it pass; undefined where none would. */
export function policyFor({ needed }: Explanation): string | undefined {
  if (!needed) return undefined;
  const names = needed.capabilities.map(quoted).join(', ');
  return `path ${quoted(needed.path)} {\n  capabilities = [${names}]\n}`;
}

function oneOf({ wanted, wantsSudo }: Explanation): string {
  return wanted.join(' or ') + (wantsSudo ? ' and sudo' : '');
}

function policiesOf(names: readonly string[]): string {
  const all = [...new Set(names)];
  return all.length === 1 ? `policy ${all[0]}` : `policies ${all.join(', ')}`;
}

function fieldsOf({ faults }: Explanation): string {
  return faults.map(({ name, reason }) => `${quoted(name)} (${reason})`).join(', ');
}

function wrappingOf({ wrapping: { min, max } }: Explanation): string {
  if (min > 0 && max > 0) return `for ${min} to ${max} seconds`;
  return max > 0 ? `for ${max} seconds at most` : `for ${min} seconds at least`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
