/**
 * `{{identity…}}` in the paths of policies.
 *
 * What is a pattern and what is not is decided on the policy's own text, before any value is filled in: a value is data, whatever
 * characters it holds (CVE-2026-5006, GHSA-59w7: `*`, `+` and `/` in names of identities reached the ACL).
 *
 * @module
 */

/** The value of a directive such as `identity.entity.metadata.team`; undefined where there is none. */
export type TemplateValues = (directive: string) => string | undefined;

/** Stands for the nth directive in `Template.text`. Policies cannot hold it: NUL is refused in paths. */
const MARK = '\u0000';

export interface Template {
  /** The path with MARK in place of each directive. */
  readonly text: string;
  /** What stood between the braces, trimmed, in order. */
  readonly directives: readonly string[];
}

/** @returns undefined where the braces do not match. */
export function parseTemplate(path: string): Template | undefined {
  const [first = '', ...pieces] = path.split('{{');
  if (first.includes('}}')) return undefined;
  const directives: string[] = [];
  let text = first;
  for (const piece of pieces) {
    const halves = piece.split('}}');
    if (halves.length !== 2) return undefined;
    directives.push((halves[0] as string).trim());
    text += MARK + halves[1];
  }
  return { text, directives };
}

/** The directives' values, in order; undefined as soon as one is missing or empty. */
export function valuesOf(template: Template, values: TemplateValues): string[] | undefined {
  const found: string[] = [];
  for (const directive of template.directives) {
    const value = values(directive);
    if (value === undefined || value === '') return undefined;
    found.push(value);
  }
  return found;
}

/** Puts values in place of the marks of `text`, a part of `template.text`, from the `from`th on. */
export function fill(text: string, values: readonly string[], from: number): { text: string; next: number } {
  const pieces = text.split(MARK);
  let filled = pieces[0] as string;
  for (let index = 1; index < pieces.length; index++)
    filled += (values[from + index - 1] ?? '') + pieces[index];
  return { text: filled, next: from + pieces.length - 1 };
}
