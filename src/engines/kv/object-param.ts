/**
 * The parameter type of `data`, `options` and `custom_metadata`: an object whose absence, null and content all mean something.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import type { Param } from '../../model/params.ts';

/** An object, its values untouched. An empty list counts as an empty object, since some languages cannot tell them apart. */
export function objectOrNull(description: string): Param<JsonMap | null | undefined> {
  return {
    type: 'object',
    description,
    decode(json) {
      if (json === null || json instanceof Map) return json;
      if (Array.isArray(json) && json.length === 0) return new Map();
      throw new Error('expected an object');
    },
  };
}
