/**
 * `data/`: versions of a secret are read, written, patched, and the latest one deleted (contract §8).
 *
 * @module
 */
import { type ActorId, type ActorOperation, OWN_CLAIMS, type RecordChange } from '../../model/actor.ts';
import { changing, existence, operation, type RouteContext, reading } from '../../model/engine.ts';
import { badRequest, type CodedError } from '../../model/errors.ts';
import { type JsonMap, RawJson } from '../../model/json.ts';
import { encodeSorted } from '../../model/json-encoder.ts';
import { parseJson } from '../../model/json-parser.ts';
import { KV_ERASED_PER_CHANGE, KV_VERSIONS_MAX } from '../../model/limits.ts';
import { int } from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import { casOf, checkCas } from './check-and-set.ts';
import { configOf, type KvConfig } from './config.ts';
import { asDoubles } from './doubles.ts';
import { invalidPath, isNoName } from './invalid-path.ts';
import { adopt, asSecret, type KvState, kvSecret, payloadOf } from './kinds.ts';
import { mergePatch } from './merge-patch.ts';
import { objectOrNull } from './object-param.ts';
import {
  addVersion,
  erasing,
  isGone,
  maxVersionsOf,
  metadataText,
  NO_SECRET,
  SECRET_FORMAT,
  type Secret,
  secretOf,
  trimVersions,
  versionAt,
} from './secret.ts';
import { asRequested, checkMayWrite, secretId } from './sending.ts';
import { deleteVersions } from './versions.ts';

export const VERSION_PARAM = int('Which version; 0 is the latest.', { absent: 0 });

export const readData = reading({
  id: 'kv2.data.read',
  actor: kvSecret,
  summary: 'Reads one version of a secret, the latest unless another is asked for.',
  params: { version: VERSION_PARAM },
  run(state, { version }, ctx) {
    const found = findVersion(asSecret(state), version, ctx.now());
    if (!found) return isNoName(ctx.id.name) ? invalidPath('read') : {};
    const { secret, number, metadata } = found;
    if (found.isGone) return { status: 404, data: dataReply('null', metadata) };
    const payload = payloadOf(secret, number, ctx);
    if (typeof payload === 'string') {
      if (number !== secret.currentVersion) return { data: dataReply(payload, metadata) };
      secret.currentReply ??= dataReply(payload, metadata);
      return { data: secret.currentReply };
    }
    return payload.then((text) => ({ data: dataReply(text, metadata) }));
  },
});

/** Members in the order of their names; both are JSON already. */
function dataReply(data: string, metadata: string): RawJson {
  return new RawJson(`{"data":${data},"metadata":${metadata}}`);
}

export interface Found {
  readonly secret: Secret;
  readonly number: number;
  /** JSON text. */
  readonly metadata: string;
  readonly isGone: boolean;
}

/** The version that a read means: `asked`, or the latest where that is not above 0. */
export function findVersion(secret: Secret | undefined, asked: number, nowMs: number): Found | undefined {
  if (!secret) return undefined;
  const number = asked > 0 ? asked : secret.currentVersion;
  const version = versionAt(secret, number);
  if (!version) return undefined;
  const metadata =
    number === secret.currentVersion
      ? secret.currentMetadata
      : metadataText(secret.customMetadata, number, version);
  return { secret, number, metadata, isGone: isGone(version, nowMs) };
}

interface Write {
  /** Canonical JSON text: the value, or the patch to it. Undefined: none was sent, which is refused. */
  readonly text: string | undefined;
  readonly cas: number | undefined;
  readonly config: KvConfig;
}

interface Written {
  readonly reply: LogicalReply;
  /** Versions above the limit are left that did not fit into this change. */
  readonly isMore: boolean;
}

const put: ActorOperation<KvState, Write, Written> = {
  id: 'kv2.data.put',
  actor: kvSecret,
  mode: 'change',
  run(state, { text, cas, config }, ctx) {
    checkMayWrite(state !== undefined, ctx);
    if (text === undefined) throw noData();
    return adopt(state, ctx, ({ secret = secretOf(NO_SECRET), records }) => {
      checkCas(secret, config, cas);
      return nextVersion(secret, text, config, records, ctx.now());
    });
  },
};

const patch: ActorOperation<KvState, Write, Written> = {
  id: 'kv2.data.patch',
  actor: kvSecret,
  mode: 'change',
  run: (state, { text, cas, config }, ctx) =>
    adopt(state, ctx, async ({ secret, records, text: adopted }) => {
      if (text === undefined) throw noData();
      if (!secret) return notPatched({});
      checkCas(secret, config, cas);
      const found = findVersion(secret, 0, ctx.now());
      if (!found) return notPatched({});
      if (found.isGone) return notPatched({ data: new RawJson(found.metadata) });
      const before = adopted ?? (await payloadOf(secret, found.number, ctx));
      const after = encodeSorted(mergePatch(parseJson(before), parseJson(text)));
      return nextVersion(secret, after, config, records, ctx.now());
    }),
};

