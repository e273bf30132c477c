/**
 * Patterns of `matches`, matched in time that is bounded by steps of the pattern times characters of the text. The language's own engine
 * goes back and tries again: `(a+)+$` of an operator would keep it busy for as long as somebody's path is made for it, and the whole node
 * with it.
 *
 * All that may come next is looked at together, character by character (Thompson's construction), so nothing is looked at twice.
 *
 * @module
 */
import { badRequest } from '../model/errors.ts';
import { AUDIT_MATCHED_CHARS_MAX, AUDIT_PATTERN_STEPS_MAX } from '../model/limits.ts';
import { type CharTest, WORD } from './pattern-classes.ts';
import { type Place, parsePattern, type Tree } from './pattern-syntax.ts';

/** One step; `to` and `or` are the numbers of those that follow. */
interface Step {
  readonly test?: CharTest;
  readonly place?: Place;
  to: number;
  or?: number;
}

const LINE_END = 10;
const NONE = -1;

/**
 * @returns what tells whether `pattern` is found in a text. Of a longer text the first AUDIT_MATCHED_CHARS_MAX are looked at.
 * @throws CodedError `bad_request` where it is not valid, or too large once its repetitions are written out.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const { steps, start, found } = compile(parsePattern(pattern));
  const isAnchored = steps[start]?.place === 'text start';
  const next = Int32Array.from(steps, ({ to }) => to);
  const other = Int32Array.from(steps, ({ or = NONE }) => or);
  const places = steps.map(({ place }) => place);
  const tests = steps.map(({ test }) => test);
  const tables = tables7Bit(tests);
  // Numbers of steps that may come next, and in which round each was last put there. Made once: a match is over before the next begins.
  let now = new Int32Array(steps.length);
  let later = new Int32Array(steps.length);
  let count = 0;
  const stack = new Int32Array(2 * steps.length + 2);
  const seen = new Float64Array(steps.length);
  let round = 0;

  /** Adds `step` to `list` at `count`, and what follows it without a character. @returns whether that is the end of the pattern. */
  function add(list: Int32Array, step: number, before: number, after: number): boolean {
    stack[0] = step;
    for (let depth = 1; depth > 0; ) {
      const at = stack[--depth]!;
      if (at === found) return true;
      if (seen[at] === round) continue;
      seen[at] = round;
      if (tables[at]) list[count++] = at;
      else {
        const place = places[at];
        if (place !== undefined && !isAt(place, before, after)) continue;
        stack[depth++] = next[at]!;
        if (other[at] !== NONE) stack[depth++] = other[at]!;
      }
    }
    return false;
  }

  return (whole) => {
    const text = whole.length > AUDIT_MATCHED_CHARS_MAX ? whole.slice(0, AUDIT_MATCHED_CHARS_MAX) : whole;
    count = 0;
    round++;
    let before = NONE;
    let code = text.codePointAt(0) ?? NONE;
    if (add(now, start, before, code)) return true;
    for (let at = 0; code !== NONE; ) {
      at += code > 0xffff ? 2 : 1;
      before = code;
      code = text.codePointAt(at) ?? NONE;
      round++;
      const held = count;
      count = 0;
      for (let index = 0; index < held; index++) {
        const step = now[index]!;
        const fits = before < 128 ? tables[step]![before] === 1 : tests[step]!(before);
        if (fits && add(later, next[step]!, before, code)) return true;
      }
      if (!isAnchored && add(later, start, before, code)) return true;
      if (count === 0 && isAnchored) return false;
      [now, later] = [later, now];
    }
    return false;
  };
}

/** Of each step that takes a character: which of ASCII, 1 where it does. */
function tables7Bit(tests: readonly (CharTest | undefined)[]): (Uint8Array | undefined)[] {
  const known = new Map<CharTest, Uint8Array>();
  return tests.map((test) => {
    if (!test) return undefined;
    let table = known.get(test);
    if (!table) {
      table = Uint8Array.from({ length: 128 }, (_, code) => Number(test(code)));
      known.set(test, table);
    }
    return table;
  });
}

function isAt(place: Place, before: number, after: number): boolean {
  switch (place) {
    case 'text start':
      return before === NONE;
    case 'text end':
      return after === NONE;
    case 'line start':
      return before === NONE || before === LINE_END;
    case 'line end':
      return after === NONE || after === LINE_END;
    case 'word edge':
      return WORD(before) !== WORD(after);
    case 'no word edge':
      return WORD(before) === WORD(after);
  }
}

/** Built from its end: each part is told what follows it. `found` is no step: whoever comes to it is through. */
function compile(tree: Tree): { steps: readonly Step[]; start: number; found: number } {
  const steps: Step[] = [{ to: 0 }];
  const found = 0;
  let made = 0;

  function step(one: Step): number {
    steps.push(one);
    return steps.length - 1;
  }

  /** Counts parts, not steps: an empty one repeated a thousand times a thousand times makes none, and takes as long. */
  function part(tree: Tree, to: number): number {
    if (++made > AUDIT_PATTERN_STEPS_MAX)
      throw badRequest('the expression holds a pattern that is too large once it is written out');
    switch (tree.kind) {
      case 'char':
        return step({ test: tree.test, to });
      case 'place':
        return step({ place: tree.place, to });
      case 'all':
        return tree.parts.reduceRight((next, one) => part(one, next), to);
      case 'one':
        return tree.parts.map((one) => part(one, to)).reduce((or, one) => step({ to: or, or: one }));
      case 'repeat':
        return repeat(tree, to);
    }
  }

  function repeat({ part: one, min, max }: Extract<Tree, { kind: 'repeat' }>, to: number): number {
    let next = to;
    if (max === undefined) {
      const loop: Step = { to: found, or: to };
      next = step(loop);
      loop.to = part(one, next);
    } else {
      for (let more = min; more < max; more++) next = step({ to: part(one, next), or: to });
    }
    for (let times = 0; times < min; times++) next = part(one, next);
    return next;
  }

  const start = part(tree, found);
  return { steps, start, found };
}
