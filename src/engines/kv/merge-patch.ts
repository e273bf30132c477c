/**
 * JSON merge patch (RFC 7396).
 *
 * @module
 */
import type { Json } from '../../model/json.ts';

/** RFC 7396 §2, MergePatch(Target, Patch). Changes neither argument; the result shares parts with both. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!(patch instanceof Map)) return patch;
  const merged = new Map(target instanceof Map ? target : []);
  for (const [key, value] of patch) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return merged;
}
