/**
 * The fields of which whatever issues tokens has a set: `token_ttl`, `token_policies` and so on (contract §4), their older names too.
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import * as p from '../../model/params.ts';
import { networksOf } from './cidrs.ts';
import { sanitizePolicies } from './policy-names.ts';

/** As they rest and as they are shown. Durations are whole seconds; 0: not set. */
export interface TokenFields {
  readonly token_ttl: number;
  readonly token_max_ttl: number;
  readonly token_explicit_max_ttl: number;
  readonly token_period: number;
  readonly token_policies: string[];
  readonly token_bound_cidrs: string[];
  readonly token_no_default_policy: boolean;
  readonly token_num_uses: number;
  readonly token_type: string;
  /** Those that were set by their older names, which are shown along. */
  readonly older: readonly OlderName[];
}

export const NO_TOKEN_FIELDS: TokenFields = {
  token_ttl: 0,
  token_max_ttl: 0,
  token_explicit_max_ttl: 0,
  token_period: 0,
  token_policies: [],
  token_bound_cidrs: [],
  token_no_default_policy: false,
  token_num_uses: 0,
  token_type: 'default',
  older: [],
};

export const TOKEN_PARAMS = {
  token_ttl: p.duration('TTL of the tokens.'),
  token_max_ttl: p.duration('Their longest TTL, renewals and all.'),
  token_explicit_max_ttl: p.duration('As token_max_ttl, kept with each token: nothing changes it later.'),
  token_period: p.duration('Each renewal gives this TTL, without end.'),
  token_policies: p.commaStrings('Their policies.'),
  token_bound_cidrs: p.commaStrings('Networks from which one logs in, and uses them.'),
  token_no_default_policy: p.bool('Leaves out the policy "default".'),
  token_num_uses: p.int('How often each may be used; 0: not limited.'),
  token_type: p.string('"service", "batch", or "default": as the mount says.'),
};

/** Older names and what they are called now. */
const OLDER_NAMES = {
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  period: 'token_period',
  policies: 'token_policies',
  bound_cidrs: 'token_bound_cidrs',
  num_uses: 'token_num_uses',
} as const satisfies Record<string, keyof typeof TOKEN_PARAMS>;
export type OlderName = keyof typeof OLDER_NAMES;

export const OLDER_PARAMS = {
  ttl: p.duration('Older name of token_ttl.'),
  max_ttl: p.duration('Older name of token_max_ttl.'),
  period: p.duration('Older name of token_period.'),
  policies: p.commaStrings('Older name of token_policies.'),
  bound_cidrs: p.commaStrings('Older name of token_bound_cidrs.'),
  num_uses: p.int('Older name of token_num_uses.'),
};

type Sent = Partial<p.Decoded<typeof TOKEN_PARAMS> & p.Decoded<typeof OLDER_PARAMS>>;

/** What was sent, over what was there; what was not sent stays. @throws CodedError for what cannot be. */
export function tokenFieldsFrom(before: TokenFields, sent: Sent): TokenFields {
  let older = before.older;
  const named: Record<string, unknown> = {};
  for (const [old, name] of Object.entries(OLDER_NAMES) as [OlderName, keyof Sent][]) {
    const value = sent[name] ?? sent[old];
    if (value === undefined) continue;
    named[name] = value;
    older = older.filter((each) => each !== old);
    // Shown under the older name too where that was said.
    if (sent[old] !== undefined) older = [...older, old];
  }
  const { token_explicit_max_ttl, token_no_default_policy } = sent;
  const given = { token_explicit_max_ttl, token_no_default_policy, token_type: sent.token_type, ...named };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const next = { ...before, ...said, older } as TokenFields;
  if (next.token_ttl > next.token_max_ttl && next.token_max_ttl > 0)
    throw badRequest("'token_ttl' cannot be greater than 'token_max_ttl'");
  if (next.token_num_uses < 0) throw badRequest("'token_num_uses' cannot be negative");
  const token_type = tokenTypeOf(next.token_type, 'default');
  const refusal = refusalOfBatch({ ...next, token_type });
  if (refusal !== undefined) throw badRequest(refusal);
  return {
    ...next,
    token_policies: sanitizePolicies(next.token_policies, false),
    token_bound_cidrs: networksOf(next.token_bound_cidrs),
    token_type,
  };
}

/** Why tokens cannot be batch tokens, where they are to be some. */
export function refusalOfBatch({
  token_type,
  token_period,
  token_num_uses,
}: Pick<TokenFields, 'token_type' | 'token_period' | 'token_num_uses'>): string | undefined {
  if (token_type !== 'batch' && token_type !== 'default-batch') return undefined;
  const cannot = "'token_type' cannot be 'batch' or 'default_batch' when set to generate";
  if (token_period > 0) return `${cannot} periodic tokens`;
  return token_num_uses > 0 ? `${cannot} tokens with limited use count` : undefined;
}

/** @throws CodedError where it is none. */
export function tokenTypeOf(asked: string, absent: 'default' | 'default-service'): string {
  switch (asked) {
    case '':
    case 'default':
      return absent;
    case 'service':
    case 'default-service':
    case 'batch':
    case 'default-batch':
      return asked;
    default:
      throw badRequest("invalid 'token_type' value");
  }
}

export function shownTokenFields({ older, ...fields }: TokenFields): { [key: string]: Encodable } {
  const shown: { [key: string]: Encodable } = { ...fields };
  for (const old of older) shown[old] = fields[OLDER_NAMES[old]];
  return shown;
}
