/**
 * Password policies: how long a password is and of which characters, as Vault writes it down (HCL or JSON), and passwords made by them.
 *
 * @module
 */
import { multiError } from './errors.ts';
import {
  blocks,
  HclError,
  type HclItem,
  type HclObject,
  parseConfigText,
  textOf,
  unexpected,
} from './hcl.ts';

export interface PasswordPolicy {
  /** In characters (code points). */
  readonly length: number;
  readonly rules: readonly CharsetRule[];
}

/** At least `minChars` of a password are among `charset`. */
export interface CharsetRule {
  /** Each character once. */
  readonly charset: readonly string[];
  readonly minChars: number;
}

/** The text is no policy. What it says goes behind `invalid password policy: `, and repeats no character set. */
export class PasswordPolicyError extends Error {}

/** @throws PasswordPolicyError */
export function parsePasswordPolicy(text: string): PasswordPolicy {
  try {
    const { items, syntax } = parseConfigText(text);
    const rules: CharsetRule[] = [];
    let length = 0;
    for (const { keys, value } of items)
      if (keys[0]?.text === 'length') length = wholeNumber(value, 'length');
    for (const { labels, body } of blocks(items, 'rule', 1, syntax)) {
      if (labels.length !== 1 || labels[0] !== 'charset')
        throw new PasswordPolicyError('unable to parse rules: the only type of rule is charset');
      rules.push(charsetRule(body));
    }
    return checked({ length, rules });
  } catch (error) {
    if (error instanceof HclError) throw new PasswordPolicyError(`failed to decode: ${error.message}`);
    throw error;
  }
}

function charsetRule({ items }: HclObject): CharsetRule {
  let charset = '';
  let minChars = 0;
  for (const { keys, value } of items) {
    if (keys[0]?.text === 'charset') charset = textOf(value);
    else if (keys[0]?.text === 'min-chars' || keys[0]?.text === 'min_chars')
      minChars = Math.max(0, wholeNumber(value, 'min-chars'));
  }
  return { charset: [...new Set(charset)], minChars };
}

/** A number in quotes is none, as in Vault. */
function wholeNumber(value: HclItem['value'], key: string): number {
  const number = value.kind === 'number' ? Number(value.text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw unexpected(value, `a whole number for ${key}`);
  return number;
}

function checked(policy: PasswordPolicy): PasswordPolicy {
  const { length, rules } = policy;
  const wrong: string[] = [];
  if (length <= 0) wrong.push('length must be > 0');
  const needed = rules.reduce((sum, { minChars }) => sum + minChars, 0);
  if (length > 0 && needed > length)
    wrong.push(`specified rules require at least ${needed} characters but ${length} is specified`);
  const all = rules.flatMap(({ charset }) => charset);
  if (all.length === 0) wrong.push('no charset specified');
  if (rules.some(({ charset, minChars }) => charset.length === 0 && minChars > 0))
    wrong.push('a rule that asks for characters has no charset');
  // Line separators and whatever shows nothing; a blank is fine.
  if (all.some((character) => /[\p{C}\p{Zl}\p{Zp}]|[^\S ]/u.test(character)))
    wrong.push('non-printable character in charset');
  if (wrong.length > 0) throw new PasswordPolicyError(multiError(wrong));
  return policy;
}

/**
 * First what the rules ask for, then the rest from all characters, then all of it shuffled: that ends however rare a rule's characters are.
 * @param randomBytes - fills a buffer with unpredictable bytes.
 */
export function generatePassword(
  { length, rules }: PasswordPolicy,
  randomBytes: (bytes: number) => Buffer,
): string {
  const all = [...new Set(rules.flatMap(({ charset }) => charset))];
  const drawn = rules.flatMap(({ charset, minChars }) =>
    Array.from({ length: minChars }, () => charset[below(charset.length, randomBytes)]!),
  );
  while (drawn.length < length) drawn.push(all[below(all.length, randomBytes)]!);
  for (let last = drawn.length - 1; last > 0; last--) {
    const other = below(last + 1, randomBytes);
    [drawn[last], drawn[other]] = [drawn[other]!, drawn[last]!];
  }
  return drawn.join('');
}

/** Each of 0 … `bound - 1` as likely as every other. */
function below(bound: number, randomBytes: (bytes: number) => Buffer): number {
  const fair = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const drawn = randomBytes(4).readUInt32BE();
    if (drawn < fair) return drawn % bound;
  }
}
