/**
 * KV version 1: one value per path, returned as it was sent (contract §7).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { changing, engine, operation, reading } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { RawJson } from '../../model/json.ts';
import type { LogicalReply } from '../../model/request.ts';
import { type KvState, kvSecret } from './kinds.ts';
import { asFolder, LIST_PARAMS, namesBelow } from './list.ts';
import { kvSearchSends } from './search.ts';
import { deleteValue, leaseAskedFor, textOf, VALUE_FORMAT, type Value, writeValue } from './value.ts';

/** A mount never goes back from v2 to v1, so v1 sees what v1 wrote. */
function asValue(state: KvState): Value | undefined {
  if (!state) return undefined;
  assert(state.form === VALUE_FORMAT, 'v1 on a versioned secret');
  return state;
}

const readValue = reading({
  id: 'kv1.read',
  actor: kvSecret,
  summary: 'Reads a secret.',
  params: {},
  wholeBody: true,
  run(state, _params, ctx) {
    const value = asValue(state);
    if (!value) return {};
    const text = textOf(value, ctx);
    return typeof text === 'string' ? valueReply(value, text) : text.then((t) => valueReply(value, t));
  },
});

function valueReply({ lease }: Value, text: string): LogicalReply {
  const data = new RawJson(text);
  return lease === undefined ? { data, leaseOfMount: true } : { data, leaseDuration: lease };
}

const write = changing({
  id: 'kv1.write',
  actor: kvSecret,
  summary: 'Writes a secret: all of the body is the value.',
  params: {},
  wholeBody: true,
  exists: (state) => state !== undefined,
  run(state, _params, ctx, sent) {
    if (ctx.id.name === '') throw badRequest('missing path');
    return writeValue(asValue(state), sent, leaseAskedFor(sent), ctx);
  },
});

const remove = changing({
  id: 'kv1.delete',
  actor: kvSecret,
  summary: 'Deletes a secret.',
  params: {},
  run: (state) => deleteValue(asValue(state)),
});

const list = operation({
  summary: 'Lists the names below a path.',
  params: LIST_PARAMS,
  run: async (page, ctx) => ({
    data: { keys: await namesBelow(kvSecret.kind, asFolder(ctx.captures.path!), page, ctx) },
  }),
});

export const kv1 = engine(
  'kv',
  'Key-value secrets, one value per path.',
  { ':path*': { read: readValue, update: write, delete: remove, list } },
  kvSearchSends,
);
