/**
 * A shell asks what its line can go on with: by COMP_LINE and COMP_POINT, as bash's `complete -C` does and as Vault's own lines in `.bashrc` have it.
 *
 * @module
 */
import type { Writable } from 'node:stream';
import type { Environment } from '../environment.ts';
import { candidatesFor } from './candidates.ts';
import { escapedForBash, isPlain, type Line, parseLine } from './words.ts';

/**
 * Prints candidates, one a line.
 * @param argv - of bash: the program, the word as bash sees it (which breaks words at `=` and `:`), the word before.
 */
export async function complete(
  program: string,
  argv: readonly string[],
  env: Environment,
  out: Writable,
): Promise<number> {
  const text = env.COMP_LINE ?? '';
  const point = /^\d+$/.test(env.COMP_POINT ?? '') ? Number(env.COMP_POINT) : Number.POSITIVE_INFINITY;
  // bash counts bytes or characters, as its locale has it; beyond the line is at its end.
  const line = parseLine(upTo(text, point));
  const found = await candidatesFor(line, program, env);
  found.sort((a, b) => (a.text < b.text ? -1 : 1));
  const shell = env.COFFER_COMPLETE ?? 'bash';
  const lines = found.flatMap(({ text: one, about, isWhole }) => {
    if (shell === 'fish') return [about === '' ? one : `${one}\t${about}`];
    if (shell === 'zsh') return [`${one}${isWhole ? ' ' : ''}`];
    return forBash(one, isWhole, line, argv[1]);
  });
  out.write(lines.map((one) => `${one}\n`).join(''));
  return 0;
}

function upTo(text: string, point: number): string {
  return point >= text.length ? text : text.slice(0, point);
}

/** Only the part behind what bash holds for the beginning of the word; with the blank that ends it, since bash is told to add none. */
function forBash(
  text: string,
  isWhole: boolean,
  { typed, isQuoted }: Line,
  seen: string | undefined,
): string[] {
  // Within quotes other signs mean more than themselves.
  if (isQuoted && !isPlain(text)) return [];
  const escaped = escapedForBash(text);
  const passed = seen !== undefined && typed.endsWith(seen) ? typed.length - seen.length : 0;
  const before = isQuoted ? 0 : passed;
  // Spelled otherwise than we would: what follows would not be what it seems.
  if (!escaped.startsWith(typed.slice(0, before))) return [];
  return [`${escaped.slice(before)}${isWhole ? ' ' : ''}`];
}
