/**
 * Policies of the catalog: their text as it was written, parsed once per change.
 *
 * @module
 */
import { FIXED_POLICIES, RESPONSE_WRAPPING_POLICY, ROOT_POLICY } from '../auth/policies/built-in.ts';
import { type Policy, parsePolicy } from '../auth/policies/parse.ts';
import type { Catalog, SectionChange } from '../cluster/catalog.ts';
import type { Claims } from '../model/actor.ts';
import { badRequest } from '../model/errors.ts';
import { unchanged } from './section-change.ts';

export interface PolicyStore {
  /** Sorted, without `root` and `response-wrapping`. */
  names(): string[];
  /** As written; also of the built-in ones but `root`. */
  text(name: string): string | undefined;
  /** @throws CodedError where a policy that was taken once cannot be read any more. */
  parsed(name: string): Policy | undefined;
  /** @throws CodedError, `failed to parse policy: …`. */
  put(name: string, text: string, claims: Claims): Promise<void>;
  remove(name: string, claims: Claims): Promise<void>;
}

const putPolicy: SectionChange<{ name: string; text: string }, void> = {
  id: 'policies/put',
  section: 'policies',
  run: (_entries, { name, text }) => ({ patch: { [name]: text }, reply: undefined }),
};

const removePolicy: SectionChange<{ name: string }, void> = {
  id: 'policies/remove',
  section: 'policies',
  run: (entries, { name }) => (entries.has(name) ? { patch: { [name]: null }, reply: undefined } : unchanged),
};

const BUILT_IN = new Map([ROOT_POLICY, RESPONSE_WRAPPING_POLICY].map((policy) => [policy.name, policy]));

export function makePolicyStore(catalog: Catalog): PolicyStore {
  let parsed = new Map<string, Policy>();
  catalog.watch('policies', () => {
    parsed = new Map();
  });
  const textOf = (name: string) => catalog.entries('policies').get(name) as string | undefined;

  return {
    names: () => [...catalog.entries('policies').keys()].sort(),
    text: (name) => textOf(name) ?? BUILT_IN.get(name)?.text,
    parsed(name) {
      const text = textOf(name);
      if (text === undefined) return BUILT_IN.get(name);
      let policy = parsed.get(name);
      if (!policy) {
        policy = parsePolicy(name, text);
        parsed.set(name, policy);
      }
      return policy;
    },
    async put(name, text, claims) {
      if (FIXED_POLICIES.includes(name)) throw badRequest(`cannot update ${JSON.stringify(name)} policy`);
      parsePolicy(name, text);
      await catalog.change(putPolicy, { name, text }, claims);
    },
    async remove(name, claims) {
      await catalog.change(removePolicy, { name }, claims);
    },
  };
}
