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
  /** Sorted, without `root` and `response-wrapping`, as all members have them. */
  names(): Promise<string[]>;
  /** As written, as all members have it; also of the built-in ones but `root`. */
  text(name: string): Promise<string | undefined>;
  /** As it is enforced here. @throws CodedError where a policy that was taken once cannot be read any more. */
  parsed(name: string): Policy | undefined;
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

const BUILT_IN = new Map([ROOT_POLICY, RESPONSE_WRAPPING_POLICY].map((policy) => [policy.name, policy]));

export function makePolicyStore(catalog: Catalog): PolicyStore {
  let parsed = new Map<string, Policy>();
  catalog.watch('policies', () => {
    parsed = new Map();
  });
  const textOf = (name: string) => catalog.entries('policies').get(name) as string | undefined;

  return {
    names: async () => [...(await catalog.current('policies')).keys()].sort(),
    async text(name) {
      const text = (await catalog.current('policies')).get(name) as string | undefined;
      return text ?? BUILT_IN.get(name)?.text;
    },
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
