/**
 * `metadata/`: a secret's settings and versions, and the end of a secret (contract §8).
 *
 * @module
 */
import type { ActorOperation } from '../../model/actor.ts';
import { existence, operation, type RouteContext, reading } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { type Encodable, RawJson } from '../../model/json.ts';
import { KV_ERASED_PER_CHANGE } from '../../model/limits.ts';
import { bool, duration, goDuration, int } from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { rfc3339 } from '../../model/time.ts';
import { configOf, type KvConfig, uint32 } from './config.ts';
import { customMetadataOf, patchCustomMetadata } from './custom-metadata.ts';
import { adopt, asSecret, type KvState, kvSecret } from './kinds.ts';
import { objectOrNull } from './object-param.ts';
import {
  erasing,
  firstVersion,
  hasRecord,
  NO_SECRET,
  type Secret,
  type SecretFields,
  secretOf,
  timeText,
} from './secret.ts';
import { asRequested, checkMayWrite, secretId } from './sending.ts';

export type Described = { [name: string]: Encodable };

export function describe(secret: Secret): Described {
  const versions: Described = {};
  let number = firstVersion(secret);
  for (const version of secret.versions) {
    versions[number++] = {
      created_time: rfc3339(version.createdAtMs),
      deletion_time: timeText(version.deletionAtMs),
      destroyed: version.destroyed,
    };
  }
  return {
    cas_required: secret.casRequired,
    created_time: rfc3339(secret.createdAtMs),
    current_metadata_version: secret.metadataVersion,
    current_version: secret.currentVersion,
    custom_metadata: secret.customMetadata === undefined ? null : new RawJson(secret.customMetadata),
    delete_version_after: goDuration(secret.deleteVersionAfter),
    max_versions: secret.maxVersions,
    metadata_cas_required: secret.metadataCasRequired,
    oldest_version: secret.oldestVersion,
    updated_time: rfc3339(secret.updatedAtMs),
    versions,
  };
}

export const readMetadata = reading({
  id: 'kv2.metadata.read',
  actor: kvSecret,
  summary: "Shows a secret's settings and versions.",
  params: {},
  run(state): LogicalReply {
    const secret = asSecret(state);
    return secret ? { data: describe(secret) } : {};
  },
});

/** What a write may set; undefined: stays. */
interface Settings {
  readonly maxVersions: number | undefined;
  readonly casRequired: boolean | undefined;
  readonly deleteVersionAfter: number | undefined;
  readonly metadataCasRequired: boolean | undefined;
}

interface Write {
  readonly settings: Settings;
  /** Null: take all away. A write replaces what is there, a patch is put over it; null values of a patch take their keys away. */
  readonly customMetadata: ReadonlyMap<string, string | null> | null | undefined;
  readonly metadataCas: number | undefined;
  readonly config: KvConfig;
}

const set: ActorOperation<KvState, Write, LogicalReply> = {
  id: 'kv2.metadata.write',
  actor: kvSecret,
  mode: 'change',
  run(state, write, ctx) {
    checkMayWrite(state !== undefined, ctx);
    if (isEmpty(write)) return { reply: {} };
    return adopt(state, ctx, ({ secret, records }) => {
      checkMetadataCas(secret, write);
      const nowMs = ctx.now();
      const before = secret ?? { ...NO_SECRET, createdAtMs: nowMs, updatedAtMs: nowMs };
      const custom = write.customMetadata;
      const customMetadata =
        custom === undefined ? before.customMetadata : patchCustomMetadata(undefined, custom ?? new Map());
      const next = secretOf({ ...applied(before, write.settings), customMetadata });
      return { reply: warnings(write), next: { state: next, records } };
    });
  },
};

const patch: ActorOperation<KvState, Write, LogicalReply> = {
  id: 'kv2.metadata.patch',
  actor: kvSecret,
  mode: 'change',
  run(state, write, ctx) {
    if (!state) return { reply: { status: 404 } };
    if (isEmpty(write)) return { reply: {} };
    return adopt(state, ctx, ({ secret, records }) => {
      checkMetadataCas(secret, write);
      const before = secret!;
      const custom = write.customMetadata;
      const customMetadata = custom
        ? patchCustomMetadata(before.customMetadata, custom)
        : custom === null
          ? undefined
          : before.customMetadata;
      const next = secretOf({ ...applied(before, write.settings), customMetadata });
      return { reply: warnings(write), next: { state: next, records } };
    });
  },
};

function isEmpty({ settings, customMetadata }: Write): boolean {
  return customMetadata === undefined && Object.values(settings).every((value) => value === undefined);
}

function applied(secret: SecretFields, settings: Settings): SecretFields {
  return {
    ...secret,
    maxVersions: settings.maxVersions ?? secret.maxVersions,
    casRequired: settings.casRequired ?? secret.casRequired,
    deleteVersionAfter: settings.deleteVersionAfter ?? secret.deleteVersionAfter,
    metadataCasRequired: settings.metadataCasRequired ?? secret.metadataCasRequired,
    metadataVersion: secret.metadataVersion + 1,
  };
}

