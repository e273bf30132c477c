/**
 * Settings of a versioned mount, which hold for each of its secrets (contract §8, `config`).
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { ActorId, ActorKind, ActorOperation } from '../../model/actor.ts';
import { changing, type RouteContext, reading } from '../../model/engine.ts';
import { KV_IDLE_MS, KV_MAILBOX_MAX } from '../../model/limits.ts';
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

/** The settings of one mount; CONFIG_DEFAULT itself: never written. */
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
    const stored = JSON.parse(utf8(head.subarray(1)));
    return {
      maxVersions: stored.max_versions,
      casRequired: stored.cas_required,
      deleteVersionAfter: stored.delete_version_after,
      metadataCasRequired: stored.metadata_cas_required,
    };
  },
  encode(config) {
    if (config === CONFIG_DEFAULT) return undefined;
    const stored = {
      max_versions: config.maxVersions,
      cas_required: config.casRequired,
      delete_version_after: config.deleteVersionAfter,
      metadata_cas_required: config.metadataCasRequired,
    };
    return withFormat(CONFIG_FORMAT, JSON.stringify(stored));
  },
};

const NAME = 'config';

const current: ActorOperation<KvConfig, undefined, KvConfig> = {
  id: 'kv2.config.current',
  actor: kvConfig,
  mode: 'read',
  run: (config) => ({ reply: config }),
};

/** The settings of the mount that a request names. Only changes need them. */
export function configOf({ cluster, mount, claims }: RouteContext): KvConfig | Promise<KvConfig> {
  const id: ActorId = { kind: kvConfig.kind, namespace: mount.namespace, mount: mount.uuid, name: NAME };
  const held = cluster.peek(id)?.state as KvConfig | undefined;
  if (held) return held;
  return cluster.send(current, id, undefined, { claims });
}

export const readConfig = reading({
  id: 'kv2.config.read',
  actor: kvConfig,
  actorName: () => NAME,
  summary: 'Shows the settings that hold for all secrets of this mount.',
  params: {},
  run: (config) => ({
    data: {
      max_versions: config.maxVersions,
      cas_required: config.casRequired,
      delete_version_after: goDuration(config.deleteVersionAfter),
      metadata_cas_required: config.metadataCasRequired,
    },
  }),
});

export const writeConfig = changing({
  id: 'kv2.config.write',
  actor: kvConfig,
  actorName: () => NAME,
  summary: 'Sets what holds for all secrets of this mount; fields that are not sent stay.',
  params: {
    max_versions: int('How many versions of a secret are kept; 0: 10.'),
    cas_required: bool('Must each write of data carry the cas option?'),
    delete_version_after: signedDuration(
      'Versions count as deleted after this; 0: never; negative: never, whatever a secret says.',
    ),
    metadata_cas_required: bool('Must each write of metadata carry metadata_cas?'),
  },
  run(config, params) {
    const { max_versions, cas_required, delete_version_after, metadata_cas_required } = params;
    if (Object.values(params).every((value) => value === undefined)) return { reply: {} };
    const next: KvConfig = {
      maxVersions: max_versions === undefined ? config.maxVersions : uint32(max_versions),
      casRequired: cas_required ?? config.casRequired,
      deleteVersionAfter: Math.max(-1, delete_version_after ?? config.deleteVersionAfter),
      metadataCasRequired: metadata_cas_required ?? config.metadataCasRequired,
    };
    return { reply: {}, next: { state: next } };
  },
});

/** As Go converts an int to uint32, so -1 is 4,294,967,295: Vault does so, and shows it. */
export function uint32(value: number): number {
  return value >>> 0;
}

export const configSends = [current];
