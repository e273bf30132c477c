/**
 * `subkeys/`: the shape of a secret without its values (contract §8).
 *
 * @module
 */
import { reading } from '../../model/engine.ts';
import { type Json, RawJson } from '../../model/json.ts';
import { encodeSorted } from '../../model/json-encoder.ts';
import { parseJson } from '../../model/json-parser.ts';
import { int } from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { findVersion, VERSION_PARAM } from './data.ts';
import { asSecret, kvSecret, payloadOf } from './kinds.ts';

export const readSubkeys = reading({
  id: 'kv2.subkeys.read',
  actor: kvSecret,
  summary: 'Reads the names within a secret, with null for each value.',
  params: {
    version: VERSION_PARAM,
    depth: int('How deep names are shown; 0: all.', { absent: 0 }),
  },
  async run(state, { version, depth }, ctx): Promise<LogicalReply> {
    const found = findVersion(asSecret(state), version, ctx.now());
    if (!found) return {};
    const { secret, number } = found;
    const metadata = new RawJson(found.metadata);
    if (found.isGone) return { status: 404, data: { metadata, subkeys: null } };
    const value = parseJson(await payloadOf(secret, number, ctx));
    // Its own text: nothing of the value may be left in it.
    const shape = new RawJson(encodeSorted(shapeOf(value, depth, 1)));
    return { data: { metadata, subkeys: shape } };
  },
});

/** Objects keep their names down to `depth`; an empty one, and everything else, is a leaf. */
export function shapeOf(value: Json, depth: number, level: number): Json {
  if (!(value instanceof Map)) return null;
  const shape = new Map<string, Json>();
  for (const [name, member] of value) {
    const isDeeper = member instanceof Map && member.size > 0 && (depth === 0 || level < depth);
    shape.set(name, isDeeper ? shapeOf(member, depth, level + 1) : null);
  }
  return shape;
}
