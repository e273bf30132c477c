/**
 * Policies of the catalog: their text as it was written, parsed once per change.
 *
 * @module
 */
import assert from 'node:assert';
import {
  DEFAULT_POLICY_TEXT,
  FIXED_POLICIES,
  RESPONSE_WRAPPING_POLICY,
  ROOT_POLICY,
} from '../auth/policies/built-in.ts';
import { type Policy, parsePolicy } from '../auth/policies/parse.ts';
import type { Catalog, Entries, SectionChange } from '../cluster/catalog.ts';
import type { Claims } from '../model/actor.ts';
import { badRequest } from '../model/errors.ts';
import { ROOT_NAMESPACE } from '../model/namespace.ts';
import { unchanged } from './section-change.ts';

export interface PolicyStore {
  of(namespaceId: string): NamespacePolicies;
  /** As it is enforced here. @throws CodedError where a policy that was taken once cannot be read any more. */
  parsed(namespaceId: string, name: string): Policy | undefined;
  /** Takes all policies of a namespace away that is gone. */
  forget(namespaceId: string): Promise<void>;
}

/** The policies of one namespace. */
export interface NamespacePolicies {
  /** Sorted, without `root` and `response-wrapping`, as all members have them. */
  names(): Promise<string[]>;
  /** As written, as all members have it; also of the built-in ones but `root`. */
  text(name: string): Promise<string | undefined>;
  /** @throws CodedError, `failed to parse policy: …`. */
  put(name: string, text: string, claims: Claims): Promise<void>;
  remove(name: string, claims: Claims): Promise<void>;
}

export const putPolicy: SectionChange<{ name: string; text: string }, void> = {
  id: 'policies/put',
  section: 'policies',
  run: (_entries, { name, text }) => ({ patch: { [name]: text }, reply: undefined }),
};

export const removePolicy: SectionChange<{ name: string }, void> = {
  id: 'policies/remove',
  section: 'policies',
  run: (entries, { name }) => (entries.has(name) ? { patch: { [name]: null }, reply: undefined } : unchanged),
};

export const forgetPolicies: SectionChange<{ namespace: string }, void> = {
  id: 'policies/forget',
  section: 'policies',
  run(entries, { namespace }) {
    const keys = [...entries.keys()].filter((key) => key.startsWith(keyOf(namespace, '')));
    return keys.length === 0
      ? unchanged
      : { patch: Object.fromEntries(keys.map((key) => [key, null])), reply: undefined };
  },
};

/**
 * Between a namespace's id and a name. No path holds it, so that no policy is called so; a token may name any policy, and finds none by a
 * name that would lead into another namespace.
 */
const MARK = '\0';

const isName = (text: string) => !text.includes(MARK);

/** Under which a policy stands in the section. Those of the root namespace stand under their names. */
function keyOf(namespaceId: string, name: string): string {
  assert(isName(name));
  return namespaceId === ROOT_NAMESPACE.id ? name : `${namespaceId}${MARK}${name}`;
}

/** `default` is there in each namespace from its beginning; in the root namespace it was written at the cluster's. */
const BUILT_IN = new Map([ROOT_POLICY, RESPONSE_WRAPPING_POLICY].map((policy) => [policy.name, policy]));
const BUILT_IN_BELOW = new Map([...BUILT_IN, ['default', parsePolicy('default', DEFAULT_POLICY_TEXT)]]);

function builtIn(namespaceId: string, name: string): Policy | undefined {
  return (namespaceId === ROOT_NAMESPACE.id ? BUILT_IN : BUILT_IN_BELOW).get(name);
}

function namesIn(entries: Entries, namespaceId: string): string[] {
  if (namespaceId === ROOT_NAMESPACE.id)
    return [...entries.keys()].filter((key) => !key.includes(MARK)).sort();
  const prefix = keyOf(namespaceId, '');
  const written = [...entries.keys()].filter((key) => key.startsWith(prefix));
  return [...new Set(['default', ...written.map((key) => key.slice(prefix.length))])].sort();
}

export function makePolicyStore(
  catalog: Pick<Catalog, 'watch' | 'entries' | 'current' | 'change'>,
): PolicyStore {
  let parsed = new Map<string, Policy>();
  catalog.watch('policies', () => {
    parsed = new Map();
  });

  const policiesOf = (namespaceId: string): NamespacePolicies => ({
    names: async () => namesIn(await catalog.current('policies'), namespaceId),
    async text(name) {
      if (!isName(name)) return undefined;
      const text = (await catalog.current('policies')).get(keyOf(namespaceId, name)) as string | undefined;
      return text ?? builtIn(namespaceId, name)?.text;
    },
    async put(name, text, claims) {
      if (!isName(name)) throw badRequest('a name cannot contain this character');
      if (FIXED_POLICIES.includes(name)) throw badRequest(`cannot update ${JSON.stringify(name)} policy`);
      parsePolicy(name, text);
      await catalog.change(putPolicy, { name: keyOf(namespaceId, name), text }, claims);
    },
    async remove(name, claims) {
      if (!isName(name)) return;
      await catalog.change(removePolicy, { name: keyOf(namespaceId, name) }, claims);
    },
  });

  return {
    of: policiesOf,
    parsed(namespaceId, name) {
      if (!isName(name)) return undefined;
      const key = keyOf(namespaceId, name);
      const text = catalog.entries('policies').get(key) as string | undefined;
      if (text === undefined) return builtIn(namespaceId, name);
      let policy = parsed.get(key);
      if (!policy) {
        policy = parsePolicy(name, text);
        parsed.set(key, policy);
      }
      return policy;
    },
    async forget(namespace) {
      await catalog.change(forgetPolicies, { namespace });
    },
  };
}
