/**
 * Tables of configuration keys, and the reader that goes through a block by such a table: it names file, line and column of what it
 * refuses, and says what it does not know.
 *
 * @module
 */
import { HclError, type HclItem, type HclValue, objectOf, type Position } from '../model/hcl.ts';

/** The configuration cannot be used. The message names file, line, column, key, and what was expected. Holds no value. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** Where we are: a file, the blocks around us, and the list that warnings go to. */
export interface Scope {
  readonly file: string;
  /** Such as `listener "tcp": `, or empty. */
  readonly inside: string;
  readonly warnings: string[];
}

/** A key with a value that is used. */
export interface ValueField<T> {
  readonly kind: 'value';
  /** @throws HclError at the value's place. */
  read(value: HclValue, scope: Scope): T;
}

/** A key of Vault's that does nothing here. `why` ends the sentence "… has no effect: ". */
interface UnusedField {
  readonly kind: 'unused';
  readonly why: string;
}

/** A key that must not be passed over, since the server would not be what was asked for. */
interface RefusedField {
  readonly kind: 'refused';
  readonly why: string;
  /** `false` may be written: it is what happens anyway. */
  readonly falseIsFine: boolean;
}

export type Field<T> = ValueField<T> | UnusedField | RefusedField;
// biome-ignore lint/suspicious/noExplicitAny: a table holds fields of many types; each is typed where it is declared
export type Fields = Readonly<Record<string, Field<any>>>;

type ValueOf<F> = F extends ValueField<infer T> ? T : never;
/** What a block said: the values of its value fields, undefined where the key was not there. */
export type Values<F extends Fields> = {
  -readonly [K in keyof F as F[K] extends ValueField<unknown> ? K : never]?: ValueOf<F[K]>;
};

export interface Section<F extends Fields> {
  readonly values: Values<F>;
  /** Where each key stands, `file:line:column`. */
  readonly places: { readonly [key: string]: string | undefined };
}

export function value<T>(read: (value: HclValue, scope: Scope) => T): ValueField<T> {
  return { kind: 'value', read };
}

export function unused(why: string): UnusedField {
  return { kind: 'unused', why };
}

export function refused(why: string): RefusedField {
  return { kind: 'refused', why, falseIsFine: false };
}

export function refusedUnlessFalse(why: string): RefusedField {
  return { kind: 'refused', why, falseIsFine: true };
}

/** A block inside a block: `telemetry { … }`. */
export function block<F extends Fields>(name: string, fields: F): ValueField<Values<F>> {
  return value((node, scope) => {
    const { items } = blockBody(node);
    return readFields(fields, items, { ...scope, inside: `${scope.inside}${name}: ` }).values;
  });
}

/** In JSON a block may stand in a list of one. */
export function blockBody(node: HclValue): {
  readonly items: readonly HclItem[];
  readonly position: Position;
} {
  const only = node.kind === 'list' && node.elements.length === 1 ? (node.elements[0] as HclValue) : node;
  return objectOf(only);
}

/**
 * Reads a block. Keys are found in any case, as in Vault.
 * @param others - Keys that somebody else reads; lower-case.
 * @throws ConfigError
 */
export function readFields<F extends Fields>(
  fields: F,
  items: readonly HclItem[],
  scope: Scope,
  others: ReadonlySet<string> = NOTHING,
): Section<F> {
  const values: Record<string, unknown> = {};
  const places: Record<string, string> = Object.create(null);
  for (const { keys, value: node } of items) {
    const key = keys[0];
    if (key === undefined) continue;
    const name = key.text.toLowerCase();
    if (others.has(name)) continue;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const place = placeOf(scope, key.position);
    if (field === undefined) {
      scope.warnings.push(
        `unknown or unsupported field ${scope.inside}${key.text} found in configuration at ${place}`,
      );
      continue;
    }
    if (keys.length > 1 && field.kind === 'value')
      throw new ConfigError(`${place}: ${scope.inside}${name}: expected no label behind it`);
    if (places[name] !== undefined) {
      scope.warnings.push(`${place}: ${scope.inside}${name} is set for the second time; this one counts`);
    }
    places[name] = place;
    readField(field, name, node, place, scope, values);
  }
  return { values: values as Values<F>, places };
}

const NOTHING: ReadonlySet<string> = new Set();

function readField(
  field: Field<unknown>,
  name: string,
  node: HclValue,
  place: string,
  scope: Scope,
  values: Record<string, unknown>,
): void {
  if (field.kind === 'unused') {
    scope.warnings.push(`${place}: ${scope.inside}${name} has no effect: ${field.why}`);
    return;
  }
  if (field.kind === 'refused') {
    const isFalse =
      node.kind === 'bool' ? node.text === 'false' : 'text' in node && ['false', '0', ''].includes(node.text);
    if (!field.falseIsFine || !isFalse)
      throw new ConfigError(`${place}: ${scope.inside}${name}: ${field.why}`);
    return;
  }
  // JSON's null is what HCL has no word for: the key is not set.
  if (node.kind === 'null') return;
  values[name] = located(scope, name, () => field.read(node, scope));
}

/** Runs `read`; what it finds wrong becomes a ConfigError that names the file and the key. */
export function located<T>(scope: Scope, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    const what = name === '' ? scope.inside : `${scope.inside}${name}: `;
    throw new ConfigError(`${placeOf(scope, error.position)}: ${what}${error.reason}`);
  }
}

export function placeOf(scope: Pick<Scope, 'file'>, { line, column }: Position): string {
  return `${scope.file}:${line}:${column}`;
}