/** OpenBao's check-and-set for metadata. @throws CodedError */
function checkMetadataCas(secret: Secret | undefined, { metadataCas, config }: Write): void {
  if (metadataCas === undefined) {
    if (config.metadataCasRequired || secret?.metadataCasRequired) {
      throw badRequest('metadata check-and-set parameter required for this call');
    }
  } else if (!secret && metadataCas !== 0) {
    throw badRequest('metadata_cas must be 0 when creating new metadata');
  } else if (secret && metadataCas !== secret.metadataVersion) {
    throw badRequest('metadata check-and-set parameter does not match the current version');
  }
}

/** Settings that the mount's override. */
function warnings({ settings, config }: Write): LogicalReply {
  const ignored: string[] = [];
  if (settings.casRequired === false && config.casRequired) ignored.push('cas_required');
  if (settings.metadataCasRequired === false && config.metadataCasRequired)
    ignored.push('metadata_cas_required');
  if (ignored.length === 0) return {};
  return {
    warnings: ignored.map(
      (name) => `"${name}" set to false, but is mandated by backend config. This value will be ignored.`,
    ),
  };
}

const WRITE_PARAMS = {
  max_versions: int("How many versions are kept; 0: as the mount's config says."),
  cas_required: bool('Must each write of data carry the cas option?'),
  delete_version_after: duration("Versions count as deleted after this; 0: as the mount's config says."),
  custom_metadata: objectOrNull('Any strings about the secret, by name.'),
  metadata_cas_required: bool('Must each write of metadata carry metadata_cas?'),
  metadata_cas: int('The metadata version that was read; 0: there must be none yet.'),
};

interface WriteParams {
  readonly max_versions: number | undefined;
  readonly cas_required: boolean | undefined;
  readonly delete_version_after: number | undefined;
  readonly metadata_cas_required: boolean | undefined;
  readonly metadata_cas: number | undefined;
}

async function messageOf(
  params: WriteParams,
  customMetadata: Write['customMetadata'],
  ctx: RouteContext,
): Promise<Write> {
  const settings: Settings = {
    maxVersions: params.max_versions === undefined ? undefined : uint32(params.max_versions),
    casRequired: params.cas_required,
    deleteVersionAfter: params.delete_version_after,
    metadataCasRequired: params.metadata_cas_required,
  };
  return { settings, customMetadata, metadataCas: params.metadata_cas, config: await configOf(ctx) };
}

export const writeMetadata = operation({
  summary:
    "Sets a secret's settings; fields that are not sent stay. Makes a secret without versions where there is none.",
  existence: existence({ id: 'kv2.metadata', actor: kvSecret }),
  params: WRITE_PARAMS,
  async run(params, ctx) {
    const custom = params.custom_metadata && customMetadataOf(params.custom_metadata, 'empty');
    return ctx.cluster.send(set, secretId(ctx), await messageOf(params, custom, ctx), asRequested(ctx));
  },
});

export const patchMetadata = operation({
  summary: "Changes a secret's settings; null resets a field, and takes a key of custom_metadata away.",
  params: WRITE_PARAMS,
  async run(params, ctx) {
    const custom = params.custom_metadata && new Map<string, string | null>();
    if (custom && params.custom_metadata) {
      for (const [key, text] of customMetadataOf(params.custom_metadata, 'skip')) custom.set(key, text);
      for (const [key, value] of params.custom_metadata) if (value === null) custom.set(key, null);
    }
    const message = await messageOf(
      {
        ...params,
        // A duration's null is "not given" elsewhere.
        delete_version_after: ctx.sent.get('delete_version_after') === null ? 0 : params.delete_version_after,
      },
      custom,
      ctx,
    );
    return ctx.cluster.send(patch, secretId(ctx), message, asRequested(ctx));
  },
});

/**
 * Deletes a secret, or, where it has more versions than one change may erase, the oldest of them; replies whether it is still there.
 * Each step leaves a whole secret, with fewer versions: one that is cut short is a delete that was not acknowledged.
 */
const remove: ActorOperation<KvState, undefined, boolean> = {
  id: 'kv2.metadata.delete',
  actor: kvSecret,
  mode: 'change',
  run(state, _message, ctx) {
    if (!state) return { reply: false };
    return adopt(state, ctx, ({ secret: stored }) => {
      const secret = stored!;
      const first = firstVersion(secret);
      const there = secret.versions.flatMap((version, i) => (hasRecord(version) ? [first + i] : []));
      const rest = there[KV_ERASED_PER_CHANGE];
      if (rest === undefined) return { reply: false, next: { state: undefined, records: erasing(there) } };
      const fields = { ...secret, versions: secret.versions.slice(rest - first), oldestVersion: rest };
      const records = erasing(there.slice(0, KV_ERASED_PER_CHANGE));
      return { reply: true, next: { state: secretOf(fields), records } };
    });
  },
};

export const deleteMetadata = operation({
  summary: 'Deletes a secret for ever, with all its versions.',
  params: {},
  async run(_params, ctx): Promise<LogicalReply> {
    while (await ctx.cluster.send(remove, secretId(ctx), undefined, asRequested(ctx)));
    return {};
  },
});

export const metadataSends = [set, patch, remove];
