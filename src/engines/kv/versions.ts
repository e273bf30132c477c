/**
 * `delete/`, `undelete/` and `destroy/`: what happens to versions by their numbers (contract §8).
 *
 * @module
 */
import type { ActorContext, ActorOperation, Outcome } from '../../model/actor.ts';
import { changing, operation } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { KV_ERASED_PER_CHANGE } from '../../model/limits.ts';
import { commaInts } from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { configOf, type KvConfig } from './config.ts';
import { type Adopted, adopt, type KvState, kvSecret } from './kinds.ts';
import {
  deletionAt,
  erasing,
  hasRecord,
  isGone,
  mapVersions,
  type Secret,
  secretOf,
  type Version,
  versionAt,
} from './secret.ts';
import { asRequested, secretId } from './sending.ts';

const VERSIONS_PARAM = commaInts('Numbers of the versions.');

/** @throws CodedError where no number is given; the texts differ by a letter, and clients match them. */
function numbersOf(versions: number[] | undefined, missing: string): Set<number> {
  if (!versions?.length) throw badRequest(missing);
  return new Set(versions);
}

const MISSING = 'No version number provided';

export const deleteByNumber = changing({
  id: 'kv2.versions.delete',
  actor: kvSecret,
  summary: 'Deletes versions; they can be undeleted.',
  params: { versions: VERSIONS_PARAM },
  run(state, { versions }, ctx) {
    const numbers = numbersOf(versions, MISSING);
    if (!state) return { reply: {} };
    return adopt(state, ctx, (adopted) => deleteVersions(adopted, numbers, ctx));
  },
});

/** Marks versions as deleted, those that are not gone already. */
export function deleteVersions(
  adopted: Adopted,
  numbers: Iterable<number>,
  ctx: ActorContext,
): Outcome<KvState, LogicalReply> {
  const nowMs = ctx.now();
  return changed(adopted, numbers, (version) =>
    isGone(version, nowMs) ? version : { ...version, deletionAtMs: nowMs, deleted: true },
  );
}

interface Undelete {
  readonly versions: readonly number[];
  readonly config: KvConfig;
}

const undelete: ActorOperation<KvState, Undelete, LogicalReply> = {
  id: 'kv2.versions.undelete',
  actor: kvSecret,
  mode: 'change',
  run(state, { versions, config }, ctx) {
    if (!state) return { reply: {} };
    return adopt(state, ctx, (adopted) => {
      // The time to live begins anew, also for a version that was not deleted.
      const deletionAtMs = deletionAt(adopted.secret!, config, ctx.now());
      return changed(adopted, versions, (version) =>
        version.destroyed || (!version.deleted && version.deletionAtMs === deletionAtMs)
          ? version
          : { ...version, deletionAtMs, deleted: false },
      );
    });
  },
};

export const undeleteByNumber = operation({
  summary: 'Brings deleted versions back, not destroyed ones.',
  params: { versions: VERSIONS_PARAM },
  async run({ versions }, ctx) {
    const numbers = [...numbersOf(versions, MISSING)];
    const config = await configOf(ctx);
    return ctx.cluster.send(undelete, secretId(ctx), { versions: numbers, config }, asRequested(ctx));
  },
});

/** Destroys as many of the versions as fit into one change; replies whether some are left. */
const destroy: ActorOperation<KvState, readonly number[], boolean> = {
  id: 'kv2.versions.destroy',
  actor: kvSecret,
  mode: 'change',
  run(state, versions, ctx) {
    if (!state) return { reply: false };
    return adopt(state, ctx, (adopted) => {
      const there = versions.filter((number) => versionAt(adopted.secret!, number)?.destroyed === false);
      const now = there.slice(0, KV_ERASED_PER_CHANGE);
      const stored = now.filter((number) => hasRecord(versionAt(adopted.secret!, number)!));
      const { next } = changed(adopted, now, (version) => ({
        ...version,
        destroyed: true,
        payload: undefined,
      }));
      const reply = there.length > now.length;
      return next ? { reply, next: { ...next, records: [...next.records!, ...erasing(stored)] } } : { reply };
    });
  },
};

export const destroyByNumber = operation({
  summary: 'Destroys versions: their values are erased.',
  params: { versions: VERSIONS_PARAM },
  async run({ versions }, ctx): Promise<LogicalReply> {
    const numbers = [...numbersOf(versions, MISSING.toLowerCase())];
    // Each step is whole in itself, and one that is repeated does nothing.
    while (await ctx.cluster.send(destroy, secretId(ctx), numbers, asRequested(ctx)));
    return {};
  },
});

/** With some versions changed; without `next` where none was. */
function changed(
  { secret, records }: Adopted,
  numbers: Iterable<number>,
  change: (version: Version) => Version,
): Outcome<KvState, LogicalReply> {
  const before = secret as Secret;
  const versions = mapVersions(before, numbers, change);
  if (versions === before.versions) return { reply: {} };
  return { reply: {}, next: { state: secretOf({ ...before, versions }), records } };
}

export const versionSends = [undelete, destroy];
