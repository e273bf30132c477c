/**
 * What an HCL 1 or JSON configuration text is made of, with the place of every key and value in it, so that whoever reads a value
 * that will not do can say where it stands.
 *
 * @module
 */

/** Where something starts. Both count from 1; a column is a character (code point), not a byte. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Comment {
  /** With its marks: `# …`, `// …` or `/* … *\/`. */
  readonly text: string;
  readonly position: Position;
}

/** Comments with no token and no empty line between them. Never empty. */
export type CommentGroup = readonly Comment[];

export interface HclKey {
  /** What it says, without quotes and escapes. */
  readonly text: string;
  /** As it was written. */
  readonly raw: string;
  readonly position: Position;
}

/** `key = value`, `key "label" { … }`, or a member of a JSON object. */
export interface HclItem {
  /** Never empty. More than one only in front of a block. */
  readonly keys: readonly HclKey[];
  /** Where the `=` (in JSON the `:`) stands; undefined in front of a block. */
  readonly assign: Position | undefined;
  readonly value: HclValue;
  /** The comment that ends on the line before. */
  readonly leadComment: CommentGroup | undefined;
  /** The comment behind it on its line. */
  readonly lineComment: CommentGroup | undefined;
}

export interface HclObject {
  readonly kind: 'object';
  readonly position: Position;
  readonly end: Position;
  readonly items: readonly HclItem[];
}

export interface HclList {
  readonly kind: 'list';
  readonly position: Position;
  readonly elements: readonly HclValue[];
}

export interface HclLiteral {
  /** `number` is an integer, `float` has a point or an exponent, `null` exists in JSON only. */
  readonly kind: 'string' | 'heredoc' | 'number' | 'float' | 'bool' | 'null';
  /** As it was written; for numbers and bools this is the value. */
  readonly raw: string;
  /** What a string or heredoc says; the same as `raw` for the other kinds. */
  readonly text: string;
  readonly position: Position;
  /** Only in lists; elsewhere the item has them. */
  readonly leadComment: CommentGroup | undefined;
  readonly lineComment: CommentGroup | undefined;
}

export type HclValue = HclObject | HclList | HclLiteral;

export interface HclFile {
  readonly items: readonly HclItem[];
  /** Every comment, in the order of the text. */
  readonly comments: readonly CommentGroup[];
  readonly syntax: 'hcl' | 'json';
}

/** The text is not HCL 1 or JSON, or passes a limit. `reason` says what was expected. Holds no value of the text, only names. */
export class HclError extends Error {
  readonly position: Position;
  readonly reason: string;

  constructor(position: Position, reason: string) {
    super(`At ${position.line}:${position.column}: ${reason}`);
    this.name = 'HclError';
    this.position = position;
    this.reason = reason;
  }
}

/** How messages name a value. */
export function kindName(value: HclValue): string {
  switch (value.kind) {
    case 'object':
      return 'a block';
    case 'list':
      return 'a list';
    case 'string':
    case 'heredoc':
      return 'a string';
    case 'number':
    case 'float':
      return 'a number';
    case 'bool':
      return 'true or false';
    case 'null':
      return 'null';
  }
}
