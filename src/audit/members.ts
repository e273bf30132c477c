/**
 * JSON objects built by hand: twice for each request, so nothing is built that is not written.
 *
 * @module
 */
import { encodeString } from '../model/json-encoder.ts';

/** One JSON object, member by member; what is empty is left out, as Go's `omitempty` does. */
export class Members {
  private json = '{';
  private begun = false;

  /** Members that are JSON already, without braces. */
  text(members: string): void {
    this.json += this.begun ? `,${members}` : members;
    this.begun = true;
  }
  raw(name: string, json: string): void {
    this.json += this.begun ? `,"${name}":${json}` : `"${name}":${json}`;
    this.begun = true;
  }
  string(name: string, value: string | undefined): void {
    if (value) this.raw(name, encodeString(value));
  }
  strings(name: string, values: readonly string[] | undefined): void {
    if (values && values.length > 0) this.raw(name, `[${values.map(encodeString).join(',')}]`);
  }
  number(name: string, value: number | undefined): void {
    if (value) this.raw(name, String(value));
  }
  flag(name: string, value: boolean | undefined): void {
    if (value) this.raw(name, 'true');
  }
  end(): string {
    return `${this.json}}`;
  }
}

export interface Keeper<T extends object> {
  get(from: T): string | undefined;
  keep(from: T, text: string): string;
}

/**
 * Keeps a text with the object it was made from. A property and not a WeakMap: with a hundred thousand short-lived objects a second,
 * a WeakMap's entries were a quarter of all the time spent, in the garbage collector.
 */
export function makeKeeper<T extends object>(): Keeper<T> {
  const slot = Symbol('text');
  return {
    get: (from) => (from as { [slot]?: string })[slot],
    keep: (from, text) => ((from as { [slot]?: string })[slot] = text),
  };
}
