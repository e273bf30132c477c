/**
 * Settings of a versioned mount, which hold for each of its secrets (contract §8, `config`). Every change of a secret needs them: they stand in
 * the mount table, where each node has them at hand.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ActorId, type ActorKind, type ActorOperation, OWN_CLAIMS } from '../../model/actor.ts';
import { operation, type RouteContext } from '../../model/engine.ts';
import { KV_IDLE_MS, KV_MAILBOX_MAX } from '../../model/limits.ts';
import type { EngineSettings, Mount } from '../../model/mount.ts';
import { bool, goDuration, int, signedDuration } from '../../model/params.ts';
import { utf8, withFormat } from './value.ts';

export interface KvConfig {
  /** 0: 10. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  /** Seconds; 0: none; -1: none, whatever a secret says. */
  readonly deleteVersionAfter: number;
  readonly metadataCasRequired: boolean;
}

export const CONFIG_DEFAULT: KvConfig = {
  maxVersions: 0,
  casRequired: false,
  deleteVersionAfter: 0,
  metadataCasRequired: false,
};

const CONFIG_FORMAT = 1;

/**
 * The settings of one mount as they rested before they moved into the mount table; CONFIG_DEFAULT itself: never written. Nothing writes it any
 * more: the first change of the mount's data, or of its settings, moves them.
 */
export const kvConfig: ActorKind<KvConfig> = {
  kind: 'kv-config',
  keepsAbsent: true,
  replicas: 'hot',
  activeMax: 10_000,
  idleMs: KV_IDLE_MS,
  mailboxMax: KV_MAILBOX_MAX,
  decode(head) {
    if (!head) return CONFIG_DEFAULT;
    assert.equal(head[0], CONFIG_FORMAT, 'a later release wrote this');
    return configFrom(JSON.parse(utf8(head.subarray(1))));
  },
  encode(config) {
    if (config === CONFIG_DEFAULT) return undefined;
    return withFormat(CONFIG_FORMAT, JSON.stringify(settingsOf(config)));
  },
};

/** As the mount table keeps it. */
function settingsOf(config: KvConfig) {
  return {
    max_versions: config.maxVersions,
    cas_required: config.casRequired,
    delete_version_after: config.deleteVersionAfter,
    metadata_cas_required: config.metadataCasRequired,
  };
}

function configFrom(settings: EngineSettings): KvConfig {
  const stored = settings as Partial<ReturnType<typeof settingsOf>>;
  return {
    maxVersions: stored.max_versions ?? CONFIG_DEFAULT.maxVersions,
    casRequired: stored.cas_required ?? CONFIG_DEFAULT.casRequired,
    deleteVersionAfter: stored.delete_version_after ?? CONFIG_DEFAULT.deleteVersionAfter,
    metadataCasRequired: stored.metadata_cas_required ?? CONFIG_DEFAULT.metadataCasRequired,
  };
}

const current: ActorOperation<KvConfig, undefined, KvConfig> = {
  id: 'kv2.config.current',
  actor: kvConfig,
  mode: 'read',
  run: (config) => ({ reply: config }),
};

function unmoved({ cluster, mount, claims }: RouteContext): Promise<KvConfig> {
  const id: ActorId = { kind: kvConfig.kind, namespace: mount.namespace, mount: mount.uuid, name: 'config' };
  return cluster.send(current, id, undefined, { claims });
}

/** Mounts whose settings were sent on their way: one that did not arrive goes again once the mount has changed, or with the next start. */
const moving = new WeakSet<Mount>();

async function moved(ctx: RouteContext): Promise<KvConfig> {
  const { mount, settings } = ctx;
  const config = await unmoved(ctx);
  if (!moving.has(mount)) {
    moving.add(mount);
    // Nothing waits for it, and a mount whose settings stay where they are is only slower.
    settings.change(mount, {}, settingsOf(config), OWN_CLAIMS).catch(() => {});
  }
  return config;
}

/** The settings of the mount that a request names. Only changes need them. */
export function configOf(ctx: RouteContext): KvConfig | Promise<KvConfig> {
  const { settings } = ctx.mount;
  return settings ? configFrom(settings) : moved(ctx);
}

export const readConfig = operation({
  summary: 'Shows the settings that hold for all secrets of this mount.',
  params: {},
  async run(_params, ctx) {
    const settings = await ctx.settings.current(ctx.mount);
    const config = settings ? configFrom(settings) : await unmoved(ctx);
    return {
      data: {
        max_versions: config.maxVersions,
        cas_required: config.casRequired,
        delete_version_after: goDuration(config.deleteVersionAfter),
        metadata_cas_required: config.metadataCasRequired,
      },
    };
  },
});

export const writeConfig = operation({
  summary: 'Sets what holds for all secrets of this mount; fields that are not sent stay.',
  params: {
    max_versions: int('How many versions of a secret are kept; 0: 10.'),
    cas_required: bool('Must each write of data carry the cas option?'),
    delete_version_after: signedDuration(
      'Versions count as deleted after this; 0: never; negative: never, whatever a secret says.',
    ),
    metadata_cas_required: bool('Must each write of metadata carry metadata_cas?'),
  },
  async run(params, ctx) {
    const { max_versions, cas_required, delete_version_after, metadata_cas_required } = params;
    const sent = {
      max_versions: max_versions === undefined ? undefined : uint32(max_versions),
      cas_required,
      delete_version_after:
        delete_version_after === undefined ? undefined : Math.max(-1, delete_version_after),
      metadata_cas_required,
    };
    const patch = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined));
    if (Object.keys(patch).length === 0) return {};
    const before = ctx.mount.settings ?? settingsOf(await unmoved(ctx));
    await ctx.settings.change(ctx.mount, patch, before, ctx.claims);
    return {};
  },
});

/** As Go converts an int to uint32, so -1 is 4,294,967,295: Vault does so, and shows it. */
export function uint32(value: number): number {
  return value >>> 0;
}

export const configSends = [current];
