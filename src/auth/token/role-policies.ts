/**
 * Which policies a token gets that is made by a role (contract §3, role policy errors).
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';
import { sanitizePolicies } from './policy-names.ts';
import type { TokenRole } from './roles.ts';

type Rules = Pick<
  TokenRole,
  | 'allowed_policies'
  | 'disallowed_policies'
  | 'allowed_policies_glob'
  | 'disallowed_policies_glob'
  | 'token_no_default_policy'
>;

/** Does the role say itself which policies may be? Else the caller's own bound them. */
export function rulesPolicies(role: Rules): boolean {
  const { allowed_policies, disallowed_policies, allowed_policies_glob, disallowed_policies_glob } = role;
  const rules = [allowed_policies, disallowed_policies, allowed_policies_glob, disallowed_policies_glob];
  return rules.some((list) => list.length > 0);
}

/**
 * @param asked - as sent.
 * @param parent - the caller's, given where the role allows all and nothing was asked for.
 * @throws CodedError for a policy that the role does not let be.
 */
export function policiesByRole(
  role: Rules,
  asked: readonly string[],
  parent: readonly string[],
  noDefaultPolicy: boolean,
): string[] {
  const isDisallowed = (name: string) =>
    role.disallowed_policies.includes(name) || matchesAny(name, role.disallowed_policies_glob);
  const addDefault = !noDefaultPolicy && !role.token_no_default_policy && !isDisallowed('default');
  const allowsSome = role.allowed_policies.length > 0 || role.allowed_policies_glob.length > 0;
  let policies = sanitizePolicies(asked, addDefault);
  if (allowsSome) {
    const allowed = sanitizePolicies(role.allowed_policies, addDefault);
    if (asked.length === 0) policies = allowed;
    else if (
      !policies.every((name) => allowed.includes(name) || matchesAny(name, role.allowed_policies_glob))
    )
      throw badRequest(
        `token policies (${quoted(policies)}) must be subset of the role's allowed policies (${quoted(allowed)}) or glob policies (${quoted(role.allowed_policies_glob)})`,
      );
  } else if (asked.length === 0) policies = sanitizePolicies(parent, addDefault);
  const refused = policies.find(isDisallowed);
  if (refused !== undefined) {
    throw badRequest(`token policy ${JSON.stringify(refused)} is disallowed by this role`);
  }
  return policies;
}

/** `*` stands for anything, nothing else for more than itself. */
function matchesAny(name: string, globs: readonly string[]): boolean {
  return globs.some((glob) => matches(name, glob));
}

/** Each piece is found at its first place, so that no pattern takes longer than name × pattern. */
function matches(name: string, glob: string): boolean {
  const pieces = glob.split('*');
  if (pieces.length === 1) return name === glob;
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= name.length - last.length;
}

/** A list as Go's %q writes it. */
function quoted(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;
}
