/**
 * Names of policies as tokens carry them: lower-case, sorted, each once.
 *
 * @module
 */

/** `root` stands alone; `default` is added where asked for. */
export function sanitizePolicies(names: readonly string[], addDefault: boolean): string[] {
  const clean = new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''));
  if (clean.has('root')) return ['root'];
  if (addDefault) clean.add('default');
  return [...clean].sort();
}

export function isSubset(names: readonly string[], of: readonly string[]): boolean {
  return names.every((name) => of.includes(name));
}
