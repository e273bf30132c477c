/**
 * A policy's text → its rules. Error texts are Vault's where Vault has one.
 *
 * @module
 */
import { badRequest, type CodedError, multiError } from '../../model/errors.ts';
import {
  blocks,
  HclError,
  type HclItem,
  type HclObject,
  jsonOf,
  listOf,
  objectOf,
  parseConfigText,
  secondsOf,
  stringsOf,
  textOf,
} from '../../model/hcl.ts';
import type { Json } from '../../model/json.ts';
import { BIT, type CapabilitySet, isCapability } from './capabilities.ts';
import type { ParameterRules } from './parameters.ts';
import { parseTemplate, type Template } from './template.ts';

/** What one `path` block says. */
export interface PathRule {
  /** As written, without a leading slash. */
  readonly path: string;
  readonly template: Template;
  /** `deny` stands alone. */
  readonly capabilities: CapabilitySet;
  readonly parameters: ParameterRules;
  /** Seconds; 0: no rule. */
  readonly minWrappingTtl: number;
  readonly maxWrappingTtl: number;
}

export interface Policy {
  /** Lower-case. */
  readonly name: string;
  /** As it was written, which is how it is shown. */
  readonly text: string;
  readonly rules: readonly PathRule[];
  /** Some path has a `{{…}}`. */
  readonly templated: boolean;
  /** May do everything. Only the built-in `root` has it: no text can say it. */
  readonly isRoot: boolean;
}

const RULE_KEYS = new Set([
  'allowed_parameters',
  'capabilities',
  'comment',
  'denied_parameters',
  'max_wrapping_ttl',
  'mfa_methods',
  'min_wrapping_ttl',
  'policy',
  'required_parameters',
  'subscribe_event_types',
]);

/** To take these and not to enforce them would grant more than was written. */
const NOT_ENFORCED = new Set([
  'control_group',
  'expiration',
  'list_scan_response_keys_filter_path',
  'pagination_limit',
]);

/** What `policy = "…"` stood for before there were capabilities. */
const OLD_POLICIES: Readonly<Record<string, CapabilitySet>> = {
  deny: BIT.deny,
  read: BIT.read | BIT.list,
  write: BIT.create | BIT.read | BIT.update | BIT.delete | BIT.list,
  sudo: BIT.create | BIT.read | BIT.update | BIT.delete | BIT.list | BIT.sudo,
};

/**
 * @param name - Lower-cased here.
 * @param text - HCL 1 or JSON.
 * @throws CodedError `bad_request`: `failed to parse policy: …`.
 */
export function parsePolicy(name: string, text: string): Policy {
  try {
    const rules = rulesOf(text);
    const templated = rules.some(({ template }) => template.directives.length > 0);
    return { name: name.toLowerCase(), text, rules, templated, isRoot: false };
  } catch (error) {
    if (error instanceof HclError || error instanceof Refusal) throw refused(error.message);
    throw error;
  }
}

function refused(reason: string): CodedError {
  return badRequest(`failed to parse policy: ${reason}`);
}

/** What is wrong with a text that is HCL and yet no policy. */
class Refusal extends Error {}

function rulesOf(text: string): PathRule[] {
  const { items, syntax } = parseConfigText(text);
  checkKeys(items, new Set(['name', 'path']), '');
  for (const item of items) if (item.keys[0]?.text === 'name') textOf(item.value);
  const rules: PathRule[] = [];
  for (const { labels, body } of blocks(items, 'path', 1, syntax)) {
    if (labels.length > 1)
      throw new Refusal(`path ${quote(labels[0] ?? '')}: expected one path in front of '{'`);
    // A block without a label speaks of the path "path", as in Vault.
    rules.push(ruleOf(labels[0] ?? 'path', body));
  }
  return rules;
}

