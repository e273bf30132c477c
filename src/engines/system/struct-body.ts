/**
 * Bodies that Vault decodes into a Go struct (init, unseal, rekey …): names match whatever their case, types are strict, null is nothing, and what
 * is not known is left aside.
 *
 * @module
 */
import { badRequest, type CodedError } from '../../model/errors.ts';
import { type Json, type JsonMap, JsonNumber } from '../../model/json.ts';
import type { Request } from '../../model/request.ts';

export interface StructBody {
  /** '' where it was not sent. */
  text(name: string): string;
  /** 0 where it was not sent. */
  whole(name: string): number;
  flag(name: string): boolean;
  /** A list of texts; empty where it was not sent. */
  texts(name: string): string[];
  /** Anything but an empty list, text, object, 0 or false? */
  isSet(name: string): boolean;
}

/** @param body - undefined: none was sent. The readers throw CodedError `bad_request` for another type. */
export function structBody(body: JsonMap | undefined): StructBody {
  const members = new Map<string, Json>();
  for (const [name, value] of body ?? []) {
    if (value !== null) members.set(name.toLowerCase(), value);
  }
  return {
    text(name) {
      const value = members.get(name) ?? '';
      if (typeof value !== 'string') throw wrongType(name, 'a string');
      return value;
    },
    whole(name) {
      const value = members.get(name);
      if (value === undefined) return 0;
      const number =
        value instanceof JsonNumber && /^-?\d{1,15}$/.test(value.text) ? Number(value.text) : undefined;
      if (number === undefined) throw wrongType(name, 'a whole number');
      return number;
    },
    flag(name) {
      const value = members.get(name) ?? false;
      if (typeof value !== 'boolean') throw wrongType(name, 'a boolean');
      return value;
    },
    texts(name) {
      const value = members.get(name) ?? [];
      if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
        throw wrongType(name, 'a list of strings');
      return value as string[];
    },
    isSet(name) {
      const value = members.get(name) ?? false;
      if (Array.isArray(value)) return value.length > 0;
      if (value instanceof Map) return value.size > 0;
      if (value instanceof JsonNumber) return Number(value.text) !== 0;
      return value !== '' && value !== false;
    },
  };
}

/** Of the operation that a DELETE is to end: clients send it in the body, or in the query. */
export function nonceToEnd({ body, query }: Pick<Request, 'body' | 'query'>): string {
  return structBody(body ?? query).text('nonce');
}

function wrongType(name: string, expected: string): CodedError {
  return badRequest(`failed to parse JSON input: "${name}" is not ${expected}`);
}
