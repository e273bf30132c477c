/**
 * JSON as this program holds it: objects are Maps (so `__proto__` and `10` are keys like any other), numbers keep their text.
 *
 * @module
 */

/** A number exactly as it was written. `1.0`, `1e3` and 20 digits survive. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type JsonMap = Map<string, Json>;
/** What the parser makes. */
export type Json = null | boolean | string | JsonNumber | Json[] | JsonMap;

/** Text that is JSON already and goes out as it is. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What the encoder takes: parsed JSON, and plain objects and numbers that handlers build. `undefined` members are left out. */
export type Encodable =
  | Json
  | number
  | bigint
  | RawJson
  | undefined
  | readonly Encodable[]
  | ReadonlyMap<string, Encodable>
  | { readonly [key: string]: Encodable };
