/**
 * The chains of the audit devices: one for each device and node. What a device needs to make its own, and what the API shows of all of them.
 *
 * @module
 */
import type { ChainOptions } from '../audit/chain.ts';
import type { ChainHeads } from '../audit/chain-heads.ts';
import { type CheckpointSigner, makeCheckpointSigner, type PublicKeys } from '../audit/checkpoint-signer.ts';
import type { Catalog, Entries, SectionChange } from '../cluster/catalog.ts';
import { lineHash } from '../crypto/audit-signature.ts';
import type { Claims } from '../model/actor.ts';
import { CHAIN_ID_CHARS, type KeptHead } from '../model/audit-chain.ts';
import type { Clock } from '../model/clock.ts';
import { badRequest } from '../model/errors.ts';
import { AUDIT_CHAINS_AT_ONCE, AUDIT_CHAINS_LISTED_MAX, AUDIT_KEY_GENERATIONS_MAX } from '../model/limits.ts';
import type { Log } from '../model/log.ts';
import type { KeptDevice } from './audit-devices.ts';

export interface AuditChainsOptions {
  readonly catalog: Catalog;
  readonly heads: ChainHeads;
  /** As `Barrier.derive`. */
  derive(label: string): Uint8Array;
  /** This node's name in its chains. */
  readonly node: string;
  readonly clock: Clock;
  /** Wall clock, ms. */
  now(): number;
  readonly log: Log;
}

/** A chain as the API shows it. */
export interface ChainFacts extends KeptHead {
  readonly chain: string;
  /** The device is enabled; false: it was disabled, and nothing is added any more. */
  readonly enabled: boolean;
}

export interface AuditChains {
  /** For this node's own part of a device. */
  chainOf(device: KeptDevice): ChainOptions;
  /** The device never came to be. */
  forget(device: KeptDevice): Promise<void>;
  /** Forgets the keys, on seal. */
  clear(): void;
  /** By id, as many as are listed at once. */
  list(after: string): Promise<ChainFacts[]>;
  chain(id: string): Promise<ChainFacts | undefined>;
  /** Of checkpoints, oldest first. */
  keys(): PublicKeys[];
  /** From now on checkpoints are signed with other keys. */
  rotateKeys(claims: Claims): Promise<void>;
}

const SETTING = 'audit_keys';

/** How often the keys were rotated, and once more. */
function generationOf(settings: Entries): number {
  return (settings.get(SETTING) as { generation: number } | undefined)?.generation ?? 1;
}

export const rotateAuditKeys: SectionChange<undefined, void> = {
  id: 'audit/rotate-keys',
  section: 'settings',
  run(settings) {
    const generation = generationOf(settings) + 1;
    if (generation > AUDIT_KEY_GENERATIONS_MAX)
      throw badRequest(
        `the keys were rotated ${AUDIT_KEY_GENERATIONS_MAX - 1} times, which is as often as they can be`,
      );
    return { patch: { [SETTING]: { generation } }, reply: undefined };
  },
};

/** The same for one device and node for ever; nobody learns the salt from it, which is as random as a key. */
function chainId({ salt }: KeptDevice, node: string): string {
  return lineHash(`coffer audit chain\0${salt}\0${node}`).slice(0, CHAIN_ID_CHARS);
}

export function makeAuditChains(options: AuditChainsOptions): AuditChains {
  const { catalog, heads, node, clock, now, log } = options;
  const signer: CheckpointSigner = makeCheckpointSigner({
    derive: options.derive,
    generation: () => generationOf(catalog.entries('settings')),
  });

  async function chain(id: string): Promise<ChainFacts | undefined> {
    const kept = await heads.load(id);
    if (!kept) return undefined;
    const devices = [...catalog.entries('audit').values()] as KeptDevice[];
    const enabled = devices.some((device) => chainId(device, kept.head.node) === id);
    return { ...kept.head, chain: id, enabled };
  }

  return {
    chainOf: (device) => ({
      id: chainId(device, node),
      device: device.path,
      node,
      heads,
      signer,
      clock,
      now,
      alarm: (text, error) => log.error(text, { device: device.path, ...(error ? { error } : {}) }),
    }),
    forget: (device) => heads.forget(chainId(device, node)),
    clear: signer.clear,
    async list(after) {
      const ids = await heads.list(after, AUDIT_CHAINS_LISTED_MAX);
      const found: (ChainFacts | undefined)[] = [];
      for (let from = 0; from < ids.length; from += AUDIT_CHAINS_AT_ONCE) {
        found.push(...(await Promise.all(ids.slice(from, from + AUDIT_CHAINS_AT_ONCE).map(chain))));
      }
      return found.filter((facts) => facts !== undefined);
    },
    chain,
    keys: signer.all,
    async rotateKeys(claims) {
      await catalog.change(rotateAuditKeys, undefined, claims);
    },
  };
}
