/**
 * The rules of a token's policies, those of the same path merged, and the search for the one that decides.
 *
 * @module
 */
import type { PathRule } from './parse.ts';
import { foldBelow, matches, type Pattern, type SegmentPattern } from './pattern.ts';
import { Rule } from './rule.ts';
import { RuleTree } from './rule-tree.ts';

/** A rule whose path is filled in, and the policy that has it. */
export interface Entry {
  readonly pattern: Pattern;
  readonly rule: PathRule;
  readonly policy: string;
}

export class RuleSet {
  readonly exact = new Map<string, Rule>();
  readonly prefixes = new Map<string, Rule>();
  readonly segments = new Map<string, { readonly pattern: SegmentPattern; readonly rule: Rule }>();
  readonly #entries: readonly Entry[];
  readonly #tree = new RuleTree<Rule>();
  readonly #folded = new Map<string, RuleSet>();

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    for (const entry of entries) this.#add(entry);
    for (const [text, rule] of this.prefixes) this.#tree.addPrefix(text, rule);
    this.#tree.addSegments([...this.segments.values()]);
  }

  #add({ pattern, rule, policy }: Entry): void {
    const known = this.#known(pattern);
    if (known !== undefined) known.merge(rule, policy);
    else if (pattern.kind === 'exact') this.exact.set(pattern.text, new Rule(rule, policy));
    else if (pattern.kind === 'prefix') this.prefixes.set(pattern.text, new Rule(rule, policy));
    else this.segments.set(pattern.key, { pattern, rule: new Rule(rule, policy) });
  }

  #known(pattern: Pattern): Rule | undefined {
    if (pattern.kind === 'exact') return this.exact.get(pattern.text);
    return pattern.kind === 'prefix' ? this.prefixes.get(pattern.text) : this.segments.get(pattern.key)?.rule;
  }

  /**
   * The one rule that decides. A list, which always ends in a slash, is also decided by a rule for its path without it, but only
   * where no rule speaks of the path with it: otherwise a denial of `a/*` would be passed by (GHSA-xp3c).
   */
  find(path: string, isList: boolean): Rule | undefined {
    const exact = this.exact.get(path);
    if (exact !== undefined) return exact;
    if (!isList || !path.endsWith('/')) return this.#tree.find(path);
    const bare = path.slice(0, -1);
    return this.exact.get(bare) ?? this.#tree.find(path) ?? this.#tree.find(bare);
  }

  /** All rules that match, the one that decides among them. For explanations: looks at each. */
  matching(path: string, isList: boolean): Rule[] {
    const paths = isList && path.endsWith('/') ? [path, path.slice(0, -1)] : [path];
    const found = this.#entries.filter(({ pattern }) => paths.some((one) => matches(pattern, one)));
    return [...new Set(found.map(({ pattern }) => this.#known(pattern) as Rule))];
  }

  /** The blocks that a rule is merged from, in the order of the token's policies. */
  entriesOf(rule: Rule): readonly Entry[] {
    return this.#entries.filter(({ pattern }) => this.#known(pattern) === rule);
  }

  /**
   * The same rules for paths whose names below `mount` are lower-case, whatever the request spelled: what a policy says of
   * `users/Bob` is said of `users/bob`, else a denial written with a capital would deny nothing (CVE-2026-89322).
   * @param mount - Ends in `/`. One set is kept for each.
   */
  folded(mount: string): RuleSet {
    let folded = this.#folded.get(mount);
    if (folded === undefined) {
      folded = new RuleSet(
        this.#entries.map((entry) => ({ ...entry, pattern: foldBelow(entry.pattern, mount) })),
      );
      this.#folded.set(mount, folded);
    }
    return folded;
  }
}
