/**
 * `allowed_parameters`, `denied_parameters`, `required_parameters`: rules about the fields of a request.
 *
 * @module
 */
import type { FieldFault } from '../../model/explanation.ts';
import { type Json, type JsonMap, JsonNumber } from '../../model/json.ts';

/** Names are lower-case. An empty list of values stands for any value; the name `*` for any field. */
export type ParameterValues = ReadonlyMap<string, readonly Json[]>;

export interface ParameterRules {
  readonly allowed: ParameterValues | undefined;
  readonly denied: ParameterValues | undefined;
  readonly required: readonly string[];
}

/**
 * What several policies say of the same path together: lists are joined, an empty one (any value) wins.
 * A policy without the rule adds nothing, so that the other's rule holds for both: as in Vault.
 */
export function mergeParameters(a: ParameterRules, b: ParameterRules): ParameterRules {
  return {
    allowed: mergeValues(a.allowed, b.allowed),
    denied: mergeValues(a.denied, b.denied),
    required: [...new Set([...a.required, ...b.required])],
  };
}

function mergeValues(
  a: ParameterValues | undefined,
  b: ParameterValues | undefined,
): ParameterValues | undefined {
  if (a === undefined || b === undefined || b.size === 0) return a ?? b;
  const merged = new Map(a);
  for (const [name, values] of b) {
    const known = merged.get(name);
    merged.set(name, values.length === 0 || known?.length === 0 ? [] : [...(known ?? []), ...values]);
  }
  return merged;
}

/** Do the rules let a request with these fields pass? */
export function parametersPass(rules: ParameterRules, fields: JsonMap): boolean {
  for (const name of rules.required) if (!fields.has(name)) return false;
  if (fields.size === 0) return true;
  return passDenied(rules.denied, fields) && passAllowed(rules.allowed, fields);
}

/** Why `parametersPass` does not: none where it does. */
export function parameterFaults(rules: ParameterRules, fields: JsonMap): FieldFault[] {
  const faults: FieldFault[] = rules.required
    .filter((name) => !fields.has(name))
    .map((name) => ({ name, reason: 'required' }));
  const { denied = NONE, allowed = NONE } = rules;
  for (const [name, value] of fields) {
    const one: JsonMap = new Map([[name, value]]);
    if (!passDenied(denied, one)) {
      const isAny = denied.has('*') || denied.get(name.toLowerCase())?.length === 0;
      faults.push({ name, reason: isAny ? 'denied' : 'value denied' });
    } else if (!passAllowed(allowed, one))
      faults.push({ name, reason: allowed.has(name.toLowerCase()) ? 'value not allowed' : 'not allowed' });
  }
  return faults;
}

const NONE: ParameterValues = new Map();

function passDenied(denied: ParameterValues | undefined, fields: JsonMap): boolean {
  if (denied === undefined || denied.size === 0) return true;
  if (denied.has('*')) return false;
  for (const [name, value] of fields) {
    const values = denied.get(name.toLowerCase());
    if (values !== undefined && (values.length === 0 || values.some((other) => isDenied(other, value))))
      return false;
  }
  return true;
}

function passAllowed(allowed: ParameterValues | undefined, fields: JsonMap): boolean {
  if (allowed === undefined || allowed.size === 0) return true;
  const any = allowed.has('*');
  if (any && allowed.size === 1) return true;
  for (const [name, value] of fields) {
    const values = allowed.get(name.toLowerCase());
    if (values === undefined ? !any : values.length > 0 && !values.some((other) => isSame(other, value)))
      return false;
  }
  return true;
}

/**
 * Is it a value that a policy denies? Stricter than Vault where types differ: the operation would take `5` for `"5"` and `true` for
 * `"true"`, so a denial of the one is a denial of the other.
 */
function isDenied(rule: Json, value: Json): boolean {
  if (isSame(rule, value)) return true;
  const [ruleText, text] = [scalarText(rule), scalarText(value)];
  return ruleText !== undefined && text !== undefined && matchesGlob(ruleText, text);
}

function scalarText(json: Json): string | undefined {
  if (typeof json === 'string') return json;
  if (json instanceof JsonNumber) return json.text;
  return typeof json === 'boolean' ? String(json) : undefined;
}

/** @param rule - Of a policy, hence of bounded depth. */
function isSame(rule: Json, value: Json): boolean {
  if (typeof rule === 'string') return typeof value === 'string' && matchesGlob(rule, value);
  return isEqual(rule, value);
}

/** A `*` at the start and at the end of `rule` stands for any text; alone, or in the middle, for itself. */
export function matchesGlob(rule: string, text: string): boolean {
  if (rule.length < 2) return rule === text;
  const [start, end] = [rule.startsWith('*'), rule.endsWith('*')];
  if (start && end) return text.includes(rule.slice(1, -1));
  if (start) return text.endsWith(rule.slice(1));
  return end ? text.startsWith(rule.slice(0, -1)) : rule === text;
}

function isEqual(a: Json, b: Json): boolean {
  if (a instanceof JsonNumber)
    return b instanceof JsonNumber && normalNumber(a.text) === normalNumber(b.text);
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((item, index) => isEqual(item, b[index] as Json))
    );
  }
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    for (const [key, value] of a) {
      const other = b.get(key);
      if (other === undefined || !isEqual(value, other)) return false;
    }
    return true;
  }
  return a === b;
}

/** One text for each number: `1`, `1.0` and `10e-1` are the same, also where a double could not hold them. */
function normalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = trimZeros(whole + fraction);
  if (digits.start === digits.end) return '0';
  const power = Number(exponent) - fraction.length + (whole.length + fraction.length - digits.end);
  return `${sign}${(whole + fraction).slice(digits.start, digits.end)}e${power}`;
}

function trimZeros(digits: string): { start: number; end: number } {
  let start = 0;
  let end = digits.length;
  while (start < end && digits[start] === '0') start++;
  while (end > start && digits[end - 1] === '0') end--;
  return { start, end };
}