function ruleOf(key: string, body: HclObject): PathRule {
  const where = `path ${quote(key)}:`;
  checkKeys(body.items, RULE_KEYS, `${where} `);
  const template = templateOf(key);
  let read: ReturnType<typeof readBody>;
  try {
    read = readBody(body, key);
  } catch (error) {
    if (error instanceof HclError) throw new Refusal(multiError([`${where} ${error.message}`]));
    throw error;
  }
  const { minWrappingTtl, maxWrappingTtl, capabilities } = read;
  const path = key.replace(/^\//, '');
  if ((capabilities & BIT.deny) !== 0) {
    return {
      path,
      template,
      capabilities: BIT.deny,
      parameters: NO_PARAMETERS,
      minWrappingTtl: 0,
      maxWrappingTtl: 0,
    };
  }
  if (minWrappingTtl > 0 && maxWrappingTtl > 0 && maxWrappingTtl < minWrappingTtl) {
    throw new Refusal('max_wrapping_ttl cannot be less than min_wrapping_ttl');
  }
  return { path, template, ...read };
}

const NO_PARAMETERS: ParameterRules = { allowed: undefined, denied: undefined, required: [] };

function templateOf(key: string): Template {
  const path = key.replace(/^\//, '');
  // No request has one in its path; NUL is our mark for a directive.
  if (/[\u0000-\u001f\u007f]/.test(path))
    throw new Refusal(`path ${quote(path)}: expected no control character`);
  if (path.includes('+*'))
    throw new Refusal(`path ${quote(path)}: invalid use of wildcards ('+*' is forbidden)`);
  const template = parseTemplate(path);
  if (template === undefined)
    throw new Refusal('failed to validate policy templating: unbalanced templating characters');
  return template;
}

function readBody(body: HclObject, key: string): Omit<PathRule, 'path' | 'template'> {
  let capabilities = 0;
  let [minWrappingTtl, maxWrappingTtl] = [0, 0];
  const allowed = new Map<string, Json[]>();
  const denied = new Map<string, Json[]>();
  const required = new Set<string>();
  let has = { allowed: false, denied: false };
  for (const { keys, value } of body.items) {
    switch (keys[0]?.text) {
      case 'capabilities':
        for (const name of stringsOf(value)) capabilities |= capabilityBit(name, key);
        break;
      case 'policy':
        capabilities |= oldPolicy(textOf(value), key);
        break;
      case 'allowed_parameters':
        has = { ...has, allowed: true };
        addParameters(allowed, objectOf(value));
        break;
      case 'denied_parameters':
        has = { ...has, denied: true };
        addParameters(denied, objectOf(value));
        break;
      case 'required_parameters':
        for (const name of stringsOf(value)) required.add(name.toLowerCase());
        break;
      case 'min_wrapping_ttl':
        minWrappingTtl = secondsOf(value);
        break;
      case 'max_wrapping_ttl':
        maxWrappingTtl = secondsOf(value);
        break;
      case 'mfa_methods':
        if (stringsOf(value).length > 0) throw notEnforced(key, 'mfa_methods');
        break;
      case 'subscribe_event_types':
        stringsOf(value);
        break;
    }
  }
  const parameters = {
    allowed: has.allowed ? allowed : undefined,
    denied: has.denied ? denied : undefined,
    required: [...required],
  };
  return { capabilities, parameters, minWrappingTtl, maxWrappingTtl };
}

function capabilityBit(name: string, path: string): CapabilitySet {
  if (!isCapability(name)) throw new Refusal(`path ${quote(path)}: invalid capability ${quote(name)}`);
  return BIT[name];
}

function oldPolicy(name: string, path: string): CapabilitySet {
  if (name === '') return 0;
  const capabilities = Object.hasOwn(OLD_POLICIES, name) ? OLD_POLICIES[name] : undefined;
  if (capabilities === undefined) throw new Refusal(`path ${quote(path)}: invalid policy ${quote(name)}`);
  return capabilities;
}

function addParameters(into: Map<string, Json[]>, object: HclObject): void {
  for (const { keys, value } of object.items) {
    const name = keys[0]?.text.toLowerCase() ?? '';
    const values = listOf(value, 'a list of values, [] for any').elements.map(jsonOf);
    into.set(name, [...(into.get(name) ?? []), ...values]);
  }
}

function checkKeys(items: readonly HclItem[], valid: ReadonlySet<string>, prefix: string): void {
  const wrong: string[] = [];
  for (const { keys } of items) {
    const key = keys[0];
    if (key === undefined || valid.has(key.text)) continue;
    if (prefix !== '' && NOT_ENFORCED.has(key.text))
      throw new Refusal(`${prefix}${key.text} is not supported`);
    wrong.push(`${prefix}invalid key ${quote(key.text)} on line ${key.position.line}`);
  }
  if (wrong.length > 0) throw new Refusal(multiError(wrong));
}

function notEnforced(path: string, key: string): Refusal {
  return new Refusal(`path ${quote(path)}: ${key} is not supported`);
}

/** Go's %q, near enough for an error text. */
function quote(text: string): string {
  return JSON.stringify(text);
}
