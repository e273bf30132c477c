/**
 * Lists of `metadata/` and `detailed-metadata/` (contract §8).
 *
 * @module
 */
import type { ActorOperation } from '../../model/actor.ts';
import { operation, type RouteContext } from '../../model/engine.ts';
import type { Encodable } from '../../model/json.ts';
import { KV_SENT_AT_ONCE } from '../../model/limits.ts';
import type { LogicalReply } from '../../model/request.ts';
import { asSecret, type KvState, kvSecret } from './kinds.ts';
import { asFolder, LIST_PARAMS, namesBelow } from './list.ts';
import { type Described, describe } from './metadata.ts';
import { asRequested, secretId } from './sending.ts';

export const listMetadata = operation({
  summary: 'Lists the names below a path.',
  params: LIST_PARAMS,
  run: async (page, ctx) => ({
    data: { keys: await namesBelow(kvSecret.kind, asFolder(ctx.captures.path ?? ''), page, ctx) },
  }),
});

const describeOp: ActorOperation<KvState, undefined, Described | undefined> = {
  id: 'kv2.metadata.describe',
  actor: kvSecret,
  mode: 'read',
  run(state) {
    const secret = asSecret(state);
    return { reply: secret && describe(secret) };
  },
};

export const listDetailed = operation({
  summary: 'Lists the names below a path, with the metadata of the secrets among them.',
  params: LIST_PARAMS,
  async run(page, ctx): Promise<LogicalReply> {
    const folder = asFolder(ctx.captures.path ?? '');
    const keys = await namesBelow(kvSecret.kind, folder, page, ctx);
    if (keys.length === 0) return { data: { keys } };
    const about = new Map<string, Encodable>();
    for (let at = 0; at < keys.length; at += KV_SENT_AT_ONCE) {
      const some = keys.slice(at, at + KV_SENT_AT_ONCE);
      const described = await Promise.all(some.map((key) => describeOne(folder + key, ctx)));
      for (const [i, key] of some.entries()) about.set(key, described[i] ?? {});
    }
    return { data: { key_info: about, keys } };
  },
});

/** Nothing for folders, and for what was deleted since it was listed. */
async function describeOne(path: string, ctx: RouteContext): Promise<Described | undefined> {
  if (path.endsWith('/')) return undefined;
  return ctx.cluster.send(describeOp, secretId(ctx, path), undefined, asRequested(ctx));
}

export const metadataListSends = [describeOp];