function notPatched(reply: LogicalReply): { reply: Written } {
  return { reply: { reply: { ...reply, status: 404 }, isMore: false } };
}

/** Stores `text` as the next version, and erases what is then above the limit. */
function nextVersion(
  secret: Secret,
  text: string,
  config: KvConfig,
  adopted: readonly RecordChange[],
  nowMs: number,
): { reply: Written; next: { state: Secret; records: RecordChange[] } } {
  const { fields: added, records } = addVersion(secret, config, text, nowMs);
  const { fields, erased, isMore } = trimVersions(added, maxVersionsOf(added, config), KV_ERASED_PER_CHANGE);
  if (fields.versions.length > KV_VERSIONS_MAX) {
    throw badRequest(`a secret keeps at most ${KV_VERSIONS_MAX} versions; set a lower max_versions`);
  }
  const state = secretOf(fields);
  const reply = { data: new RawJson(state.currentMetadata) };
  return { reply: { reply, isMore }, next: { state, records: [...adopted, ...records, ...erasing(erased)] } };
}

/** Goes on with what a write left above the limit. */
const trim: ActorOperation<KvState, KvConfig, boolean> = {
  id: 'kv2.data.trim',
  actor: kvSecret,
  mode: 'change',
  run(state, config) {
    if (state?.form !== SECRET_FORMAT) return { reply: false };
    const { fields, erased, isMore } = trimVersions(
      state,
      maxVersionsOf(state, config),
      KV_ERASED_PER_CHANGE,
    );
    if (fields === state) return { reply: false };
    return { reply: isMore, next: { state: secretOf(fields), records: erasing(erased) } };
  },
};

const WRITE_PARAMS = {
  data: objectOrNull('The value.'),
  options: objectOrNull('`cas`: the version the value was read at; 0: it must not exist yet.'),
};

export const writeData = operation({
  summary: 'Writes a secret: its value becomes a new version.',
  existence: existence({ id: 'kv2.data', actor: kvSecret }),
  params: WRITE_PARAMS,
  run: ({ data, options }, ctx) => write(put, data, options, ctx),
});

export const patchData = operation({
  summary: 'Merges fields into the latest version (RFC 7396); the result becomes a new version.',
  params: WRITE_PARAMS,
  // A null would replace the whole value by nothing, and no patch could follow it.
  run: ({ data, options }, ctx) => write(patch, data ?? undefined, options, ctx),
});

function noData(): CodedError {
  return badRequest('no data provided');
}

/** Not async: where the mount's settings are held, as they mostly are, one promise stands for all of it. */
function write(
  op: ActorOperation<KvState, Write, Written>,
  data: JsonMap | null | undefined,
  options: JsonMap | null | undefined,
  ctx: RouteContext,
): Promise<LogicalReply> {
  // Where the policies allow only one of both, that is told first, as by Vault: its owner knows which of them this is.
  const { mayCreate, mayUpdate } = ctx.claims;
  if (data === undefined && (op !== put || mayCreate === mayUpdate)) throw noData();
  const text = data === undefined ? undefined : encodeSorted(asDoubles(data));
  const cas = casOf(options);
  const id = secretId(ctx);
  const send = (config: KvConfig): Promise<LogicalReply> =>
    ctx.cluster
      .send(op, id, { text, cas, config }, asRequested(ctx))
      .then(({ reply, isMore }) => (isMore ? trimmed(reply, id, config, ctx) : reply));
  const config = configOf(ctx);
  return config instanceof Promise ? config.then(send) : send(config);
}

async function trimmed(
  reply: LogicalReply,
  id: ActorId,
  config: KvConfig,
  ctx: RouteContext,
): Promise<LogicalReply> {
  if (await isTrimmed(id, config, ctx)) return reply;
  return {
    ...reply,
    warnings: ['error occurred when cleaning up old versions, these will be cleaned up on next write'],
  };
}

/** The write has happened: what is left to do follows from it and needs nobody's leave, and its failure is no failure of the write. */
async function isTrimmed(id: ActorId, config: KvConfig, { cluster }: RouteContext): Promise<boolean> {
  try {
    while (await cluster.send(trim, id, config, { claims: OWN_CLAIMS }));
    return true;
  } catch {
    return false;
  }
}

export const deleteData = changing({
  id: 'kv2.data.delete',
  actor: kvSecret,
  summary: 'Deletes the latest version; it can be undeleted.',
  params: {},
  run(state, _params, ctx) {
    if (!state) return { reply: isNoName(ctx.id.name) ? invalidPath('delete') : {} };
    return adopt(state, ctx, (adopted) => deleteVersions(adopted, [adopted.secret!.currentVersion], ctx));
  },
});

export const dataSends = [put, patch, trim];
