/**
 * The code blocks of a page, to be run as they stand: what stands behind `sh` in a block's first line says where and how.
 *
 *     sh on=1            on the first machine; `on=all`: on each
 *     sh … me            the first machine's address stands for the address of each
 *     sh … shows="…"     what it prints must match
 *     sh … until="…"     run again until what it prints matches
 *
 * @module
 */
import assert from 'node:assert/strict';

export interface DocBlock {
  readonly line: number;
  readonly text: string;
  readonly machines: readonly number[];
  readonly me: boolean;
  readonly shows?: RegExp;
  readonly until?: RegExp;
}

/** @param machines - how many there are. */
export function docBlocks(page: string, machines: number): DocBlock[] {
  const blocks: DocBlock[] = [];
  const lines = page.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, info] = /^```sh (.*)$/.exec(lines[at]!) ?? [];
    if (info === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    assert(end > at, `line ${at + 1}: the block has no end`);
    const [, on] = /\bon=(\d|all)\b/.exec(info) ?? [];
    assert(on !== undefined, `line ${at + 1}: on which machine?`);
    blocks.push({
      line: at + 1,
      text: lines.slice(at + 1, end).join('\n'),
      machines: on === 'all' ? Array.from({ length: machines }, (_, n) => n + 1) : [Number(on)],
      me: /\bme\b/.test(info),
      shows: patternOf(info, 'shows'),
      until: patternOf(info, 'until'),
    });
    at = end;
  }
  return blocks;
}

function patternOf(info: string, name: string): RegExp | undefined {
  const [, pattern] = new RegExp(`\\b${name}="([^"]*)"`).exec(info) ?? [];
  return pattern === undefined ? undefined : new RegExp(pattern, 's');
}
